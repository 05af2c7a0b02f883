// The way of an answer's bytes to a client that a fault makes late, slow or short. Without one it is a call
// that writes them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "core/clock.hpp"
#include "stacks/proxy/stream.hpp"

namespace obsctl::stacks {

struct ThrottleLimits {
  /// Of every byte, after it has come.
  core::Nanoseconds delay{};
  std::uint64_t bytes_per_second = 0;  ///< 0: no limit
  /// What goes past so many bytes is dropped.
  std::optional<std::uint64_t> at_most = {};

  bool operator==(const ThrottleLimits&) const = default;
};

class Throttle {
 public:
  explicit Throttle(Stream& to) : to_(to) {}

  /// From now on; what is held already keeps its time. The count for `at_most` begins anew if anything has
  /// changed.
  void set(const ThrottleLimits& limits);
  void write(std::string_view bytes, core::SteadyTime now);
  bool clear_to_write() const { return held_bytes_ < kRoom && to_.clear_to_write(); }
  /// Hands on what is due. When to call again; SteadyTime::max(): not before the stream has room or there is
  /// more.
  core::SteadyTime release(core::SteadyTime now);
  bool empty() const { return held_.empty(); }
  /// There was more than the limit, and the stream has what it is to have.
  bool cut_off() const { return exceeded_ && held_.empty(); }

  /// How much a delay may hold back before reading stops.
  static constexpr std::size_t kRoom = 256u << 10;

 private:
  struct Piece {
    core::SteadyTime due;
    std::string bytes;
    std::size_t gone = 0;
  };
  /// Bytes are released in portions of so much time, so that a slow rate is even and a fast one cheap.
  static constexpr auto kPortion = std::chrono::milliseconds(20);

  void release_portion(core::SteadyTime now);

  Stream& to_;
  ThrottleLimits limits_;
  std::deque<Piece> held_;
  std::size_t held_bytes_ = 0;
  std::uint64_t passed_ = 0;         ///< bytes taken in since set()
  bool exceeded_ = false;            ///< and there were more than at_most
  core::SteadyTime next_portion_{};  ///< by bytes_per_second
};

}  // namespace obsctl::stacks
