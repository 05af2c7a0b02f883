#include "scenarios/journal.hpp"

#include <cmath>
#include <utility>

#include <fmt/format.h>

namespace obsctl::scenarios {

std::string Event::text(std::string_view key) const {
  const auto found = fields.find(key);
  return found != fields.end() && found->is_string() ? found->get<std::string>() : std::string();
}

double Event::number(std::string_view key) const {
  const auto found = fields.find(key);
  return found != fields.end() && found->is_number() ? found->get<double>() : 0;
}

bool Event::flag(std::string_view key) const {
  const auto found = fields.find(key);
  return found != fields.end() && found->is_boolean() && found->get<bool>();
}

Json to_json(const Event& event, core::WallTime start) {
  const double seconds = core::to_seconds(event.at - start);
  Json json{
      {"t_s", std::round(seconds * 1e6) / 1e6}, {"at", core::format_utc(event.at)}, {"kind", event.kind}};
  for (const auto& [name, value] : event.fields.items()) {
    if (!json.contains(name)) json[name] = value;
  }
  return json;
}

core::Result<void> Journal::write_to(const std::filesystem::path& path) {
  const std::lock_guard lock(mutex_);
  file_.open(path, std::ios::app);
  if (!file_) {
    return core::make_error(core::ErrorKind::unavailable,
                            fmt::format("cannot write the journal {}", path.string()));
  }
  return {};
}

void Journal::listen(std::function<void(const Event&)> listener) {
  const std::lock_guard lock(mutex_);
  listeners_.push_back(std::move(listener));
}

void Journal::append(std::string kind, Json fields) {
  append_at(clock_.wall_now(), std::move(kind), std::move(fields));
}

void Journal::append_at(core::WallTime at, std::string kind, Json fields) {
  const std::lock_guard lock(mutex_);
  events_.push_back({at, std::move(kind), std::move(fields)});
  if (file_.is_open()) {
    file_ << to_json(events_.back(), start_).dump(-1, ' ', false, Json::error_handler_t::replace) << '\n'
          << std::flush;
  }
  for (const auto& listener : listeners_) {
    try {
      listener(events_.back());
    } catch (const std::exception&) {
      // Whoever shows the run must not end it, least of all while something is broken.
    }
  }
  grown_.notify_all();
}

std::vector<Event> Journal::events() const {
  const std::lock_guard lock(mutex_);
  return events_;
}

std::size_t Journal::size() const {
  const std::lock_guard lock(mutex_);
  return events_.size();
}

void Journal::wait_for_more(std::size_t seen, core::SteadyTime deadline, const std::stop_token& stop) const {
  std::unique_lock lock(mutex_);
  grown_.wait_until(lock, stop, deadline, [&] { return events_.size() > seen; });
}

const Event* find_first(const std::vector<Event>& events, std::string_view kind,
                        const std::function<bool(const Event&)>& matches) {
  for (const Event& event : events) {
    if (event.kind == kind && (!matches || matches(event))) return &event;
  }
  return nullptr;
}

}  // namespace obsctl::scenarios
