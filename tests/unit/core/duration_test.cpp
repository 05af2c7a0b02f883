#include "core/duration.hpp"

#include <tuple>

#include "tests/support/catch.hpp"

using namespace std::chrono_literals;
using obsctl::core::format_duration;
using obsctl::core::format_rounded;
using obsctl::core::Nanoseconds;
using obsctl::core::parse_duration;

TEST_CASE("a duration is read in Prometheus' and Go's spelling") {
  const auto [text, expected] = GENERATE(table<std::string, Nanoseconds>({{"0", 0s},
                                                                          {"0s", 0s},
                                                                          {"250ms", 250ms},
                                                                          {"1m30s", 90s},
                                                                          {"1.5s", 1500ms},
                                                                          {"2h", 2h},
                                                                          {"1d", 24h},
                                                                          {"1w2d", 9 * 24h},
                                                                          {"1y", 365 * 24h},
                                                                          {"15us", 15us},
                                                                          {"7ns", 7ns},
                                                                          {"0.001ms", 1us}}));
  CAPTURE(text);
  const auto parsed = parse_duration(text);
  REQUIRE(parsed);
  CHECK(*parsed == expected);
}

TEST_CASE("what is not a duration is refused with the reason") {
  const auto [text, why] = GENERATE(table<std::string, std::string>(
      {{"", "\"\" is not a duration: it is empty"},
       {"5", "\"5\" is not a duration: the unit is missing"},
       {"s", "\"s\" is not a duration: a number was expected"},
       {"-5s", "\"-5s\" is not a duration: a number was expected"},
       {"5 s", "\"5 s\" is not a duration: \" s\" is not a unit"},
       {"5sec", "\"5sec\" is not a duration: \"sec\" is not a unit"},
       {"1.s", "\"1.s\" is not a duration: digits are missing after the point"},
       {"1s1m",
        "\"1s1m\" is not a duration: units must fall from left to right, each "
        "at most once"},
       {"300y", "\"300y\" is not a duration: it is longer than 292 years"}}));
  CAPTURE(text);
  const auto parsed = parse_duration(text);
  REQUIRE_FALSE(parsed);
  CHECK(parsed.error().message == why);
  CHECK_FALSE(parsed.error().hint.empty());
}

TEST_CASE("a formatted duration reads back as itself") {
  const Nanoseconds duration = GENERATE(
      Nanoseconds(0), Nanoseconds(1), Nanoseconds(999), Nanoseconds(1'000'001), Nanoseconds(59'999'999'999),
      Nanoseconds(86'400'000'000'000), Nanoseconds(123'456'789'012'345'678));
  const auto back = parse_duration(format_duration(duration));
  REQUIRE(back);
  CHECK(*back == duration);
}

TEST_CASE("a rounded duration has three figures and one unit") {
  CHECK(format_rounded(0s) == "0s");
  CHECK(format_rounded(8807ms) == "8.81s");
  CHECK(format_rounded(41234us) == "41.2ms");
  CHECK(format_rounded(999us) == "999us");
  CHECK(format_rounded(72s) == "1m12s");
  CHECK(format_rounded(3h + 5min) == "3h05m");
  CHECK(format_rounded(-1500ms) == "-1.50s");
}
