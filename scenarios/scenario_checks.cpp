// See scenario_checks.hpp. One function a rule.
#include "scenarios/scenario_checks.hpp"

#include <algorithm>
#include <set>
#include <string>
#include <tuple>

#include <fmt/format.h>

#include "core/text.hpp"
#include "scenarios/faults/fault_kind.hpp"

namespace obsctl::scenarios {

using core::TomlTable;

namespace {

template <class Part>
std::vector<std::string> names_of(const std::vector<Part>& parts) {
  std::vector<std::string> names;
  for (const Part& part : parts) names.push_back(part.name);
  return names;
}

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// Every part has an identity of its own: a tuple that begins with a string, which is empty where the part
/// has none to compare. `text` says for people what there is already; `key` is where the mistake stands.
template <class Part, class Identity, class Text>
void check_different(const std::vector<Part>& parts, std::vector<TomlTable>& tables, std::string_view key,
                     Identity identity, Text text) {
  std::set<decltype(identity(parts.front()))> seen;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const auto own = identity(parts[i]);
    if (!std::get<0>(own).empty() && !seen.insert(own).second) {
      tables[i].report_at(key, fmt::format("there is already {}", text(parts[i])));
    }
  }
}

void check_names(const Scenario& scenario, ScenarioTables& tables) {
  const auto name = [](const auto& part) { return std::tuple(part.name); };
  const auto named = [](std::string_view what) {
    return [what](const auto& part) { return fmt::format("{} named \"{}\"", what, part.name); };
  };
  check_different(scenario.steady_states, tables.steady_states, "name", name, named("a steady state"));
  check_different(scenario.checks, tables.checks, "name", name, named("a check"));
  check_different(scenario.faults, tables.faults, "name", name, named("a fault"));
  check_different(scenario.queries, tables.queries, "name", name, named("a query"));
}

void check_expectations_differ(const Scenario& scenario, ScenarioTables& tables) {
  check_different(
      scenario.alerts, tables.alerts, "name",
      [](const AlertExpectation& one) { return std::tuple(one.name, one.labels, one.caused_by); },
      [](const AlertExpectation& one) { return fmt::format("an expectation of {} like this", one.name); });
  check_different(
      scenario.notifications, tables.notifications, "alert",
      [](const NotificationExpectation& one) { return std::tuple(one.alert, one.receiver, one.caused_by); },
      [](const NotificationExpectation& one) {
        return fmt::format("an expectation of {} at \"{}\"", one.alert, one.receiver);
      });
  check_different(
      scenario.suppressions, tables.suppressions, "alert",
      [](const SuppressionExpectation& one) { return std::tuple(one.alert, one.by, one.caused_by); },
      [](const SuppressionExpectation& one) {
        return fmt::format("an expectation of {} being suppressed by {}", one.alert, one.by);
      });
  check_different(
      scenario.thresholds, tables.thresholds, "metric",
      [](const Threshold& one) { return std::tuple(one.metric, one.load, one.phase); },
      [](const Threshold& one) {
        return fmt::format("a threshold on {} of \"{}\", {}", one.metric, one.load, one.phase);
      });
}

void check_target(const Scenario& scenario, TomlTable& table, const std::string& target) {
  // The services of a stack are known only once its manifest is read; the runner checks those.
  if (target.empty() || !scenario.stack.empty() || scenario.targets.count(target) == 1) return;
  std::vector<std::string> names;
  for (const auto& [name, unused] : scenario.targets) names.push_back(name);
  table.report_at("target",
                  fmt::format("there is no [target.{}]{}", target, core::did_you_mean(target, names)),
                  fmt::format("add [target.{}] with url = \"http://…\"", target));
}

void check_targets(const Scenario& scenario, ScenarioTables& tables) {
  for (std::size_t i = 0; i < scenario.loads.size(); ++i) {
    check_target(scenario, tables.loads[i], scenario.loads[i].target);
  }
  for (std::size_t i = 0; i < scenario.checks.size(); ++i) {
    check_target(scenario, tables.checks[i], scenario.checks[i].target);
  }
  for (std::size_t i = 0; i < scenario.faults.size(); ++i) {
    const FaultSpec& fault = scenario.faults[i];
    check_target(scenario, tables.faults[i], fault.target);
    const FaultKind* kind = find_fault_kind(fault.kind);
    if (kind != nullptr && kind->place == FaultKind::Place::service &&
        scenario.targets.count(fault.target) == 1) {
      tables.faults[i].report_at(
          "kind",
          fmt::format("{} works on processes that obsctl itself runs, and [target.{}] is not one", fault.kind,
                      fault.target),
          "use the services of a stack");
    }
  }
}

/// Of one kind of expectation. `cause_if_absent` is what goes without saying. Whether all is well.
template <class Part, class Cause>
bool resolve_causes(const Scenario& scenario, std::vector<Part>& parts, std::vector<TomlTable>& tables,
                    Cause cause_if_absent) {
  const std::vector<std::string> faults = names_of(scenario.faults);
  bool well = true;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    std::string& cause = parts[i].caused_by;
    if (!cause.empty()) {
      if (contains(faults, cause)) continue;
      well = false;
      tables[i].report_at("caused_by", fmt::format("there is no fault named \"{}\"{}", cause,
                                                   core::did_you_mean(cause, faults)));
      continue;
    }
    cause = cause_if_absent(parts[i]);
    if (cause.empty() && faults.size() == 1) cause = faults.front();
    if (cause.empty() && faults.size() > 1) {
      well = false;
      tables[i].report(fmt::format("{} does not say which fault causes it", tables[i].path()),
                       fmt::format("add caused_by = one of {}", fmt::join(faults, ", ")));
    }
  }
  return well;
}

bool resolve_all_causes(Scenario& scenario, ScenarioTables& tables) {
  const auto none = [](const auto&) { return std::string(); };
  const auto of_its_alert = [&](const auto& part) {
    for (const AlertExpectation& alert : scenario.alerts) {
      if (alert.name == part.alert) return alert.caused_by;
    }
    return std::string();
  };
  const bool alerts = resolve_causes(scenario, scenario.alerts, tables.alerts, none);
  const bool others = resolve_causes(scenario, scenario.notifications, tables.notifications, of_its_alert);
  const bool suppressions = resolve_causes(scenario, scenario.suppressions, tables.suppressions, none);
  const bool queries = resolve_causes(scenario, scenario.queries, tables.queries, none);
  return alerts && others && suppressions && queries;
}

/// The expectation that `one` has to come after: of the same fault where there are several. Null: none is.
const NotificationExpectation* predecessor_of(const Scenario& scenario, const NotificationExpectation& one) {
  const NotificationExpectation* found = nullptr;
  for (const NotificationExpectation& other : scenario.notifications) {
    if (other.alert != one.after->alert || other.receiver != one.after->receiver) continue;
    if (found == nullptr || other.caused_by == one.caused_by) found = &other;
  }
  return found;
}

/// Whether `one`, or what it has to come after, and so on, has to come after `one`.
bool waits_for_itself(const Scenario& scenario, const NotificationExpectation& one) {
  const NotificationExpectation* earlier = &one;
  for (std::size_t steps = 0; steps < scenario.notifications.size(); ++steps) {
    if (!earlier->after) return false;
    earlier = predecessor_of(scenario, *earlier);
    if (earlier == &one) return true;
    if (earlier == nullptr) return false;
  }
  return false;
}

/// What others have to come after has to be expected itself.
void resolve_order(Scenario& scenario, ScenarioTables& tables) {
  const auto text = [](const auto& one) { return fmt::format("{} at \"{}\"", one.alert, one.receiver); };
  std::vector<std::string> known;
  for (const NotificationExpectation& one : scenario.notifications) known.push_back(text(one));
  for (std::size_t i = 0; i < scenario.notifications.size(); ++i) {
    NotificationExpectation& one = scenario.notifications[i];
    if (!one.after) continue;
    const NotificationExpectation* first = predecessor_of(scenario, one);
    if (first == nullptr || first->firing_count == 0) {
      tables.notifications[i].report_at(
          "after", fmt::format("no firing notification of {} is expected", text(*one.after)),
          fmt::format("add an [[expect.notification]] for it, or use one of {}", fmt::join(known, ", ")));
    } else if (waits_for_itself(scenario, one)) {
      tables.notifications[i].report_at("after",
                                        fmt::format("{} would have to come after itself", text(one)));
    } else {
      one.after->caused_by = first->caused_by;
    }
  }
}

/// What is counted from a fault needs one.
void check_causes_exist(const Scenario& scenario, ScenarioTables& tables) {
  if (!scenario.faults.empty()) return;
  const auto check = [](std::vector<TomlTable>& parts, std::string_view what) {
    if (parts.empty()) return;
    parts.front().report(fmt::format("the scenario expects {} but has no [[fault]] to cause it", what),
                         "add a [[fault]]");
  };
  check(tables.alerts, "an alert");
  check(tables.notifications, "a notification");
  check(tables.suppressions, "a suppressed alert");
  check(tables.queries, "a query to come true");
}

bool waits_for(const Scenario& scenario, const FaultSpec& fault) {
  const auto caused = [&](const auto& part) { return part.caused_by == fault.name; };
  const auto any = [&](const auto& parts) { return std::any_of(parts.begin(), parts.end(), caused); };
  if (any(scenario.alerts)) return true;
  return fault.stop == StopWhen::notified &&
         (any(scenario.notifications) || any(scenario.suppressions) || any(scenario.queries));
}

/// A fault that ends with something that nobody expects would end at once, and prove nothing.
void check_fault_ends(const Scenario& scenario, ScenarioTables& tables) {
  for (std::size_t i = 0; i < scenario.faults.size(); ++i) {
    const FaultSpec& fault = scenario.faults[i];
    if (fault.stop == StopWhen::after || waits_for(scenario, fault)) continue;
    const bool notified = fault.stop == StopWhen::notified;
    tables.faults[i].report_at(
        "stop",
        fmt::format("fault \"{}\" is to stop once {}, but {} is expected of it", fault.name,
                    notified ? "everything expected of it has come" : "its alert fires",
                    notified ? "nothing" : "no alert"),
        "give it a time, such as stop = \"90s\"");
  }
}

/// What a fault comes after has to be there, and must not wait for the fault itself.
void check_order(const Scenario& scenario, ScenarioTables& tables) {
  const std::vector<std::string> faults = names_of(scenario.faults);
  const std::vector<std::string> alerts = names_of(scenario.alerts);
  for (std::size_t i = 0; i < scenario.faults.size(); ++i) {
    const auto& after = scenario.faults[i].after;
    if (!after || after->name.empty()) continue;
    const bool of_fault =
        after->what == After::What::fault_confirmed || after->what == After::What::fault_gone;
    const std::vector<std::string>& names = of_fault ? faults : alerts;
    if (!contains(names, after->name)) {
      tables.faults[i].report_at("after", fmt::format("there is no {} \"{}\"{}",
                                                      of_fault ? "fault named" : "expectation of an alert",
                                                      after->name, core::did_you_mean(after->name, names)));
      continue;
    }
    std::string next = of_fault ? after->name : "";
    for (std::size_t step = 0; !next.empty() && step <= faults.size(); ++step) {
      if (next == scenario.faults[i].name) {
        tables.faults[i].report_at("after", fmt::format("fault \"{}\" waits for itself", next));
        break;
      }
      const FaultSpec* earlier = scenario.fault(next);
      const bool goes_on = earlier != nullptr && earlier->after &&
                           (earlier->after->what == After::What::fault_confirmed ||
                            earlier->after->what == After::What::fault_gone);
      next = goes_on ? earlier->after->name : "";
    }
  }
}

/// Whether the load has to show that the fault is there; the other kinds are seen by asking the target.
bool is_confirmed_by_load(const FaultSpec& fault) {
  if (fault.confirm) return fault.confirm->path.empty();
  return fault.effect.shows_in_load();
}

void check_confirmations(const Scenario& scenario, ScenarioTables& tables) {
  for (std::size_t i = 0; i < scenario.faults.size(); ++i) {
    const FaultSpec& fault = scenario.faults[i];
    const bool loaded = std::any_of(scenario.loads.begin(), scenario.loads.end(),
                                    [&](const Load& load) { return load.target == fault.target; });
    if (loaded || fault.target.empty() || !is_confirmed_by_load(fault)) continue;
    tables.faults[i].report(
        fmt::format("fault \"{}\" cannot be confirmed: no load goes to its target \"{}\"", fault.name,
                    fault.target),
        "add a [load.*] on that target, or confirm = { http = { path = \"…\", status = … } }");
  }
}

void check_thresholds(const Scenario& scenario, ScenarioTables& tables) {
  const std::vector<std::string> loads = names_of(scenario.loads);
  for (std::size_t i = 0; i < scenario.thresholds.size(); ++i) {
    const Threshold& threshold = scenario.thresholds[i];
    if (!threshold.load.empty() && !contains(loads, threshold.load)) {
      tables.thresholds[i].report_at("load", fmt::format("there is no [load.{}]{}", threshold.load,
                                                         core::did_you_mean(threshold.load, loads)));
    }
    if (scenario.faults.empty() && !scenario.chaos &&
        (threshold.phase == "during-fault" || threshold.phase == "after-fault")) {
      tables.thresholds[i].report_at("when",
                                     fmt::format("there is no {} without a [[fault]]", threshold.phase),
                                     "use \"before-fault\" or \"whole\"");
    }
  }
}

void check_verifies(const Scenario& scenario, TomlTable& root) {
  const bool verifies = !scenario.alerts.empty() || !scenario.notifications.empty() ||
                        !scenario.queries.empty() || !scenario.suppressions.empty() ||
                        !scenario.thresholds.empty() || !scenario.checks.empty() || scenario.nothing_else;
  if (verifies) return;
  root.report("the scenario expects nothing, so it can prove nothing",
              "add [[expect.alert]], [[expect.query]], [expect.nothing_else], [[check]] or [[threshold]]");
}

}  // namespace

void check_agreement(Scenario& scenario, ScenarioTables& tables) {
  check_targets(scenario, tables);
  check_names(scenario, tables);
  // Where a cause is wrong, whether its fault is waited for cannot be told.
  if (resolve_all_causes(scenario, tables)) check_fault_ends(scenario, tables);
  resolve_order(scenario, tables);
  check_expectations_differ(scenario, tables);
  check_causes_exist(scenario, tables);
  check_order(scenario, tables);
  check_confirmations(scenario, tables);
  check_thresholds(scenario, tables);
  check_verifies(scenario, tables.root);
}

}  // namespace obsctl::scenarios
