#include "stacks/proxy/throttle.hpp"

#include <algorithm>

namespace obsctl::stacks {

void Throttle::set(const ThrottleLimits& limits) {
  if (limits == limits_) return;
  limits_ = limits;
  passed_ = 0;
  exceeded_ = false;
}

void Throttle::write(std::string_view bytes, core::SteadyTime now) {
  if (limits_.at_most && bytes.size() > *limits_.at_most - passed_) {
    bytes = bytes.substr(0, *limits_.at_most - passed_);
    exceeded_ = true;
  }
  passed_ += bytes.size();
  if (bytes.empty()) return;
  if (held_.empty() && limits_.delay <= core::Nanoseconds(0) && limits_.bytes_per_second == 0)
    return to_.write(bytes);
  // A shorter delay than before must not let bytes overtake others.
  const core::SteadyTime due = std::max(now + limits_.delay, held_.empty() ? now : held_.back().due);
  held_.push_back({due, std::string(bytes)});
  held_bytes_ += bytes.size();
}

core::SteadyTime Throttle::release(core::SteadyTime now) {
  while (!held_.empty()) {
    if (!to_.clear_to_write()) return core::SteadyTime::max();
    const core::SteadyTime next = std::max(held_.front().due, next_portion_);
    if (next > now) return next;
    release_portion(now);
  }
  return core::SteadyTime::max();
}

void Throttle::release_portion(core::SteadyTime now) {
  Piece& piece = held_.front();
  std::string_view bytes = std::string_view(piece.bytes).substr(piece.gone);
  if (limits_.bytes_per_second > 0) {
    const double rate = static_cast<double>(limits_.bytes_per_second);
    const auto portion = static_cast<std::size_t>(std::max(1.0, rate * core::to_seconds(kPortion)));
    bytes = bytes.substr(0, portion);
    // From when it was due, so that a late timer does not lower the rate; but a pause is not caught up with.
    const core::SteadyTime begun = next_portion_ + kPortion < now ? now : next_portion_;
    next_portion_ =
        begun + core::Nanoseconds(static_cast<std::int64_t>(static_cast<double>(bytes.size()) / rate * 1e9));
  }
  to_.write(bytes);
  held_bytes_ -= bytes.size();
  piece.gone += bytes.size();
  if (piece.gone == piece.bytes.size()) held_.pop_front();
}

}  // namespace obsctl::stacks
