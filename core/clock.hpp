// Time, injected. Code that waits or stamps takes a Clock, so that unit tests never sleep.
#pragma once

#include <chrono>
#include <stop_token>
#include <string>

#include "core/duration.hpp"

namespace obsctl::core {

/// Monotonic, for measuring and deadlines.
using SteadyTime = std::chrono::steady_clock::time_point;
/// UTC, for what is compared with other programs' timestamps and printed. Nanosecond resolution on Linux.
using WallTime = std::chrono::time_point<std::chrono::system_clock, std::chrono::nanoseconds>;

class Clock {
 public:
  virtual ~Clock() = default;
  virtual SteadyTime steady_now() const = 0;
  virtual WallTime wall_now() const = 0;
  /// Waits until `deadline` or until `stop` is triggered. True: the deadline was reached; false: stopped.
  virtual bool sleep_until(SteadyTime deadline, const std::stop_token& stop) = 0;

  bool sleep_for(Nanoseconds duration, const std::stop_token& stop) {
    return sleep_until(steady_now() + duration, stop);
  }
};

/// The machine's own clocks. Safe to use from several threads.
class SystemClock final : public Clock {
 public:
  SteadyTime steady_now() const override;
  WallTime wall_now() const override;
  bool sleep_until(SteadyTime deadline, const std::stop_token& stop) override;
};

/// A clock that stands still until it is told to move; sleeping moves it. For tests.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(WallTime start = WallTime(std::chrono::seconds(1'700'000'000))) : wall_(start) {}
  SteadyTime steady_now() const override { return steady_; }
  WallTime wall_now() const override { return wall_; }
  bool sleep_until(SteadyTime deadline, const std::stop_token& stop) override;
  void advance(Nanoseconds duration);

 private:
  SteadyTime steady_{};
  WallTime wall_;
};

/// RFC 3339 in UTC with millisecond precision: "2026-11-21T03:38:26.405Z".
std::string format_utc(WallTime time);

/// Reads RFC 3339 with any fraction and any offset, as Prometheus and Alertmanager write it. Go's zero time
/// ("0001-01-01T00:00:00Z") and anything else before 1678 comes back as WallTime::min(), anything after 2261
/// as WallTime::max(). Errors: invalid_input.
Result<WallTime> parse_rfc3339(std::string_view text);

}  // namespace obsctl::core
