// A circuit breaker: after some failures in a row, calls are refused for a while; then one is let through,
// and its outcome decides. Knows nothing of what is called.
#pragma once

#include <cstdint>
#include <optional>

#include "core/clock.hpp"

namespace obsctl::stacks {

struct CircuitBreakerOptions {
  /// So many failures in a row open it.
  int failures = 5;
  /// So long it stays open before it lets a call through.
  core::Nanoseconds open_for = std::chrono::seconds(10);
};

class CircuitBreaker {
 public:
  /// With the numbers that dashboards colour green, yellow and red.
  enum class State { closed = 0, half_open = 1, open = 2 };
  /// The right to make one call. Outcomes of calls from before the breaker last changed count for nothing.
  using Ticket = std::uint64_t;

  explicit CircuitBreaker(const CircuitBreakerOptions& options) : options_(options) {}

  /// None: the call is refused.
  std::optional<Ticket> admit(core::SteadyTime now);
  void succeeded(Ticket ticket);
  void failed(Ticket ticket, core::SteadyTime now);
  /// Nobody will know how the call ended.
  void abandoned(Ticket ticket);

  /// Half open: the next call will be, or is, on trial.
  State state(core::SteadyTime now) const;
  /// Until a call may be tried; 0 when it is not open.
  core::Nanoseconds wait(core::SteadyTime now) const;

 private:
  const CircuitBreakerOptions options_;
  Ticket current_ = 0;
  bool open_ = false;   ///< or half open
  bool trial_ = false;  ///< half open, and the call on trial has not ended
  int in_a_row_ = 0;
  core::SteadyTime retry_at_;
};

}  // namespace obsctl::stacks
