#include "stacks/services/circuit_breaker.hpp"

#include <algorithm>

namespace obsctl::stacks {

std::optional<CircuitBreaker::Ticket> CircuitBreaker::admit(core::SteadyTime now) {
  if (!open_) return current_;
  if (now < retry_at_ || trial_) return std::nullopt;
  trial_ = true;
  return ++current_;
}

void CircuitBreaker::succeeded(Ticket ticket) {
  if (ticket != current_) return;
  in_a_row_ = 0;
  if (!open_) return;
  open_ = trial_ = false;
  ++current_;
}

void CircuitBreaker::failed(Ticket ticket, core::SteadyTime now) {
  if (ticket != current_) return;
  if (!open_ && ++in_a_row_ < options_.failures) return;
  open_ = true;
  trial_ = false;
  in_a_row_ = 0;
  retry_at_ = now + options_.open_for;
  ++current_;
}

void CircuitBreaker::abandoned(Ticket ticket) {
  if (ticket == current_) trial_ = false;
}

CircuitBreaker::State CircuitBreaker::state(core::SteadyTime now) const {
  if (!open_) return State::closed;
  return now < retry_at_ ? State::open : State::half_open;
}

core::Nanoseconds CircuitBreaker::wait(core::SteadyTime now) const {
  return open_ ? std::max(core::Nanoseconds(0), retry_at_ - now) : core::Nanoseconds(0);
}

}  // namespace obsctl::stacks
