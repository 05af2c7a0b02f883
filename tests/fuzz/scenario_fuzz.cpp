// libFuzzer target for scenario files: whatever the text is, each mistake has a place in it; what is accepted
// expects something, names only faults that it has, and can be scaled. Build and run: make fuzz.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "scenarios/scenario.hpp"

using namespace obsctl::scenarios;

namespace {

void check_mistakes(const ScenarioFile& file) {
  const auto lines = std::count(file.text.begin(), file.text.end(), '\n') + 1;
  for (const obsctl::core::Error& error : file.errors) {
    if (error.message.empty() || !error.where || error.where->file != "f") std::abort();
    if (error.where->line < 1 || error.where->line > lines || error.where->column < 1) std::abort();
  }
}

void check_cause(const Scenario& scenario, const std::string& cause) {
  if (scenario.fault(cause) == nullptr) std::abort();
}

void check_accepted(const Scenario& scenario) {
  const std::size_t expectations = scenario.alerts.size() + scenario.notifications.size() +
                                   scenario.queries.size() + scenario.suppressions.size() +
                                   scenario.thresholds.size() + (scenario.nothing_else ? 1 : 0);
  if (expectations == 0 || scenario.title.empty()) std::abort();
  if (scenario.stack.empty() == scenario.prometheus_url.empty()) std::abort();
  for (const auto& one : scenario.alerts) check_cause(scenario, one.caused_by);
  for (const auto& one : scenario.notifications) check_cause(scenario, one.caused_by);
  for (const auto& one : scenario.queries) check_cause(scenario, one.caused_by);
  for (const auto& one : scenario.suppressions) check_cause(scenario, one.caused_by);
  for (const Load& load : scenario.loads) {
    if (load.plan.mix.empty() || !obsctl::loadgen::Schedule::compile(load.plan.arrivals)) std::abort();
  }
  for (const double factor : {0.001, 100.0}) {
    for (const FaultSpec& fault : scaled(scenario, factor).faults) {
      if (fault.max_duration.count() < 0 || fault.stop_after > fault.max_duration) std::abort();
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ScenarioFile file = read_scenario(std::string(reinterpret_cast<const char*>(data), size), "f", "id");
  check_mistakes(file);
  if (file.errors.empty()) check_accepted(file.scenario);
  return 0;
}
