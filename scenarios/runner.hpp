// The life-cycle of a run: stack ready, clean baseline, load, steady state, faults, alert stages, faults
// removed, recovery, steady state again, rollback and down. It drives; what was seen is in the journal, and
// what that means is judged from the journal.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/log.hpp"
#include "scenarios/expectation.hpp"
#include "scenarios/journal.hpp"
#include "scenarios/planner.hpp"
#include "scenarios/run_load.hpp"
#include "scenarios/scenario.hpp"
#include "scenarios/surroundings.hpp"

namespace obsctl::scenarios {

struct RunOptions {
  PlaceOptions places = {};
  /// Everything as usual, but the fault is left out: shows that the scenario can fail.
  bool without_fault = false;
  std::string id = {};                           ///< of the run
  std::optional<std::uint64_t> seed = {};        ///< of [chaos], instead of the scenario's own
  std::optional<Nanoseconds> max_duration = {};  ///< instead of the scenario's own
  std::string version = {};                      ///< of obsctl, for the journal
  std::string revision = {};  ///< of the repository that the scenario is in, for the journal; may be empty
};

/// A look at a run that goes on.
struct RunView {
  std::string_view doing;      ///< "waiting for a clean baseline"
  const Plan* plan = nullptr;  ///< null before there is one
  const std::vector<LoadView>& loads;
};

/// Called from the main thread some ten times a second, and after news at once.
using RunTick = std::function<void(const RunView&)>;

struct RunOutcome {
  Plan plan;
  Judgement judgement;
};

/// Runs a scenario to its end and takes back every fault and everything it started, whatever happens. `stop`
/// ends it early, `urgent` skips what only waits. The journal has to be empty. Main thread only. Errors:
/// usage and invalid_input (the scenario cannot work here; whatever had been started is gone again).
/// Everything else that goes wrong is in the journal and the verdict.
core::Result<RunOutcome> run_scenario(const ScenarioFile& file, const RunOptions& options, Journal& journal,
                                      const RunTick& tick, core::Clock& clock, core::Logger& log,
                                      const std::stop_token& stop, const std::stop_token& urgent);

}  // namespace obsctl::scenarios
