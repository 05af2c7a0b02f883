// See whole_plan.hpp.
#include "scenarios/whole_plan.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace obsctl::scenarios {

std::vector<std::string> impossible_orders(const Plan& plan) {
  std::vector<std::string> remarks;
  for (const Expectation& later : plan.expectations) {
    if (!later.after || later.after->caused_by != later.fault || !later.budget) continue;
    const std::string earlier =
        fmt::format("notification.{}.{}.firing", later.after->alert, later.after->receiver);
    for (const Expectation& first : plan.expectations) {
      if (first.id != earlier || first.fault != later.fault || !first.earliest) continue;
      if (*first.earliest <= *later.budget) continue;
      remarks.push_back(fmt::format(
          "{} has to come after {}, which comes {} after the fault at the earliest, later than its own "
          "budget of {}",
          later.id, first.id, core::format_rounded(*first.earliest), core::format_rounded(*later.budget)));
    }
  }
  return remarks;
}

std::vector<core::Error> short_faults(const Scenario& scenario, const Plan& plan) {
  std::vector<core::Error> refusals;
  for (const FaultSpec& fault : scenario.faults) {
    const auto found = plan.shortest_fault.find(fault.name);
    if (found == plan.shortest_fault.end()) continue;
    const Nanoseconds shortest = found->second;
    const bool timed = fault.stop == StopWhen::after;
    const Nanoseconds lasts = timed ? fault.stop_after : fault.max_duration;
    if (lasts >= shortest) continue;
    refusals.push_back(core::make_error(
        core::ErrorKind::invalid_input,
        fmt::format("fault \"{}\" lasts {} at most, but its notification can take {} to be sent", fault.name,
                    core::format_duration(lasts), core::format_rounded(shortest)),
        timed ? "use stop = \"notified\", or a longer time" : "use a longer max_duration"));
  }
  return refusals;
}

std::optional<Nanoseconds> longest_run(const Scenario& scenario, const Plan& plan) {
  Nanoseconds start = plan.settle;
  Nanoseconds in_turn{};  // faults that come after another one
  for (const FaultSpec& fault : scenario.faults) {
    if (!fault.after) {
      start = std::max(start, fault.start);
    } else if (fault.stop == StopWhen::after) {
      in_turn += fault.start + fault.stop_after;
    } else {
      return std::nullopt;  // how long it lasts depends on the one before
    }
  }
  Nanoseconds detect{};
  Nanoseconds recover{};
  for (const Expectation& expectation : plan.expectations) {
    if (expectation.fault.empty()) continue;
    if (!expectation.budget) return std::nullopt;
    Nanoseconds& longest = expectation.on_injection() ? detect : recover;
    // A notification's window counts from the same origin as its alert's, so the longest one is all of it.
    longest = std::max(longest, *expectation.budget);
  }
  for (const FaultSpec& fault : scenario.faults) {
    if (fault.stop == StopWhen::after) detect = std::max(detect, fault.stop_after);
  }
  return start + in_turn + detect + recover + plan.watch;
}

}  // namespace obsctl::scenarios
