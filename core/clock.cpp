#include "core/clock.hpp"

#include <condition_variable>
#include <cstdio>
#include <mutex>

#include <fmt/chrono.h>

namespace obsctl::core {

SteadyTime SystemClock::steady_now() const {
  return std::chrono::steady_clock::now();
}

WallTime SystemClock::wall_now() const {
  return std::chrono::system_clock::now();
}

bool SystemClock::sleep_until(SteadyTime deadline, const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any wake;
  std::unique_lock lock(mutex);
  wake.wait_until(lock, stop, deadline, [] { return false; });
  return !stop.stop_requested();
}

bool ManualClock::sleep_until(SteadyTime deadline, const std::stop_token& stop) {
  if (stop.stop_requested()) return false;
  if (deadline > steady_) advance(deadline - steady_);
  return true;
}

void ManualClock::advance(Nanoseconds duration) {
  steady_ += duration;
  wall_ += duration;
}

std::string format_utc(WallTime time) {
  const auto millis = std::chrono::floor<std::chrono::milliseconds>(time);
  const auto seconds = std::chrono::floor<std::chrono::seconds>(millis);
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z",
                     fmt::gmtime(std::chrono::system_clock::to_time_t(seconds)), (millis - seconds).count());
}

namespace {

Error bad_time(std::string_view text) {
  return make_error(ErrorKind::invalid_input, fmt::format("\"{}\" is not an RFC 3339 time", text),
                    "write it as 2026-01-31T12:00:00Z");
}

/// Takes ".123456789" (any number of digits) from the front as nanoseconds.
Nanoseconds take_fraction(std::string_view& rest) {
  std::int64_t nanos = 0;
  if (rest.empty() || rest.front() != '.') return Nanoseconds::zero();
  std::int64_t place = 100'000'000;
  std::size_t n = 1;
  for (; n < rest.size() && rest[n] >= '0' && rest[n] <= '9'; ++n, place /= 10)
    nanos += (rest[n] - '0') * place;
  rest.remove_prefix(n);
  return Nanoseconds(nanos);
}

}  // namespace

Result<WallTime> parse_rfc3339(std::string_view text) {
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, used = 0;
  const std::string head(text.substr(0, 19));
  if (std::sscanf(head.c_str(), "%4d-%2d-%2d%*1[Tt ]%2d:%2d:%2d%n", &year, &month, &day, &hour, &minute,
                  &second, &used) != 6 ||
      used != 19) {
    return bad_time(text);
  }
  const std::chrono::year_month_day date{std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok() || hour > 24 || minute > 59 || second > 60) return bad_time(text);
  std::string_view rest = text.substr(19);
  const Nanoseconds fraction = take_fraction(rest);
  std::chrono::minutes offset{0};
  if (rest != "Z" && rest != "z") {
    int hours = 0, minutes = 0;
    const std::string zone(rest);
    if (std::sscanf(zone.c_str(), "%*1[+-]%2d:%2d%n", &hours, &minutes, &used) != 2 ||
        used != static_cast<int>(zone.size())) {
      return bad_time(text);
    }
    offset = std::chrono::hours(hours) + std::chrono::minutes(minutes);
    if (zone.front() == '-') offset = -offset;
  }
  if (year < 1678 || year > 2261) return WallTime::min();
  return WallTime(std::chrono::sys_days(date).time_since_epoch() + std::chrono::hours(hour) +
                  std::chrono::minutes(minute) + std::chrono::seconds(second) + fraction - offset);
}

}  // namespace obsctl::core
