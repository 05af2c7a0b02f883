// See time_interval.hpp. Time zones are Howard Hinnant's library's, which became C++20's and which GCC has
// from version 14 on; nothing else includes it.
#include "verifiers/time_interval.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <optional>

#include <date/tz.h>
#include <fmt/format.h>

#include "core/text.hpp"

namespace obsctl::verifiers {

namespace {

using Range = TimeInterval::Range;

constexpr std::array<std::string_view, 7> kWeekdays{"sunday",   "monday", "tuesday", "wednesday",
                                                    "thursday", "friday", "saturday"};
constexpr std::array<std::string_view, 12> kMonths{"january",   "february", "march",    "april",
                                                   "may",       "june",     "july",     "august",
                                                   "september", "october",  "november", "december"};

core::Error refused(std::string_view what, std::string_view text, std::string_view example) {
  return core::make_error(core::ErrorKind::invalid_input, fmt::format("\"{}\" is not {}", text, what),
                          fmt::format("write it as {}", example));
}

std::optional<int> number(std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

template <std::size_t N>
std::optional<int> index_of(const std::array<std::string_view, N>& names, std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return std::tolower(c); });
  const auto found = std::find(names.begin(), names.end(), lower);
  return found == names.end() ? std::nullopt : std::optional(static_cast<int>(found - names.begin()));
}

/// "a:b" or "a", by a function from text to number.
template <class Read>
std::optional<Range> read_range(std::string_view text, Read read) {
  const std::size_t colon = text.find(':');
  const auto from = read(core::trimmed(text.substr(0, colon)));
  const auto to = colon == std::string_view::npos ? from : read(core::trimmed(text.substr(colon + 1)));
  if (!from || !to) return std::nullopt;
  return Range{*from, *to};
}

std::optional<int> month_of(std::string_view text) {
  if (const auto named = index_of(kMonths, text)) return *named + 1;
  const auto numbered = number(text);
  return numbered && *numbered >= 1 && *numbered <= 12 ? numbered : std::nullopt;
}

std::optional<int> day_of_month(std::string_view text) {
  const auto day = number(text);
  return day && *day != 0 && *day >= -31 && *day <= 31 ? day : std::nullopt;
}

/// "24:00" is the end of a day.
std::optional<int> minute_of(std::string_view text) {
  if (text.size() != 5 || text[2] != ':') return std::nullopt;
  const auto hour = number(text.substr(0, 2));
  const auto minute = number(text.substr(3));
  if (!hour || !minute || *hour < 0 || *minute < 0 || *minute > 59) return std::nullopt;
  const int minutes = *hour * 60 + *minute;
  return minutes <= 24 * 60 ? std::optional(minutes) : std::nullopt;
}

bool has(const std::vector<Range>& ranges, int value) {
  return ranges.empty() || std::any_of(ranges.begin(), ranges.end(), [&](const Range& range) {
           return range.from <= value && value <= range.to;
         });
}

bool has_day(const std::vector<Range>& ranges, int day, int days_in_month) {
  return ranges.empty() || std::any_of(ranges.begin(), ranges.end(), [&](const Range& range) {
           const auto counted = [&](int value) { return value < 0 ? days_in_month + 1 + value : value; };
           return counted(range.from) <= day && day <= std::min(counted(range.to), days_in_month);
         });
}

const date::time_zone* zone_of(const std::string& location) {
  return location == "Local" ? date::current_zone() : date::locate_zone(location);
}

}  // namespace

bool TimeInterval::contains(core::WallTime at) const {
  const auto local = zone_of(location)->to_local(std::chrono::floor<std::chrono::seconds>(at));
  const auto day = date::floor<date::days>(local);
  const date::year_month_day calendar(day);
  const int days_in_month =
      static_cast<int>(static_cast<unsigned>((calendar.year() / calendar.month() / date::last).day()));
  const auto minute = static_cast<int>(std::chrono::floor<std::chrono::minutes>(local - day).count());
  const bool in_time =
      minutes.empty() || std::any_of(minutes.begin(), minutes.end(), [&](const Range& range) {
        return range.from <= minute && minute < range.to;
      });
  return in_time && has(weekdays, static_cast<int>(date::weekday(day).c_encoding())) &&
         has_day(days_of_month, static_cast<int>(static_cast<unsigned>(calendar.day())), days_in_month) &&
         has(months, static_cast<int>(static_cast<unsigned>(calendar.month()))) &&
         has(years, static_cast<int>(calendar.year()));
}

bool NamedTimeIntervals::contains(core::WallTime at) const {
  return std::any_of(intervals.begin(), intervals.end(),
                     [&](const TimeInterval& interval) { return interval.contains(at); });
}

Result<Range> parse_minutes(std::string_view start, std::string_view end) {
  const auto from = minute_of(start);
  const auto to = minute_of(end);
  if (!from || !to) return refused("a time of the day", from ? end : start, "08:00, up to 24:00");
  if (*from >= *to) return refused("later than " + std::string(start), end, "an end after the start");
  return Range{*from, *to};
}

Result<Range> parse_weekdays(std::string_view text) {
  const auto range = read_range(text, [](std::string_view day) { return index_of(kWeekdays, day); });
  if (!range || range->from > range->to) return refused("a range of weekdays", text, "monday:friday");
  return *range;
}

Result<Range> parse_days_of_month(std::string_view text) {
  const auto range = read_range(text, day_of_month);
  if (!range) return refused("a range of days of the month", text, "1:5, or -3:-1 for the last three");
  return *range;
}

Result<Range> parse_months(std::string_view text) {
  const auto range = read_range(text, month_of);
  if (!range || range->from > range->to) return refused("a range of months", text, "january:march or 1:3");
  return *range;
}

Result<Range> parse_years(std::string_view text) {
  const auto range = read_range(text, number);
  if (!range || range->from > range->to) return refused("a range of years", text, "2026:2027");
  return *range;
}

Result<void> check_location(const std::string& location) {
  try {
    static_cast<void>(zone_of(location));
    return {};
  } catch (const std::runtime_error&) {
    return refused("a place of this machine's time zone database", location, "Europe/Berlin");
  }
}

}  // namespace obsctl::verifiers
