// See annotations.hpp.
#include "scenarios/annotations.hpp"

#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <utility>

#include <fmt/format.h>

namespace obsctl::scenarios {

namespace {

constexpr core::Nanoseconds kCallTimeout = std::chrono::seconds(2);
constexpr core::Nanoseconds kFinishWithin = std::chrono::seconds(2);

bool is_of_interest(std::string_view kind) {
  return kind == "fault.injected" || kind == "fault.cleared" || kind == "alert.firing" ||
         kind == "alert.inactive";
}

/// "api, severity=critical": the labels but for the alert's name.
std::string labels_text(const Event& event) {
  std::string text;
  const auto labels = event.fields.find("labels");
  if (labels == event.fields.end() || !labels->is_object()) return text;
  for (const auto& [name, value] : labels->items()) {
    if (name == "alertname" || !value.is_string()) continue;
    text += fmt::format("{}{}={}", text.empty() ? "" : ", ", name, value.get<std::string>());
  }
  return text;
}

/// Writes one event after the other.
class Writer {
 public:
  Writer(AnnotatedGrafana grafana, std::string run, Journal& journal)
      : grafana_(std::move(grafana.access)),
        dashboard_uid_(std::move(grafana.dashboard_uid)),
        run_(std::move(run)),
        journal_(journal) {}

  void write(const Event& event, const std::stop_token& stop) {
    const bool fault = event.kind.starts_with("fault.");
    const std::string name = event.text(fault ? "fault" : "alert");
    const std::string about = fault ? event.text("description") : labels_text(event);
    const std::string key = fault ? name : fmt::format("{}{{{}}}", name, about);
    if (event.kind == "fault.injected" || event.kind == "alert.firing") {
      begin(key,
            {.from = event.at,
             .until = {},
             .tags = {"obsctl", fault ? "fault" : "alert", run_, name},
             .text = fmt::format("{}: {}", name, about.empty() ? "firing" : about),
             .dashboard_uid = dashboard_uid_},
            stop);
    } else {
      end(key, event.at, stop);
    }
  }

 private:
  struct Open {
    verifiers::GrafanaAnnotation annotation;
    std::optional<std::int64_t> id;  ///< nothing: its beginning could not be written
  };

  void begin(const std::string& key, verifiers::GrafanaAnnotation annotation, const std::stop_token& stop) {
    const auto id = grafana_.add_annotation(annotation, stop);
    if (!id) tell(id.error());
    open_[key] = {std::move(annotation), id ? std::optional(*id) : std::nullopt};
  }

  void end(const std::string& key, core::WallTime at, const std::stop_token& stop) {
    const auto found = open_.find(key);
    if (found == open_.end()) return;
    Open one = std::move(found->second);
    open_.erase(found);
    one.annotation.until = at;
    if (one.id) {
      if (const auto ended = grafana_.end_annotation(*one.id, at, stop); !ended) tell(ended.error());
    } else if (const auto whole = grafana_.add_annotation(one.annotation, stop); !whole) {
      tell(whole.error());
    }
  }

  void tell(const core::Error& error) {
    if (std::exchange(told_, true)) return;
    journal_.append("annotation.failed", {{"reason", to_line(error)}});
  }

  verifiers::GrafanaClient grafana_;
  const std::string dashboard_uid_;
  const std::string run_;
  Journal& journal_;
  std::map<std::string, Open> open_;
  bool told_ = false;
};

verifiers::GrafanaAccess hurried(verifiers::GrafanaAccess access) {
  access.options.timeout = kCallTimeout;
  return access;
}

}  // namespace

struct Annotations::Queue {
  std::mutex mutex;
  std::condition_variable_any changed;
  std::deque<Event> events;
  bool closed = false;  ///< nothing more is put in
  bool done = false;    ///< and all that was has been written

  void put(const Event& event) {
    const std::lock_guard lock(mutex);
    if (closed) return;
    events.push_back(event);
    changed.notify_all();
  }

  /// The next one; nothing once it is closed and empty, or when `stop` is triggered.
  std::optional<Event> take(const std::stop_token& stop) {
    std::unique_lock lock(mutex);
    changed.wait(lock, stop, [&] { return closed || !events.empty(); });
    if (stop.stop_requested() || events.empty()) return std::nullopt;
    Event event = std::move(events.front());
    events.pop_front();
    return event;
  }
};

Annotations::Annotations(AnnotatedGrafana grafana, std::string run, Journal& journal)
    : queue_(std::make_shared<Queue>()) {
  grafana.access = hurried(std::move(grafana.access));
  journal.listen([queue = queue_](const Event& event) {
    if (is_of_interest(event.kind)) queue->put(event);
  });
  writer_ = std::jthread([queue = queue_, writer = Writer(std::move(grafana), std::move(run), journal)](
                             const std::stop_token& stop) mutable {
    while (const auto event = queue->take(stop)) writer.write(*event, stop);
    const std::lock_guard lock(queue->mutex);
    queue->done = true;
    queue->changed.notify_all();
  });
}

Annotations::~Annotations() {
  std::unique_lock lock(queue_->mutex);
  queue_->closed = true;
  queue_->changed.notify_all();
  queue_->changed.wait_for(lock, kFinishWithin, [&] { return queue_->done; });
  // What is still under way is given up, by the thread's stop token.
}

}  // namespace obsctl::scenarios
