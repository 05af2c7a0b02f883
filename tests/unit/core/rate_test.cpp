#include "core/rate.hpp"

#include <random>

#include "tests/support/catch.hpp"

using namespace std::chrono_literals;
using obsctl::core::format_rate;
using obsctl::core::Nanoseconds;
using obsctl::core::parse_rate;
using obsctl::core::Rate;

TEST_CASE("a rate is read as an exact ratio") {
  const auto [text, expected] = GENERATE(table<std::string, Rate>({{"200/s", {200, 1s}},
                                                                   {"200", {200, 1s}},
                                                                   {"0/s", {0, 1s}},
                                                                   {"12000/m", {12000, 60s}},
                                                                   {"90/h", {90, 3600s}},
                                                                   {"1.5/s", {3, 2s}},
                                                                   {"0.1/s", {1, 10s}},
                                                                   {"0.000000001/s", {1, 1'000'000'000s}},
                                                                   {"10/250ms", {10, 250ms}},
                                                                   {"2.50/s", {5, 2s}},
                                                                   {"7/1m30s", {7, 90s}}}));
  CAPTURE(text);
  const auto parsed = parse_rate(text);
  REQUIRE(parsed);
  CHECK(parsed->count == expected.count);
  CHECK(parsed->per == expected.per);
}

TEST_CASE("what is not a rate is refused with the reason") {
  const auto [text, why] = GENERATE(table<std::string, std::string>(
      {{"", "\"\" is not a rate: a number was expected before the /"},
       {"/s", "\"/s\" is not a rate: a number was expected before the /"},
       {".", "\".\" is not a rate: a number was expected before the /"},
       {"-5/s", "\"-5/s\" is not a rate: a number was expected before the /"},
       {"fast", "\"fast\" is not a rate: a number was expected before the /"},
       {"1.2.3/s", "\"1.2.3/s\" is not a rate: a number was expected before the /"},
       {"99999999999999999999/s",
        "\"99999999999999999999/s\" is not a rate: a number was expected before the /"},
       {"0.0000000001/s", "\"0.0000000001/s\" is not a rate: at most nine decimals are exact"},
       {"5/", "\"5/\" is not a rate: the period after the / is missing"},
       {"5/0s", "\"5/0s\" is not a rate: the period is zero"},
       {"5/x", "\"5/x\" is not a rate: \"x\" is not a period"},
       {"5/s/s", "\"5/s/s\" is not a rate: \"s/s\" is not a period"},
       {"0.3/200y", "\"0.3/200y\" is not a rate: the period is too long"}}));
  CAPTURE(text);
  const auto parsed = parse_rate(text);
  REQUIRE_FALSE(parsed);
  CHECK(parsed.error().message == why);
  CHECK(parsed.error().hint == "write a count and a period, such as 200/s or 90/m");
}

TEST_CASE("a formatted rate reads back as itself") {
  const Rate rate = GENERATE(Rate{200, 1s}, Rate{3, 2s}, Rate{1, 60s}, Rate{1, 3600s}, Rate{10, 250ms},
                             Rate{7, 90s}, Rate{0, 1s}, Rate{1, 1ms});
  const auto back = parse_rate(format_rate(rate));
  CAPTURE(format_rate(rate));
  REQUIRE(back);
  CHECK(*back == rate);
  CHECK(format_rate(Rate{200, 1s}) == "200/s");
  CHECK(format_rate(Rate{3, 2s}) == "3/2s");
  CHECK(format_rate(Rate{90, 60s}) == "90/m");
}

TEST_CASE("due times do not drift, even where the gap is no whole number of nanoseconds") {
  const Rate rate{3000, 1s};  // a gap of 333,333.3 ns: adding truncated gaps loses 3.6 ms an hour
  CHECK(rate.due(0) == 0ns);
  CHECK(rate.due(1) == 333'333ns);
  CHECK(rate.due(3) == 1ms);
  const std::int64_t an_hour_of_arrivals = std::int64_t{3000} * 3600;
  CHECK(rate.due(an_hour_of_arrivals) == 1h);
  CHECK(rate.due(an_hour_of_arrivals * 24 * 365) == 24h * 365);
}

TEST_CASE("arrivals before a time are those whose due time lies before it") {
  SECTION("on and around an exact slot") {
    const Rate rate{10, 1s};
    CHECK(rate.arrivals_before(-1ns) == 0);
    CHECK(rate.arrivals_before(0ns) == 0);
    CHECK(rate.arrivals_before(1ns) == 1);
    CHECK(rate.arrivals_before(100ms) == 1);
    CHECK(rate.arrivals_before(100ms + 1ns) == 2);
    CHECK(rate.arrivals_before(1s) == 10);
  }
  SECTION("never, at a rate of none") {
    CHECK(Rate{0, 1s}.arrivals_before(1h) == 0);
  }
  SECTION("for random rates and times") {
    std::mt19937_64 random(20261121);
    for (int round = 0; round < 20'000; ++round) {
      const Rate rate{std::uniform_int_distribution<std::int64_t>(1, 100'000)(random),
                      Nanoseconds(std::uniform_int_distribution<std::int64_t>(1, 3'600'000'000'000)(random))};
      const Nanoseconds elapsed(std::uniform_int_distribution<std::int64_t>(0, 86'400'000'000'000)(random));
      const std::int64_t n = rate.arrivals_before(elapsed);
      CAPTURE(rate.count, rate.per.count(), elapsed.count(), n);
      REQUIRE(rate.due(n) >= elapsed);
      if (n > 0) REQUIRE(rate.due(n - 1) < elapsed);
    }
  }
}

TEST_CASE("a rate per second is the ratio as a decimal") {
  CHECK(Rate{200, 1s}.per_second() == Approx(200.0));
  CHECK(Rate{3, 2s}.per_second() == Approx(1.5));
  CHECK(Rate{12000, 60s}.per_second() == Approx(200.0));
}
