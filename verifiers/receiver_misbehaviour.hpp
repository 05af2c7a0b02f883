// What a receiver can be told to do wrong, to prove that the sender copes: answer with an error, answer late,
// not answer, hang up. Faults of the receiver's own, taken back by a time limit like the sample service's
// toggles.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/clock.hpp"
#include "core/error.hpp"

namespace obsctl::verifiers {

using core::Result;

struct Misbehaviour {
  enum class Kind {
    status,  ///< answer with `status`
    slow,    ///< take it, but answer after `delay` only
    hang,    ///< never answer
    close    ///< close the connection instead of answering
  };
  Kind kind = Kind::status;
  /// 400 to 599: an HTTP status, or an SMTP reply code.
  int status = 500;
  /// Of `slow`.
  core::Nanoseconds delay{};
  /// Sent as Retry-After in whole seconds, rounded up, when there is one. HTTP only.
  std::optional<core::Nanoseconds> retry_after = {};
  /// How many deliveries it happens to; nothing: to all.
  std::optional<std::uint64_t> times = {};

  bool operator==(const Misbehaviour&) const = default;
};

/// "500", "429:30s" (with Retry-After), "slow:2s", "hang", "close", each with "x3" behind it for three
/// deliveries.
std::string to_string(const Misbehaviour& misbehaviour);

/// Reads one or several, separated by commas, which happen one after the other: "500x2,slow:2sx1,hang".
/// Errors: invalid_input; also for one that can never be reached because the one before it has no count.
Result<std::vector<Misbehaviour>> parse_misbehaviours(std::string_view text);

/// Who misbehaves, and how far each has come. Safe to use from any thread.
class MisbehaviourBoard {
 public:
  explicit MisbehaviourBoard(const core::Clock& clock) : clock_(clock) {}

  struct Plan {
    std::vector<Misbehaviour> steps;
    /// Deliveries that have been affected so far.
    std::uint64_t affected = 0;
    core::WallTime set_at;
    /// max(): never.
    core::SteadyTime expires = core::SteadyTime::max();
    std::optional<core::Nanoseconds> ttl;

    /// The step of the next delivery; nothing once all have been used up.
    const Misbehaviour* next() const;
  };

  /// Replaces what was set for a receiver. `ttl`: until it ends by itself. False: too many receivers
  /// misbehave.
  bool set(const std::string& receiver, std::vector<Misbehaviour> steps,
           std::optional<core::Nanoseconds> ttl);
  /// False: nothing was set.
  bool clear(const std::string& receiver);
  /// What happens to this delivery; counts it.
  std::optional<Misbehaviour> take(const std::string& receiver);
  /// Everything that is set and has not expired, by receiver.
  std::map<std::string, Plan> plans() const;

 private:
  void expire() const;

  const core::Clock& clock_;
  mutable std::mutex mutex_;
  mutable std::map<std::string, Plan> plans_;
};

}  // namespace obsctl::verifiers
