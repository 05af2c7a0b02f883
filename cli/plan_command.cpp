// obsctl scenario plan: what a run would have to show and when, from the rules that are loaded now. Starts
// nothing.
#include <memory>
#include <string>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/command_line.hpp"
#include "cli/monitoring.hpp"
#include "cli/stack_display.hpp"
#include "core/http_client.hpp"
#include "scenarios/library.hpp"
#include "scenarios/planner.hpp"
#include "scenarios/run_document.hpp"
#include "scenarios/surroundings.hpp"

namespace obsctl::cli {

using core::ErrorKind;
using core::Result;
using scenarios::Json;
using scenarios::Plan;
using scenarios::Scenario;

namespace {

struct PlanFlags {
  std::string scenario;
  Monitoring monitoring;
  bool json = false;
};

/// What the flags name, else what the scenario does.
Result<Monitoring> find_places(const PlanFlags& flags, const Scenario& scenario) {
  Monitoring wanted = flags.monitoring;
  if (wanted.attach.empty()) {
    if (wanted.prometheus.empty()) wanted.prometheus = scenario.prometheus_url;
    if (wanted.alertmanager.empty()) wanted.alertmanager = scenario.alertmanager_url;
    if (wanted.prometheus.empty()) {
      return core::make_error(
          ErrorKind::usage, "a plan is made from the rules that a running Prometheus has loaded",
          scenario.stack.empty() ? std::string("add --prometheus URL and --alertmanager URL")
                                 : fmt::format("start the stack with \"obsctl stack up {0}\" and add "
                                               "--attach {0}, or add --prometheus URL",
                                               scenario.stack));
    }
  }
  return find_monitoring(std::move(wanted));
}

std::string budget_of(const scenarios::Expectation& expectation) {
  if (!expectation.budget) return expectation.earliest ? "no bound" : "";
  const std::string latest = core::format_rounded(*expectation.budget);
  return expectation.earliest ? fmt::format("{} – {}", core::format_rounded(*expectation.earliest), latest)
                              : "≤ " + latest;
}

/// What the run will break, where, and for how long at most.
void print_faults(const Scenario& scenario) {
  for (const scenarios::FaultSpec& fault : scenario.faults) {
    std::vector<std::string> urls = fault.urls;
    if (const auto target = scenario.targets.find(fault.target); target != scenario.targets.end())
      urls.push_back(core::without_credentials(target->second.url));
    fmt::print("\nfault {}: {}{}\n  for {} at most\n", fault.name, fault.description,
               urls.empty() ? "" : fmt::format(" ({})", fmt::join(urls, ", ")),
               core::format_duration(fault.max_duration));
  }
  if (!scenario.chaos) return;
  const scenarios::Chaos& chaos = *scenario.chaos;
  fmt::print("\nchaos: {} on {}, each for {} at most, {} in all, {}\n", fmt::join(chaos.kinds, ", "),
             fmt::join(chaos.targets, ", "), core::format_duration(chaos.longest),
             core::format_duration(chaos.budget),
             chaos.seed ? fmt::format("drawn from seed {}", *chaos.seed) : "drawn when the run starts");
}

void print_plan(const Scenario& scenario, const Plan& plan) {
  fmt::print("{}: {}\n", scenario.id, scenario.title);
  print_faults(scenario);
  for (const scenarios::PlannedRule& rule : plan.rules) {
    const auto& timing = rule.timing;
    fmt::print(
        "\n{} ({})\n  scraped every {}, evaluated every {}, for {}, group_wait {}, group_interval {}\n",
        rule.alert, rule.shape, core::format_duration(timing.scrape_interval),
        core::format_duration(timing.evaluation_interval), core::format_duration(timing.hold),
        core::format_duration(timing.group_wait), core::format_duration(timing.group_interval));
    if (!rule.receivers.empty()) fmt::print("  routed to {}\n", fmt::join(rule.receivers, ", "));
  }
  std::vector<std::vector<std::string>> rows{{"EXPECTED", "BUDGET", "FROM"}};
  for (const scenarios::Expectation& expectation : plan.expectations) {
    rows.push_back({expectation.id, budget_of(expectation) + (expectation.loose ? " (loose)" : ""),
                    expectation.derivation});
  }
  fmt::print("\n{}", table(rows));
  for (const auto& [fault, shortest] : plan.shortest_fault) {
    fmt::print("\nfault {} has to last {} to be sure of a notification\n", fault,
               core::format_rounded(shortest));
  }
  if (plan.longest)
    fmt::print("the run takes {} at most, once the stack is up\n", core::format_rounded(*plan.longest));
  for (const std::string& remark : plan.remarks) fmt::print("note: {}\n", remark);
}

Result<int> plan(const PlanFlags& flags, Context& context) {
  const auto file = scenarios::open_scenario(flags.scenario);
  if (!file) return file.error();
  if (!file->errors.empty()) return scenarios::joined(file->errors);
  const auto places = find_places(flags, file->scenario);
  if (!places) return places.error();
  const auto scenario = scenarios::for_time_scale(file->scenario, places->time_scale);
  if (!scenario) return scenario.error();
  const auto situation = look_at(*places, context.stop);
  if (!situation) return situation.error();
  const auto made = scenarios::make_plan(*scenario, *situation);
  if (!made) return made.error();
  if (flags.json) {
    Json document{{"schema", 1}, {"scenario", scenario->id}, {"time_scale", places->time_scale}};
    for (const scenarios::FaultSpec& fault : scenario->faults) {
      document["faults"].push_back({{"fault", fault.name},
                                    {"kind", fault.kind},
                                    {"target", fault.target},
                                    {"description", fault.description},
                                    {"max_duration_s", core::to_seconds(fault.max_duration)}});
    }
    document.update(scenarios::plan_json(*made));
    fmt::print("{}\n", document.dump(2, ' ', false, Json::error_handler_t::replace));
  } else {
    print_plan(*scenario, *made);
  }
  return kPassed;
}

}  // namespace

void add_scenario_plan(CLI::App& group, CommandLine& line) {
  const auto flags = std::make_shared<PlanFlags>();
  CLI::App* command = group.add_subcommand(
      "plan", "what a run has to show and when, from the rules that are loaded; starts nothing");
  command->add_option("SCENARIO", flags->scenario, "a bundled scenario, or a .toml file")->required();
  add_monitoring(*command, flags->monitoring);
  command->add_flag("--json", flags->json, "one JSON document");
  command->callback(
      [flags, &line] { line.action = [flags](Context& context) { return plan(*flags, context); }; });
}

}  // namespace obsctl::cli
