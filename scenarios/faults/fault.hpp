// A fault: something that can be broken on purpose and mended again. One file for each kind; `make_fault`
// chooses. That a fault is there, and gone, is confirmed by the runner from what the load or a probe sees,
// not by the fault itself.
#pragma once

#include <memory>
#include <stop_token>
#include <string>

#include "core/clock.hpp"
#include "core/error.hpp"
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

class Fault {
 public:
  virtual ~Fault() = default;

  /// "error-rate 30% → 503 on api".
  virtual std::string description() const = 0;
  /// What a person types to take it away by hand; holds no secret.
  virtual std::string undo() const = 0;

  /// Whether it can be injected now; changes nothing. Errors: unavailable (somebody else has it on, the
  /// target refuses), timeout, cancelled, protocol.
  virtual core::Result<void> check(const std::stop_token& stop) = 0;
  /// Whether it ends by itself after FaultSpec::max_duration, also when nobody clears it.
  virtual bool has_ttl() const = 0;

  /// Breaks it. Returns when the effect can have begun at the earliest. An error may leave it half done:
  /// `clear` is called all the same. Errors: unavailable (the target refuses), timeout,
  /// cancelled, protocol.
  virtual core::Result<core::WallTime> inject(const std::stop_token& stop) = 0;
  /// Mends it; mending what is whole is no error. Returns since when it is mended, or as near as can be told.
  /// Main thread only. Errors: as inject.
  virtual core::Result<core::WallTime> clear(const std::stop_token& stop) = 0;
};

/// Errors: usage, when the place cannot have this fault (a process fault without a stack of our own).
core::Result<std::unique_ptr<Fault>> make_fault(const FaultSpec& spec, const FaultPlace& place,
                                                core::Clock& clock);

// The kinds, for make_fault.
std::unique_ptr<Fault> make_toggle_fault(const FaultSpec& spec, const FaultPlace& place, core::Clock& clock);
std::unique_ptr<Fault> make_process_fault(const FaultSpec& spec, const FaultPlace& place, core::Clock& clock);

}  // namespace obsctl::scenarios
