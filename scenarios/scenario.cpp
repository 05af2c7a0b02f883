#include "scenarios/scenario.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "core/text.hpp"
#include "loadgen/plan_check.hpp"

namespace obsctl::scenarios {

bool AllowedAlert::covers(const std::string& alert, const Labels& alert_labels,
                          const std::string& date) const {
  const bool labelled = std::all_of(labels.begin(), labels.end(), [&](const auto& label) {
    const auto found = alert_labels.find(label.first);
    return found != alert_labels.end() && found->second == label.second;
  });
  return labelled && core::glob_matches(alertname, alert) && (until.empty() || date <= until);
}

const FaultSpec* Scenario::fault(const std::string& name) const {
  for (const FaultSpec& fault : faults) {
    if (fault.name == name) return &fault;
  }
  return nullptr;
}

std::string rate_text(const Load& load) {
  const loadgen::Arrivals& arrivals = load.plan.arrivals;
  const bool constant = arrivals.stages.empty() && arrivals.sine_period.count() == 0 && !arrivals.poisson;
  return constant ? core::format_rate(arrivals.rate) : loadgen::describe_arrivals(arrivals);
}

Scenario scaled(Scenario scenario, double factor) {
  const auto apply = [factor](Nanoseconds& duration) { duration = core::scale(duration, factor); };
  for (Load& load : scenario.loads) {
    apply(load.plan.arrivals.sine_period);
    for (loadgen::Stage& stage : load.plan.arrivals.stages) apply(stage.duration);
  }
  for (SteadyState& state : scenario.steady_states) apply(state.within);
  for (CheckStep& check : scenario.checks) apply(check.within);
  for (FaultSpec& fault : scenario.faults) {
    apply(fault.start);
    apply(fault.stop_after);
    apply(fault.max_duration);
    if (fault.after) apply(fault.after->within);
    // Confirming waits for requests, not for rules: it is not shortened.
  }
  for (AlertExpectation& alert : scenario.alerts) {
    apply(alert.pending.limit);
    apply(alert.firing.limit);
    apply(alert.inactive.limit);
  }
  for (NotificationExpectation& notification : scenario.notifications) {
    apply(notification.firing.limit);
    apply(notification.resolved.limit);
  }
  for (QueryExpectation& query : scenario.queries) apply(query.within);
  for (SuppressionExpectation& suppression : scenario.suppressions) apply(suppression.within);
  if (scenario.nothing_else && scenario.nothing_else->watch) apply(*scenario.nothing_else->watch);
  for (AbortCondition& abort : scenario.aborts) apply(abort.hold);
  return scenario;
}

}  // namespace obsctl::scenarios
