// Journals written by hand: what happened, second by second, for tests of what is judged from it.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "scenarios/expectation.hpp"
#include "scenarios/journal.hpp"

namespace obsctl::tests {

/// The moment that all stories begin at: 2026-11-21T00:00:00Z.
inline constexpr core::WallTime kStoryBegins{std::chrono::seconds(1'795'219'200)};

inline core::WallTime at(double seconds) {
  return kStoryBegins + core::from_seconds(seconds);
}

/// Events in the order in which they are told, which need not be that of their times.
class Story {
 public:
  Story& event(double seconds, std::string kind, scenarios::Json fields = scenarios::Json::object()) {
    events_.push_back({at(seconds), std::move(kind), std::move(fields)});
    return *this;
  }
  Story& injected(double seconds, const std::string& fault = "f") {
    return event(seconds, "fault.injected", {{"fault", fault}});
  }
  Story& clearing(double seconds, const std::string& fault = "f") {
    return event(seconds, "fault.clearing", {{"fault", fault}});
  }
  Story& cleared(double seconds, const std::string& fault = "f") {
    return event(seconds, "fault.cleared", {{"fault", fault}});
  }
  /// `state` is pending, firing or inactive.
  Story& alert(double seconds, const std::string& state, const std::string& name = "A",
               scenarios::Labels labels = {{"severity", "page"}}) {
    return event(seconds, "alert." + state, {{"alert", name}, {"labels", std::move(labels)}});
  }
  /// `state` is firing or resolved.
  Story& notified(double seconds, const std::string& state, const std::string& receiver = "slack",
                  std::vector<std::string> alerts = {"A"}, const std::string& raw = "{}") {
    return event(seconds, "notification." + state,
                 {{"receiver", receiver}, {"alerts", std::move(alerts)}, {"raw", raw}});
  }

  const std::vector<scenarios::Event>& events() const { return events_; }

 private:
  std::vector<scenarios::Event> events_;
};

}  // namespace obsctl::tests
