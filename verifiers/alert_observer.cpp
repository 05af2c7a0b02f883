// The observer's looks, and how their times are made exact from what Prometheus and Alertmanager have written
// down.
#include "verifiers/alert_observer.hpp"

#include <algorithm>
#include <iterator>
#include <map>
#include <utility>

#include <fmt/format.h>

#include "verifiers/evaluation_grid.hpp"

namespace obsctl::verifiers {

std::string_view to_string(TimeSource source) {
  switch (source) {
    case TimeSource::active_at:
      return "active_at";
    case TimeSource::starts_at:
      return "starts_at";
    case TimeSource::ends_at:
      return "ends_at";
    case TimeSource::series:
      return "series";
    case TimeSource::evaluation:
      return "evaluation";
    case TimeSource::window:
      return "window";
  }
  return "?";
}

std::string_view to_string(ObserverFinding::Kind kind) {
  switch (kind) {
    case ObserverFinding::Kind::rule_unhealthy:
      return "rule_unhealthy";
    case ObserverFinding::Kind::not_evaluated_yet:
      return "not_evaluated_yet";
    case ObserverFinding::Kind::evaluation_stalled:
      return "evaluation_stalled";
    case ObserverFinding::Kind::rule_gone:
      return "rule_gone";
  }
  return "?";
}

namespace {

void set_time(AlertTransition& transition, WallTime at, TimeSource source) {
  transition.at = transition.not_before = at;
  transition.source = source;
}

/// Takes `time` if it is in the transition's window, give or take the millisecond of timestamps on the wire.
bool take_time(AlertTransition& transition, WallTime time, TimeSource source) {
  constexpr auto rounding = std::chrono::milliseconds(1);
  if (time < transition.not_before - rounding || time > transition.at + rounding) return false;
  set_time(transition, time, source);
  return true;
}

}  // namespace

void refine_with(AlertTransition& transition, const std::vector<HeldAlert>& held) {
  if (transition.exact() || transition.to != AlertState::firing) return;
  for (const HeldAlert& alert : held) {
    // Alertmanager's labels may have external labels on top.
    if (includes(alert.labels, transition.labels) &&
        take_time(transition, alert.starts_at, TimeSource::starts_at)) {
      return;
    }
  }
}

bool refine_with(AlertTransition& transition, const Notification& notification) {
  if (transition.exact() || transition.to == AlertState::pending) return false;
  const bool ended = transition.to == AlertState::inactive;
  for (const NotifiedAlert& alert : notification.alerts) {
    if (!includes(alert.labels, transition.labels)) continue;
    if (ended && alert.status != NotifiedStatus::resolved) continue;
    if (take_time(transition, ended ? alert.ends_at : alert.starts_at,
                  ended ? TimeSource::ends_at : TimeSource::starts_at)) {
      return true;
    }
  }
  return false;
}

namespace {

/// The samples of one instance in one state; null when there are none.
const Series* find_series(const std::vector<Series>& all, const Labels& labels, std::string_view state) {
  for (const Series& series : all) {
    if (label_of(series.labels, "alertstate") != state) continue;
    Labels own = series.labels;
    own.erase("alertstate");
    own.erase("__name__");
    if (own == labels) return &series;
  }
  return nullptr;
}

/// The first and the last sample in [from, to); both WallTime::min() when there is none.
std::pair<WallTime, WallTime> ends_of(const Series* series, WallTime from, WallTime to) {
  WallTime first = WallTime::min(), last = WallTime::min();
  if (series == nullptr) return {first, last};
  for (const Series::Point& point : series->points) {
    if (point.at < from || point.at >= to) continue;
    if (first == WallTime::min()) first = point.at;
    last = point.at;
  }
  return {first, last};
}

/// Makes one transition exact. Gives back the firing that the looks have missed, if there was one.
std::optional<AlertTransition> refine_one(AlertTransition& transition, const std::vector<Series>& samples) {
  const bool ended = transition.to == AlertState::inactive;
  const EvaluationGrid grid(transition.active_at, transition.evaluation_interval);
  const WallTime from = transition.active_at - EvaluationGrid::kTolerance;
  // An end has no sample of its own, and one that follows belongs to the next time the alert is active.
  const WallTime to = ended ? transition.at + grid.interval() / 2 : WallTime::max();
  const auto [first_firing, last_firing] =
      ends_of(find_series(samples, transition.labels, "firing"), from, to);
  if (!ended) {
    if (first_firing != WallTime::min()) set_time(transition, grid.nearest(first_firing), TimeSource::series);
    return std::nullopt;
  }
  const WallTime last_pending = ends_of(find_series(samples, transition.labels, "pending"), from, to).second;
  const WallTime last = std::max(last_pending, last_firing);
  if (last == WallTime::min()) return std::nullopt;
  set_time(transition, grid.nearest(last) + grid.interval(), TimeSource::series);
  if (transition.from != AlertState::pending || first_firing == WallTime::min()) return std::nullopt;
  AlertTransition fired = transition;
  fired.to = AlertState::firing;
  set_time(fired, grid.nearest(first_firing), TimeSource::series);
  transition.from = AlertState::firing;
  return fired;
}

}  // namespace

void refine_with(std::vector<AlertTransition>& transitions, const std::vector<Series>& alerts_series,
                 WallTime covered_from) {
  std::vector<AlertTransition> all;
  for (AlertTransition& transition : transitions) {
    if (transition.to != AlertState::pending && transition.active_at >= covered_from) {
      if (auto fired = refine_one(transition, alerts_series)) all.push_back(std::move(*fired));
    }
    all.push_back(std::move(transition));
  }
  // At the same time in the order they had: the end of one activity before the next, pending before firing.
  std::stable_sort(all.begin(), all.end(),
                   [](const AlertTransition& a, const AlertTransition& b) { return a.at < b.at; });
  transitions = std::move(all);
}

Result<Observation> AlertObserver::poll(const std::stop_token& stop) {
  auto groups = prometheus_.rules(stop);
  if (!groups) return groups.error();
  const RulesSnapshot* previous = last_ ? &*last_ : nullptr;
  RulesSnapshot next = make_snapshot(std::move(*groups), clock_.wall_now(), previous);
  Observation observation = diff(previous, next);
  make_exact(observation, stop);
  last_ = std::move(next);
  return observation;
}

namespace {

std::string promql_string(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c == '\n' ? std::string("\\n") : std::string(1, c);
  }
  return out + "\"";
}

constexpr Nanoseconds kLongestRange = std::chrono::hours(1);
constexpr Nanoseconds kRangeMargin = std::chrono::seconds(30);

/// How far back the samples of each alert (by name) have to go.
std::map<std::string, Nanoseconds> needed_ranges(const std::vector<AlertTransition>& transitions) {
  std::map<std::string, Nanoseconds> ranges;
  for (const AlertTransition& transition : transitions) {
    if (transition.to == AlertState::pending) continue;
    const Nanoseconds needed =
        transition.at - transition.active_at + 2 * transition.evaluation_interval + kRangeMargin;
    Nanoseconds& range = ranges[transition.name];
    range = std::max(range, needed);
  }
  return ranges;
}

bool wants_firing_time(const std::vector<AlertTransition>& transitions) {
  return std::any_of(transitions.begin(), transitions.end(), [](const AlertTransition& transition) {
    return !transition.exact() && transition.to == AlertState::firing;
  });
}

}  // namespace

/// What cannot be asked leaves the times as they are: less exact, but still true.
void AlertObserver::make_exact(Observation& observation, const std::stop_token& stop) {
  std::vector<Series> samples;
  WallTime covered_from = WallTime::min();
  for (const auto& [name, needed] : needed_ranges(observation.transitions)) {
    const Nanoseconds range = std::min(needed, kLongestRange);
    if (range < needed) {
      // By Prometheus' clock, of which the newest transition is the best that is known here.
      covered_from = observation.transitions.back().at - kLongestRange + kRangeMargin;
    }
    auto found =
        prometheus_.raw_samples(fmt::format("ALERTS{{alertname={}}}", promql_string(name)), range, stop);
    if (found) std::move(found->begin(), found->end(), std::back_inserter(samples));
  }
  refine_with(observation.transitions, samples, covered_from);
  if (alertmanager_ == nullptr || !wants_firing_time(observation.transitions)) return;
  const auto held = alertmanager_->alerts(stop);
  if (!held) return;
  for (AlertTransition& transition : observation.transitions) refine_with(transition, *held);
}

}  // namespace obsctl::verifiers
