#include "core/duration.hpp"

#include <array>
#include <cmath>
#include <cstdint>
#include <limits>

#include <fmt/format.h>

namespace obsctl::core {

namespace {

struct Unit {
  std::string_view name;
  std::int64_t nanoseconds;
};

constexpr std::int64_t kSecond = 1'000'000'000;

// Longest first. Prometheus' year is 365 days.
constexpr std::array<Unit, 9> kUnits{{{"y", 365 * 86400 * kSecond},
                                      {"w", 7 * 86400 * kSecond},
                                      {"d", 86400 * kSecond},
                                      {"h", 3600 * kSecond},
                                      {"m", 60 * kSecond},
                                      {"s", kSecond},
                                      {"ms", 1'000'000},
                                      {"us", 1'000},
                                      {"ns", 1}}};

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

Error bad_duration(std::string_view text, std::string_view why) {
  return make_error(ErrorKind::invalid_input, fmt::format("\"{}\" is not a duration: {}", text, why),
                    "write a number and a unit, such as 250ms, 30s or 1m30s");
}

/// One "<number><unit>" taken from the front of `rest`.
struct Part {
  long double number = 0;
  std::size_t unit = 0;
};

Result<Part> take_part(std::string_view text, std::string_view& rest) {
  std::size_t n = 0;
  long double number = 0;
  while (n < rest.size() && is_digit(rest[n])) number = number * 10 + (rest[n++] - '0');
  if (n == 0) return bad_duration(text, "a number was expected");
  if (n < rest.size() && rest[n] == '.') {
    const std::size_t first = ++n;
    for (long double place = 0.1L; n < rest.size() && is_digit(rest[n]); place /= 10) {
      number += (rest[n++] - '0') * place;
    }
    if (n == first) return bad_duration(text, "digits are missing after the point");
  }
  rest.remove_prefix(n);
  std::size_t length = 0;
  while (length < rest.size() && !is_digit(rest[length])) ++length;
  const std::string_view name = rest.substr(0, length);
  if (name.empty()) return bad_duration(text, "the unit is missing");
  rest.remove_prefix(length);
  for (std::size_t u = 0; u < kUnits.size(); ++u) {
    if (kUnits[u].name == name) return Part{number, u};
  }
  return bad_duration(text, fmt::format("\"{}\" is not a unit", name));
}

}  // namespace

Result<Nanoseconds> parse_duration(std::string_view text) {
  if (text == "0") return Nanoseconds::zero();
  if (text.empty()) return bad_duration(text, "it is empty");
  std::string_view rest = text;
  long double total = 0;
  std::size_t next_unit = 0;
  while (!rest.empty()) {
    const auto part = take_part(text, rest);
    if (!part) return part.error();
    if (part->unit < next_unit)
      return bad_duration(text, "units must fall from left to right, each at most once");
    next_unit = part->unit + 1;
    total += part->number * static_cast<long double>(kUnits[part->unit].nanoseconds);
  }
  if (total > static_cast<long double>(std::numeric_limits<std::int64_t>::max())) {
    return bad_duration(text, "it is longer than 292 years");
  }
  return Nanoseconds(static_cast<std::int64_t>(std::llroundl(total)));
}

std::string format_duration(Nanoseconds duration) {
  if (duration == Nanoseconds::zero()) return "0s";
  std::string text;
  auto left = static_cast<std::uint64_t>(duration.count());
  if (duration < Nanoseconds::zero()) {
    text = "-";
    left = 0 - left;
  }
  for (const Unit& unit : kUnits) {
    if (unit.name == "y" || unit.name == "w") continue;  // days read better than 52w1d
    const auto size = static_cast<std::uint64_t>(unit.nanoseconds);
    if (left < size) continue;
    text += fmt::format("{}{}", left / size, unit.name);
    left %= size;
  }
  return text;
}

std::string format_rounded(Nanoseconds duration) {
  const double seconds = to_seconds(duration);
  const double size = std::abs(seconds);
  if (size >= 59.95) {
    const auto whole = std::llround(size);
    const std::string sign = seconds < 0 ? "-" : "";
    if (whole >= 3600) return fmt::format("{}{}h{:02}m", sign, whole / 3600, whole % 3600 / 60);
    return fmt::format("{}{}m{:02}s", sign, whole / 60, whole % 60);
  }
  const auto in_unit = [](double value, std::string_view unit) {
    const double magnitude = std::abs(value);
    const int decimals = magnitude < 9.995 ? 2 : magnitude < 99.95 ? 1 : 0;
    return fmt::format("{:.{}f}{}", value, decimals, unit);
  };
  if (duration == Nanoseconds::zero()) return "0s";
  if (size >= 0.9995) return in_unit(seconds, "s");
  if (size >= 0.9995e-3) return in_unit(seconds * 1e3, "ms");
  return in_unit(seconds * 1e6, "us");
}

Nanoseconds from_seconds(double seconds) {
  return Nanoseconds(std::llround(seconds * 1e9));
}

Nanoseconds scale(Nanoseconds duration, double factor) {
  return Nanoseconds(
      std::llroundl(static_cast<long double>(duration.count()) * static_cast<long double>(factor)));
}

}  // namespace obsctl::core
