// See observers.hpp. How long something may be out of sight before the run is inconclusive is decided here:
// three evaluations for Prometheus, a few seconds for the others, since what they hold is not lost meanwhile.
#include "scenarios/observers.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "verifiers/alert_observer.hpp"
#include "verifiers/alertmanager_client.hpp"
#include "verifiers/prometheus_client.hpp"
#include "verifiers/receiver_client.hpp"

namespace obsctl::scenarios {

using verifiers::AlertTransition;
using verifiers::Notification;
using verifiers::NotifiedStatus;

namespace {

constexpr Nanoseconds kAlertmanagerInterval = std::chrono::milliseconds(250);
constexpr Nanoseconds kQueryInterval = std::chrono::milliseconds(100);
constexpr Nanoseconds kPatience = std::chrono::seconds(2);
constexpr Nanoseconds kLongPoll = std::chrono::seconds(5);
constexpr verifiers::ApiOptions kQuick{.timeout = std::chrono::seconds(2)};

/// Says once that something has not answered for longer than it may.
class Presence {
 public:
  Presence(std::string what, Nanoseconds patience, Journal& journal, core::Clock& clock)
      : what_(std::move(what)),
        patience_(patience),
        journal_(journal),
        clock_(clock),
        last_(clock.steady_now()) {}

  void answered() { last_ = clock_.steady_now(); }

  void failed(const core::Error& error) {
    const Nanoseconds silence = clock_.steady_now() - last_;
    if (said_ || silence < patience_ || error.kind == core::ErrorKind::cancelled) return;
    said_ = true;
    journal_.append("run.inconclusive",
                    {{"reason", fmt::format("{} has not answered for {}: {}", what_,
                                            core::format_rounded(silence), to_line(error))}});
  }

 private:
  const std::string what_;
  const Nanoseconds patience_;
  Journal& journal_;
  core::Clock& clock_;
  core::SteadyTime last_;
  bool said_ = false;
};

void append_transition(Journal& journal, const AlertTransition& transition) {
  Json fields{{"alert", transition.name},
              {"labels", transition.labels},
              {"value", transition.value},
              {"source", to_string(transition.source)}};
  if (!transition.exact()) fields["not_before"] = core::format_utc(transition.not_before);
  if (transition.preexisting) fields["preexisting"] = true;
  journal.append_at(transition.at, fmt::format("alert.{}", to_string(transition.to)), std::move(fields));
}

/// The alerts that a notification says are in a state.
std::vector<std::string> alerts_in(const Notification& notification, NotifiedStatus status,
                                   const std::vector<std::string>& known) {
  std::vector<std::string> names;
  const auto add = [&](const std::string& name) {
    if (!name.empty() && std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  };
  for (const verifiers::NotifiedAlert& alert : notification.alerts) {
    if (alert.status == status) add(alert.name);
  }
  for (const std::string& name : known) {
    if (status_of(notification, name) == status) add(name);
  }
  return names;
}

/// What every event about a notification has.
Json fields_of(const Notification& notification) {
  Json fields{{"receiver", notification.receiver},
              {"via", to_string(notification.kind)},
              {"recurrence", to_string(notification.recurrence)},
              {"sequence", notification.sequence},
              {"raw", shown_body(notification)}};
  if (notification.kind != verifiers::NotificationKind::webhook) fields["text"] = notification.text;
  return fields;
}

/// The alerts in a state with what the payload has of them. A text has only what its template printed.
void add_instances(Json& fields, const Notification& notification, NotifiedStatus status) {
  if (notification.kind != verifiers::NotificationKind::webhook) return;
  Json& instances = fields["instances"] = Json::array();
  for (const verifiers::NotifiedAlert& alert : notification.alerts) {
    if (alert.status != status) continue;
    instances.push_back(
        {{"alert", alert.name}, {"labels", alert.labels}, {"annotations", alert.annotations}});
  }
  fields["group"] = notification.group_labels;
}

void append_notification(Journal& journal, const Notification& notification,
                         const std::vector<std::string>& known) {
  if (notification.refused) {
    std::vector<std::string> names;
    for (const verifiers::NotifiedAlert& alert : notification.alerts) names.push_back(alert.name);
    Json fields = fields_of(notification);
    fields["alerts"] = std::move(names);
    fields["answer"] = notification.answer;
    journal.append_at(notification.received_at, "notification.refused", std::move(fields));
    return;
  }
  bool told = false;
  for (const auto& [status, kind] : {std::pair{NotifiedStatus::firing, "notification.firing"},
                                     std::pair{NotifiedStatus::resolved, "notification.resolved"}}) {
    std::vector<std::string> names = alerts_in(notification, status, known);
    if (names.empty()) continue;
    told = true;
    Json fields = fields_of(notification);
    fields["alerts"] = std::move(names);
    add_instances(fields, notification, status);
    journal.append_at(notification.received_at, kind, std::move(fields));
  }
  if (!told) journal.append_at(notification.received_at, "notification.other", fields_of(notification));
}

bool injected(const Journal& journal, const std::string& fault) {
  const std::vector<Event> events = journal.events();
  return std::any_of(events.begin(), events.end(), [&](const Event& event) {
    return (event.kind == "fault.injected" || event.kind == "fault.skipped") && event.text("fault") == fault;
  });
}

}  // namespace

Observers::Observers(Watch watch, Journal& journal, core::Clock& clock)
    : watch_(std::move(watch)), journal_(journal), clock_(clock) {
  threads_.emplace_back([this](const std::stop_token& stop) { watch_rules(stop); });
  if (!watch_.alertmanager_url.empty()) {
    threads_.emplace_back([this](const std::stop_token& stop) { watch_alertmanager(stop); });
  }
  if (!watch_.receiver_url.empty()) {
    threads_.emplace_back([this](const std::stop_token& stop) { watch_receiver(stop); });
  }
  if (!watch_.queries.empty() || !watch_.aborts.empty()) {
    threads_.emplace_back([this](const std::stop_token& stop) { watch_queries(stop); });
  }
}

Observers::~Observers() {
  for (std::jthread& thread : threads_) thread.request_stop();
}

void Observers::watch_rules(const std::stop_token& stop) {
  verifiers::PrometheusClient prometheus(watch_.prometheus_url, kQuick);
  std::optional<verifiers::AlertmanagerClient> alertmanager;
  if (!watch_.alertmanager_url.empty()) alertmanager.emplace(watch_.alertmanager_url, kQuick);
  verifiers::AlertObserver observer(prometheus, alertmanager ? &*alertmanager : nullptr, clock_);
  Presence presence("Prometheus", std::max(3 * watch_.evaluation_interval, kPatience), journal_, clock_);
  const Nanoseconds interval = std::clamp<Nanoseconds>(
      watch_.evaluation_interval / 10, std::chrono::milliseconds(50), std::chrono::milliseconds(500));
  while (clock_.sleep_for(interval, stop)) {
    const auto observation = observer.poll(stop);
    if (!observation) {
      presence.failed(observation.error());
      continue;
    }
    presence.answered();
    for (const AlertTransition& transition : observation->transitions)
      append_transition(journal_, transition);
    for (const verifiers::ObserverFinding& finding : observation->findings) {
      const bool ours = watch_.groups.empty() || watch_.groups.count(finding.group) == 1;
      journal_.append(ours ? "run.inconclusive" : "prometheus.finding",
                      {{"reason", finding.text}, {"finding", to_string(finding.kind)}});
    }
  }
}

void Observers::watch_alertmanager(const std::stop_token& stop) {
  verifiers::AlertmanagerClient alertmanager(watch_.alertmanager_url, kQuick);
  Presence presence("Alertmanager", 2 * kPatience, journal_, clock_);
  std::set<std::pair<std::string, std::string>> told;  // fingerprint and reason
  while (clock_.sleep_for(kAlertmanagerInterval, stop)) {
    const auto held = alertmanager.alerts(stop);
    if (!held) {
      presence.failed(held.error());
      continue;
    }
    presence.answered();
    for (const verifiers::HeldAlert& alert : *held) {
      for (const auto& [by, ids] :
           {std::pair{"inhibition", &alert.inhibited_by}, std::pair{"silence", &alert.silenced_by},
            std::pair{"mute", &alert.muted_by}}) {
        if (ids->empty() || !told.emplace(alert.fingerprint, by).second) continue;
        journal_.append("alert.suppressed",
                        {{"alert", std::string(verifiers::label_of(alert.labels, "alertname"))},
                         {"labels", alert.labels},
                         {"by", by},
                         {"ids", *ids}});
      }
    }
  }
}

void Observers::watch_receiver(const std::stop_token& stop) {
  verifiers::ReceiverClient receiver(watch_.receiver_url);
  Presence presence("the receiver", 2 * kPatience, journal_, clock_);
  std::uint64_t seen = watch_.notifications_seen;
  while (!stop.stop_requested()) {
    const auto notifications = receiver.next(seen, kLongPoll, stop);
    if (!notifications) {
      presence.failed(notifications.error());
      clock_.sleep_for(kQueryInterval, stop);
      continue;
    }
    presence.answered();
    for (const Notification& notification : *notifications) {
      seen = notification.sequence;
      append_notification(journal_, notification, watch_.alert_names);
    }
  }
}

void Observers::watch_queries(const std::stop_token& stop) {
  verifiers::PrometheusClient prometheus(watch_.prometheus_url, kQuick);
  std::vector<QueryExpectation> open = watch_.queries;
  std::vector<std::optional<core::SteadyTime>> since(watch_.aborts.size());
  while (clock_.sleep_for(kQueryInterval, stop)) {
    std::erase_if(open, [&](const QueryExpectation& query) {
      if (!injected(journal_, query.caused_by)) return false;
      const auto samples = prometheus.query(query.query, stop);
      const bool met = samples && !samples->empty() &&
                       std::all_of(samples->begin(), samples->end(), [&](const verifiers::Sample& sample) {
                         return query.tolerance.hold_for(sample.value);
                       });
      if (met) {
        journal_.append("query.met",
                        {{"query", query.name},
                         {"evidence", fmt::format("{} was {:.6g}, wanted {}", query.name,
                                                  samples->front().value, query.tolerance.text())}});
      }
      return met;
    });
    for (std::size_t i = 0; i < watch_.aborts.size(); ++i) {
      const AbortCondition& condition = watch_.aborts[i];
      const auto samples = prometheus.query(condition.query, stop);
      if (!samples) continue;
      if (samples->empty()) {
        since[i].reset();
        continue;
      }
      const core::SteadyTime now = clock_.steady_now();
      if (!since[i]) since[i] = now;
      if (now - *since[i] < condition.hold) continue;
      journal_.append("run.aborted",
                      {{"reason", fmt::format("the abort condition {} has been true for {}", condition.query,
                                              core::format_duration(condition.hold))}});
      return;
    }
  }
}

}  // namespace obsctl::scenarios
