// A run of load: started from a plan, watched while it goes on, stopped for a summary. It sends from its own
// threads; everything here may be called from any one thread at a time while they work.
#pragma once

#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/log.hpp"
#include "loadgen/plan.hpp"
#include "loadgen/statistics.hpp"

namespace obsctl::loadgen {

class LoadRun {
 public:
  /// Checks the plan, resolves the target once, opens the first connections (waiting for them up to the
  /// connect timeout; a target that refuses is not an error, its requests will be samples) and starts
  /// sending. Errors: invalid_input (the plan), unavailable (the host cannot be resolved, too few file
  /// descriptors), not_found and invalid_input (certificates).
  static core::Result<std::unique_ptr<LoadRun>> start(LoadPlan plan, core::Logger& log);

  /// Stops at once, without waiting for what is in flight.
  virtual ~LoadRun() = default;

  /// When the first arrival was due.
  virtual core::SteadyTime started_at() const = 0;

  /// From now on (to be exact: from 5 ms from now on), arrivals belong to this phase, by when they are due. A
  /// name that was used before goes on where it left off. "during-fault/errors" is a part of "during-fault",
  /// and counts for both. At most 128 calls a run; further ones change nothing.
  virtual void begin_phase(std::string name) = 0;
  /// A phase so far; zeros for a name that is not known. Some 20 µs, so it can be polled.
  virtual Statistics phase(std::string_view name) const = 0;
  /// All phases but "warm-up".
  virtual Statistics whole() const = 0;

  virtual Snapshot snapshot() const = 0;
  /// The windows from `index` on that are over, in order and without gaps: their second has passed and
  /// everything sent in them is done. A window comes at the latest when its slowest request has timed out.
  virtual std::vector<Window> windows_since(std::int64_t index) const = 0;
  /// The latest windows as they stand, finished or not: for a display that does not want to wait.
  virtual std::vector<Window> recent_windows(int count) const = 0;
  /// Whether, up to now, the tool itself was the limit.
  virtual GeneratorLimited generator_limited() const = 0;

  /// True when the duration, the stages or max_requests came to their end and everything is answered.
  virtual bool finished() const = 0;
  /// Waits until finished(), until `stop`, or until `deadline`; true when finished.
  virtual bool wait(core::SteadyTime deadline, const std::stop_token& stop) = 0;

  /// Sends nothing more, waits for what is in flight (up to LoadPlan::drain_timeout, or until `urgent`),
  /// checks the invariants. The second call gives the same summary.
  virtual Summary stop(const std::stop_token& urgent = {}) = 0;
};

}  // namespace obsctl::loadgen
