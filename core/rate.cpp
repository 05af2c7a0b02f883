#include "core/rate.hpp"

#include <charconv>
#include <numeric>

#include <fmt/format.h>

namespace obsctl::core {

namespace {

__extension__ using Wide = __int128;

Error bad_rate(std::string_view text, std::string_view why) {
  return make_error(ErrorKind::invalid_input, fmt::format("\"{}\" is not a rate: {}", text, why),
                    "write a count and a period, such as 200/s or 90/m");
}

struct Decimal {
  std::int64_t digits = 0;
  std::int64_t divisor = 1;
};

/// "12.50" as 1250 / 100. At most nine decimals, so that the ratio stays exact in 64 bits.
Result<Decimal> parse_decimal(std::string_view whole_text, std::string_view number) {
  std::string digits;
  std::int64_t divisor = 1;
  bool after_point = false;
  for (const char c : number) {
    if (c == '.' && !after_point) {
      after_point = true;
    } else if (c >= '0' && c <= '9') {
      digits += c;
      if (after_point) divisor *= 10;
      if (divisor > 1'000'000'000) return bad_rate(whole_text, "at most nine decimals are exact");
    } else {
      return bad_rate(whole_text, "a number was expected before the /");
    }
  }
  Decimal value{0, divisor};
  const auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), value.digits);
  if (failure != std::errc() || end != digits.data() + digits.size()) {
    return bad_rate(whole_text, "a number was expected before the /");
  }
  return value;
}

Result<Nanoseconds> parse_period(std::string_view text, std::string_view period) {
  if (period.empty()) return bad_rate(text, "the period after the / is missing");
  const bool starts_with_digit = period.front() >= '0' && period.front() <= '9';
  const auto parsed = parse_duration(starts_with_digit ? std::string(period) : "1" + std::string(period));
  if (!parsed) return bad_rate(text, fmt::format("\"{}\" is not a period", period));
  if (parsed->count() == 0) return bad_rate(text, "the period is zero");
  return *parsed;
}

}  // namespace

Nanoseconds Rate::due(std::int64_t i) const {
  return Nanoseconds(static_cast<std::int64_t>(static_cast<Wide>(i) * per.count() / count));
}

std::int64_t Rate::arrivals_before(Nanoseconds elapsed) const {
  if (count == 0 || elapsed.count() <= 0) return 0;
  // due(i) >= elapsed  <=>  i * per >= elapsed * count (the floor keeps the inequality for integer
  // `elapsed`).
  const Wide wanted = static_cast<Wide>(elapsed.count()) * count;
  return static_cast<std::int64_t>((wanted + per.count() - 1) / per.count());
}

Result<Rate> parse_rate(std::string_view text) {
  const std::size_t slash = text.find('/');
  const auto number = parse_decimal(text, text.substr(0, slash));
  if (!number) return number.error();
  Nanoseconds period = std::chrono::seconds(1);
  if (slash != std::string_view::npos) {
    const auto parsed = parse_period(text, text.substr(slash + 1));
    if (!parsed) return parsed.error();
    period = *parsed;
  }
  const std::int64_t common = std::gcd(number->digits, number->divisor);
  const std::int64_t divisor = number->divisor / (common == 0 ? 1 : common);
  const Wide per = static_cast<Wide>(period.count()) * divisor;
  if (per > INT64_MAX) return bad_rate(text, "the period is too long");
  return Rate{number->digits / (common == 0 ? 1 : common), Nanoseconds(static_cast<std::int64_t>(per))};
}

std::string format_rate(const Rate& rate) {
  std::string period = format_duration(rate.per);
  if (period == "1s" || period == "1m" || period == "1h") period.erase(0, 1);
  return fmt::format("{}/{}", rate.count, period);
}

}  // namespace obsctl::core
