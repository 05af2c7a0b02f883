// Durations as people write them: 250ms, 1m30s, 2h. Parsed once, at the edge; std::chrono everywhere else.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "core/error.hpp"

namespace obsctl::core {

using Nanoseconds = std::chrono::nanoseconds;

/// Reads Prometheus' duration syntax
/// (https://prometheus.io/docs/prometheus/latest/configuration/configuration/,
/// `<duration>`: 1y2w3d4h5m6s7ms, units in falling order) plus what Go users expect: us, ns and a decimal
/// fraction
/// ("1.5s"). "0" needs no unit. Negative durations and durations above 292 years are errors (invalid_input).
Result<Nanoseconds> parse_duration(std::string_view text);

/// The shortest exact text of a duration: "1m30s", "250ms", "0s". parse_duration(format_duration(d)) == d.
std::string format_duration(Nanoseconds duration);

/// For people: at most three significant figures, one unit: "8.81s", "1m12s" from a minute up, "41.2ms".
std::string format_rounded(Nanoseconds duration);

/// Seconds as a double, for JSON and arithmetic that ends in a report.
constexpr double to_seconds(Nanoseconds duration) {
  return std::chrono::duration<double>(duration).count();
}

/// A double of seconds as nanoseconds, rounded to the nearest.
Nanoseconds from_seconds(double seconds);

/// duration × factor, rounded to the nearest nanosecond; `factor` is finite and not negative.
Nanoseconds scale(Nanoseconds duration, double factor);

}  // namespace obsctl::core
