// From a scenario and what Prometheus and Alertmanager have loaded to what exactly must be seen, and when:
// every expectation with its derived budget, the shortest fault that can work, and how long the run will
// take. Nothing is started or changed. The formulas are in docs/explanation/alert-timing.md.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "scenarios/expectation.hpp"
#include "scenarios/scenario.hpp"
#include "scenarios/situation.hpp"
#include "verifiers/timing_budget.hpp"

namespace obsctl::scenarios {

/// ε of every budget: network, scheduling and the scrape itself.
inline constexpr Nanoseconds kBudgetSlack = std::chrono::seconds(1);

/// A rule that the scenario expects to fire, with everything that decides its timing.
struct PlannedRule {
  std::string alert;
  std::string group;
  std::string file;
  std::string query;
  std::string shape;  ///< "ratio of rates over 12s, above 0.05"
  verifiers::RuleTiming timing;
  verifiers::Budget budget;
  std::vector<std::string> receivers;  ///< of Alertmanager, that its routes lead to
  Labels labels;                       ///< that the rule adds
  Labels annotations;                  ///< with their templates
};

struct Plan {
  std::vector<Expectation> expectations;  ///< in the order in which they will be met
  std::vector<PlannedRule> rules;
  Nanoseconds settle{};  ///< the load runs at least this long before the first fault: windows are full
  Nanoseconds watch{};   ///< after everything else, for what must not fire
  Nanoseconds evaluation_interval{};                  ///< the longest of all groups
  std::map<std::string, Nanoseconds> shortest_fault;  ///< by fault, where it is known
  std::optional<Nanoseconds>
      longest;                       ///< from the load's start to the end, if everything comes at its latest
  std::vector<std::string> remarks;  ///< loose bounds, routes that cannot work as expected
};

/// Pure. Errors: invalid_input with everything that cannot work and why: an alert that no rule has, a fault
/// that cannot trip its rule or is too short for it.
core::Result<Plan> make_plan(const Scenario& scenario, const Situation& situation);

}  // namespace obsctl::scenarios
