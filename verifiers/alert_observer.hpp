// Turns successive looks at /api/v1/rules into exact transitions of alert instances.
//
// Polling only tells that something has changed, never when. The times come from Prometheus itself:
// `activeAt` is the evaluation at which an alert became pending, and every evaluation of a group lies on one
// grid, activeAt + k·interval, so that the evaluation behind `lastEvaluation` is known to the nanosecond. An
// alert fires at the first evaluation with ts − activeAt ≥ for, and is inactive at the first evaluation that
// it is missing from.
#pragma once

#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "core/clock.hpp"
#include "verifiers/alertmanager_client.hpp"
#include "verifiers/labels.hpp"
#include "verifiers/notification.hpp"
#include "verifiers/prometheus_client.hpp"

namespace obsctl::verifiers {

/// Where a transition's time comes from.
enum class TimeSource {
  active_at,   ///< Prometheus' activeAt: exact
  starts_at,   ///< Alertmanager's startsAt: exact
  ends_at,     ///< a notification's endsAt: exact
  series,      ///< the samples that Prometheus itself wrote to ALERTS at each evaluation: exact
  evaluation,  ///< the one evaluation that it can have been: exact
  window,      ///< one of several evaluations in (not_before, at]; `at` is the last of them
};
std::string_view to_string(TimeSource source);

/// One instance of an alert changed its state.
struct AlertTransition {
  std::string group;  ///< of rules
  std::string name;
  Labels labels;       ///< with alertname
  Labels annotations;  ///< of the last look that had the instance
  AlertState from = AlertState::inactive;
  AlertState to = AlertState::inactive;
  WallTime at;  ///< by Prometheus' clock
  TimeSource source = TimeSource::window;
  WallTime not_before;  ///< equals `at` unless the source is `window`
  WallTime seen_at;     ///< when the look that showed it was taken, by our clock
  double value = 0;     ///< of the expression; the last one known for an alert that went inactive
  WallTime active_at;   ///< since when the instance has been (or was) active
  Nanoseconds evaluation_interval{};
  /// Seen at the first look already: it began before the observer did.
  bool preexisting = false;

  bool exact() const { return source != TimeSource::window; }
};

/// Something that makes what is observed less than certain.
struct ObserverFinding {
  enum class Kind {
    rule_unhealthy,      ///< the rule's health is not ok
    not_evaluated_yet,   ///< the rule has not been evaluated since Prometheus loaded it
    evaluation_stalled,  ///< lastEvaluation has not advanced for two intervals and a second
    rule_gone,           ///< the rule was loaded before and is not any more
  };
  Kind kind = Kind::rule_unhealthy;
  std::string group;
  std::string rule;  ///< empty: the whole group
  std::string text;  ///< for people: `rule HighErrorRate: its evaluation fails: …`

  bool operator==(const ObserverFinding&) const = default;
};
std::string_view to_string(ObserverFinding::Kind kind);

/// One look at the rules.
struct RulesSnapshot {
  WallTime taken_at;
  std::vector<RuleGroup> groups;
  /// For each group: when its lastEvaluation was first seen to be what it is, by our clock.
  std::vector<WallTime> advanced_at;
};

/// A snapshot that remembers, from `previous` (which may be null), since when each group has stood still, and
/// the alerts of rules that Prometheus has loaded anew and not evaluated yet: that it shows none of them says
/// nothing.
RulesSnapshot make_snapshot(std::vector<RuleGroup> groups, WallTime taken_at, const RulesSnapshot* previous);

/// What is wrong with the rules in this snapshot. Alerting and recording rules alike.
std::vector<ObserverFinding> findings_in(const RulesSnapshot& snapshot);

struct Observation {
  WallTime taken_at;
  /// In the order of `at`; pending before firing at the same time.
  std::vector<AlertTransition> transitions;
  /// Those that the snapshot before did not have.
  std::vector<ObserverFinding> findings;
};

/// What happened between two looks. `previous` is null for the first one: what is active then is reported
/// with `preexisting` set. Pure.
Observation diff(const RulesSnapshot* previous, const RulesSnapshot& next);

/// Replaces a window by Alertmanager's startsAt where one of `held` is this instance and lies in the window.
void refine_with(AlertTransition& transition, const std::vector<HeldAlert>& held);

/// Replaces a window by a notification's startsAt (firing) or endsAt (inactive) where one of its alerts is
/// this instance and lies in the window. Returns true when it did.
bool refine_with(AlertTransition& transition, const Notification& notification);

/// Replaces times by those of the ALERTS series, which hold the outcome of every evaluation: an alert fires
/// at its first firing sample and is inactive one evaluation after its last sample. Adds the firing of an
/// alert that fired and ended between two looks. `alerts_series` are raw samples, complete from
/// `covered_from` on.
void refine_with(std::vector<AlertTransition>& transitions, const std::vector<Series>& alerts_series,
                 WallTime covered_from);

/// Asks Prometheus when the caller says so: /api/v1/rules, and the ALERTS series where something has changed;
/// and Alertmanager where an exact firing time is still wanting. Poll at least once an evaluation interval:
/// an alert that comes and goes between two looks is not seen. One thread at a time; the clients belong to
/// the caller and outlive the observer.
class AlertObserver {
 public:
  AlertObserver(PrometheusClient& prometheus, AlertmanagerClient* alertmanager, core::Clock& clock)
      : prometheus_(prometheus), alertmanager_(alertmanager), clock_(clock) {}

  /// One look. An Error leaves the observer as it was: the next poll goes on from the last successful one, so
  /// nothing is lost but exactness. How long Prometheus may be unreachable is the caller's to decide. Errors:
  /// PrometheusClient's.
  Result<Observation> poll(const std::stop_token& stop = {});

  /// The last successful look; nothing before the first.
  const std::optional<RulesSnapshot>& last() const { return last_; }

 private:
  void make_exact(Observation& observation, const std::stop_token& stop);

  PrometheusClient& prometheus_;
  AlertmanagerClient* alertmanager_;
  core::Clock& clock_;
  std::optional<RulesSnapshot> last_;
};

}  // namespace obsctl::verifiers
