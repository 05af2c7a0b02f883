// A fault: something that can be broken on purpose and mended again. Each kind is one file (see
// fault_kind.hpp). What a fault does to users is confirmed by the runner from what the load or a probe sees;
// what the target itself says of it, by `look`.
#pragma once

#include <memory>
#include <stop_token>
#include <string>

#include "core/clock.hpp"
#include "core/error.hpp"
#include "scenarios/json.hpp"
#include "scenarios/scenario.hpp"
#include "stacks/stack.hpp"

namespace obsctl::scenarios {

/// What a fault is done to.
struct FaultPlace {
  std::string target;              ///< the name in the scenario
  std::string url;                 ///< of the target
  std::string token;               ///< bearer token of its toggles; empty: none is sent
  stacks::Stack* stack = nullptr;  ///< where the target is one of its services
  /// Where a person finds the token: the variable that the sample service itself reads it from, or another
  /// one.
  std::string token_variable = "OBSCTL_SERVICE_TOKEN";
};

/// Whether a fault is in place, as its target says.
struct FaultSight {
  bool present = false;
  std::string evidence;  ///< "the toggle is on until 2026-11-21T13:00:00Z"
};

class Fault {
 public:
  virtual ~Fault() = default;

  /// What a person types to take it away by hand; holds no secret.
  virtual std::string undo() const = 0;
  /// Whether it ends by itself after FaultSpec::max_duration, also when nobody clears it.
  virtual bool has_ttl() const = 0;

  /// Whether it can be injected now; changes nothing. Where a kind says no more: `look` does not see it yet.
  /// Errors: unavailable (somebody else has it on, the target refuses), timeout, cancelled, protocol.
  virtual core::Result<void> check(const std::stop_token& stop);
  /// What `clear` has to know of how things were before, once `check` has passed: it is written down before
  /// the fault is injected, and given back with `recall` when another process has to clear it.
  virtual Json memory() const { return nullptr; }
  virtual void recall(const Json& /*memory*/) {}

  /// Breaks it. Returns when the effect can have begun at the earliest. An error may leave it half done:
  /// `clear` is called all the same, but after conflict: somebody else has it on. Errors: conflict,
  /// unavailable (the target refuses), timeout, cancelled, protocol.
  virtual core::Result<core::WallTime> inject(const std::stop_token& stop) = 0;
  /// Asks the target; changes nothing. Confirms an injection, and a clearing. Errors: as inject.
  virtual core::Result<FaultSight> look(const std::stop_token& stop) = 0;
  /// Mends it; mending what is whole is no error. Returns since when it is mended, or as near as can be told.
  /// Main thread only. Errors: as inject.
  virtual core::Result<core::WallTime> clear(const std::stop_token& stop) = 0;
};

/// The token that `variable` holds; empty where it is not set.
std::string token_from(const std::string& variable);

/// Clears until the fault itself says that it is gone, five times at the most. Returns since when it is gone.
/// Main thread only. Errors: those of the last try.
core::Result<core::WallTime> clear_for_sure(Fault& fault, core::Clock& clock, const std::stop_token& stop);

/// What it throws over data from outside (an answer or a record of any shape) is an error like any other:
/// protocol. Errors: usage, when the place cannot have this fault (a process fault without a stack of our
/// own); invalid_input, for parameters that no reader has made.
core::Result<std::unique_ptr<Fault>> make_fault(const FaultSpec& spec, const FaultPlace& place,
                                                core::Clock& clock);

}  // namespace obsctl::scenarios
