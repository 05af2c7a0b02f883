// Alertmanager's time intervals, by which routes are muted or active: whether a moment lies in one.
// https://prometheus.io/docs/alerting/latest/configuration/#time_interval
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/clock.hpp"
#include "core/error.hpp"

namespace obsctl::verifiers {

using core::Result;

/// One entry of a time_intervals list. A moment lies in it when each of the lists that are not empty has it.
struct TimeInterval {
  struct Range {
    int from = 0;
    int to = 0;  ///< inclusive, but for minutes

    bool operator==(const Range&) const = default;
  };
  std::vector<Range> minutes;   ///< of the day, 0 to 1440; `to` is outside
  std::vector<Range> weekdays;  ///< 0 is Sunday
  std::vector<Range>
      days_of_month;          ///< from 1; negative ones count from the end of the month, -1 is its last
  std::vector<Range> months;  ///< 1 is January
  std::vector<Range> years;
  std::string location = "UTC";  ///< of the time zone database, or "Local"

  /// In the interval's own location.
  bool contains(core::WallTime at) const;
};

struct NamedTimeIntervals {
  std::string name;
  std::vector<TimeInterval> intervals;

  bool contains(core::WallTime at) const;
};

/// The spellings of Alertmanager's configuration: "08:00" and "17:30", "monday:friday", "-3:-1",
/// "january:march" or "1:3", "2026:2027", each also as a single one. Errors: invalid_input.
Result<TimeInterval::Range> parse_minutes(std::string_view start, std::string_view end);
Result<TimeInterval::Range> parse_weekdays(std::string_view text);
Result<TimeInterval::Range> parse_days_of_month(std::string_view text);
Result<TimeInterval::Range> parse_months(std::string_view text);
Result<TimeInterval::Range> parse_years(std::string_view text);
/// Errors: invalid_input, when this machine's time zone database does not have it.
Result<void> check_location(const std::string& location);

}  // namespace obsctl::verifiers
