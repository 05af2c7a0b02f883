#include "core/clock.hpp"

#include <condition_variable>
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

/// Takes the front of a time apart, strictly: exactly so many digits, exactly these separators.
class TimeReader {
 public:
  explicit TimeReader(std::string_view text) : rest_(text) {}

  /// `digits` digits as a number between `low` and `high`.
  int number(std::size_t digits, int low, int high) {
    int value = 0;
    for (std::size_t i = 0; i < digits; ++i) value = value * 10 + digit();
    valid_ = valid_ && value >= low && value <= high;
    return value;
  }

  /// The next character when it is one of `any`; otherwise the text is not valid, and '\0'.
  char separator(std::string_view any) {
    if (rest_.empty() || any.find(rest_.front()) == std::string_view::npos) {
      valid_ = false;
      return '\0';
    }
    const char found = rest_.front();
    rest_.remove_prefix(1);
    return found;
  }

  /// ".123456789" with at least one digit, or nothing. Digits below a nanosecond are cut off.
  Nanoseconds fraction() {
    if (rest_.empty() || rest_.front() != '.') return Nanoseconds::zero();
    rest_.remove_prefix(1);
    std::int64_t nanos = digit() * std::int64_t{100'000'000};
    for (std::int64_t place = 10'000'000; !rest_.empty() && is_digit(rest_.front()); place /= 10) {
      nanos += digit() * place;
    }
    return Nanoseconds(nanos);
  }

  /// "Z", or "+01:30" as ninety minutes.
  std::chrono::minutes offset() {
    const char sign = separator("Zz+-");
    if (sign != '+' && sign != '-') return std::chrono::minutes(0);
    const std::chrono::hours hours(number(2, 0, 23));
    separator(":");
    const std::chrono::minutes size = hours + std::chrono::minutes(number(2, 0, 59));
    return sign == '-' ? -size : size;
  }

  bool at_valid_end() const { return valid_ && rest_.empty(); }

 private:
  static bool is_digit(char c) { return c >= '0' && c <= '9'; }

  int digit() {
    if (rest_.empty() || !is_digit(rest_.front())) {
      valid_ = false;
      return 0;
    }
    const int value = rest_.front() - '0';
    rest_.remove_prefix(1);
    return value;
  }

  std::string_view rest_;
  bool valid_ = true;
};

}  // namespace

Result<WallTime> parse_rfc3339(std::string_view text) {
  TimeReader reader(text);
  const std::chrono::year year(reader.number(4, 0, 9999));
  reader.separator("-");
  const std::chrono::month month(static_cast<unsigned>(reader.number(2, 1, 12)));
  reader.separator("-");
  const std::chrono::day day(static_cast<unsigned>(reader.number(2, 1, 31)));
  reader.separator("Tt ");
  const std::chrono::hours hours(reader.number(2, 0, 23));
  reader.separator(":");
  const std::chrono::minutes minutes(reader.number(2, 0, 59));
  reader.separator(":");
  const std::chrono::seconds seconds(reader.number(2, 0, 60));  // 60: a leap second
  const Nanoseconds fraction = reader.fraction();
  const std::chrono::minutes offset = reader.offset();
  const std::chrono::year_month_day date(year, month, day);
  if (!reader.at_valid_end() || !date.ok()) return bad_time(text);
  if (year < std::chrono::year(1678)) return WallTime::min();
  if (year > std::chrono::year(2261)) return WallTime::max();
  return WallTime(std::chrono::sys_days(date).time_since_epoch() + hours + minutes + seconds + fraction -
                  offset);
}

}  // namespace obsctl::core
