// A moment lies in a time interval exactly when Alertmanager says so.
#include "verifiers/time_interval.hpp"

#include "tests/support/catch.hpp"

namespace {

using namespace obsctl::verifiers;
using Range = TimeInterval::Range;

obsctl::core::WallTime at(const std::string& utc) {
  return *obsctl::core::parse_rfc3339(utc);
}

TEST_CASE("a moment is in an interval when every list that is not empty has it") {
  struct Row {
    TimeInterval interval;
    std::string at;
    bool inside;
  };
  const auto with = [](auto set) {
    TimeInterval interval;
    set(interval);
    return interval;
  };
  const auto office = with([](TimeInterval& i) {
    i.minutes = {{9 * 60, 17 * 60}};
    i.weekdays = {{1, 5}};
  });
  const auto month_end = with([](TimeInterval& i) { i.days_of_month = {{-3, -1}}; });
  const auto february = with([](TimeInterval& i) {
    i.days_of_month = {{29, 31}};
    i.months = {{2, 2}};
  });
  const auto berlin = with([](TimeInterval& i) {
    i.minutes = {{9 * 60, 17 * 60}};
    i.location = "Europe/Berlin";
  });
  const auto row = GENERATE_COPY(values<Row>({
      {TimeInterval(), "2026-11-21T10:00:00Z", true},
      {office, "2026-11-20T09:00:00Z", true},  // a Friday
      {office, "2026-11-20T16:59:59Z", true},
      {office, "2026-11-20T17:00:00Z", false},  // the end is outside
      {office, "2026-11-20T08:59:59Z", false},
      {office, "2026-11-21T10:00:00Z", false},  // a Saturday
      {month_end, "2026-02-26T00:00:00Z", true},
      {month_end, "2026-02-25T00:00:00Z", false},
      {month_end, "2026-12-31T23:59:59Z", true},
      {february, "2028-02-29T12:00:00Z", true},
      {february, "2026-02-28T12:00:00Z", false},
      {berlin, "2026-07-01T07:00:00Z", true},   // summer: two hours ahead
      {berlin, "2026-12-01T07:59:59Z", false},  // winter: one
      {berlin, "2026-12-01T08:00:00Z", true},
      {with([](TimeInterval& i) {
         i.years = {{2025, 2026}};
       }),
       "2027-01-01T00:00:00Z", false},
      {with([](TimeInterval& i) {
         i.years = {{2025, 2026}};
       }),
       "2026-12-31T23:59:59Z", true},
  }));
  CAPTURE(row.at);
  CHECK(row.interval.contains(at(row.at)) == row.inside);
}

TEST_CASE("ranges are read in Alertmanager's spellings") {
  CHECK(*parse_weekdays("Monday:friday") == Range{1, 5});
  CHECK(*parse_weekdays("sunday") == Range{0, 0});
  CHECK(*parse_days_of_month("1:5") == Range{1, 5});
  CHECK(*parse_days_of_month("-3:-1") == Range{-3, -1});
  CHECK(*parse_months("january:March") == Range{1, 3});
  CHECK(*parse_months("5") == Range{5, 5});
  CHECK(*parse_years("2026:2027") == Range{2026, 2027});
  CHECK(*parse_minutes("08:30", "24:00") == Range{510, 1440});
  CHECK(check_location("Europe/Berlin"));
  CHECK(check_location("Local"));
}

TEST_CASE("what is no range is refused with an example") {
  const auto refusal = [](const auto& read) { return read ? std::string("none") : to_string(read.error()); };
  CHECK(refusal(parse_weekdays("friday:monday")) ==
        "\"friday:monday\" is not a range of weekdays\n  hint: write it as monday:friday");
  CHECK(refusal(parse_days_of_month("0")) ==
        "\"0\" is not a range of days of the month\n  hint: write it as 1:5, or -3:-1 for the last three");
  CHECK(refusal(parse_months("13")) ==
        "\"13\" is not a range of months\n  hint: write it as january:march or 1:3");
  CHECK(refusal(parse_years("now")) == "\"now\" is not a range of years\n  hint: write it as 2026:2027");
  CHECK(refusal(parse_minutes("8:00", "17:00")) ==
        "\"8:00\" is not a time of the day\n  hint: write it as 08:00, up to 24:00");
  CHECK(refusal(parse_minutes("08:00", "24:01")) ==
        "\"24:01\" is not a time of the day\n  hint: write it as 08:00, up to 24:00");
  CHECK(refusal(parse_minutes("17:00", "08:00")) ==
        "\"08:00\" is not later than 17:00\n  hint: write it as an end after the start");
  CHECK(refusal(check_location("Mars/Olympus")) ==
        "\"Mars/Olympus\" is not a place of this machine's time zone database\n  hint: write it as "
        "Europe/Berlin");
}

}  // namespace
