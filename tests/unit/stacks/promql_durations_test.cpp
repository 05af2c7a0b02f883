#include "stacks/promql_durations.hpp"

#include "tests/support/catch.hpp"

using obsctl::stacks::scale_duration;
using obsctl::stacks::scale_promql;
using obsctl::stacks::with_edits;

namespace {

std::string scaled(const std::string& expression, double factor = 0.2) {
  const auto scaling = scale_promql(expression, factor);
  REQUIRE(scaling.has_value());
  return with_edits(expression, scaling->edits);
}

}  // namespace

TEST_CASE("a duration is scaled and written as Prometheus reads it") {
  const auto [text, factor, expected] =
      GENERATE(table<std::string, double, std::string>({{"30s", 0.2, "6s"},
                                                        {"5s", 0.1, "500ms"},
                                                        {"1m", 0.2, "12s"},
                                                        {"1h30m", 0.5, "45m"},
                                                        {"4h", 0.01, "2m24s"},
                                                        {"1s", 0.3333, "333ms"},
                                                        {"3ms", 0.4, "1ms"},
                                                        {"10s", 3, "30s"},
                                                        {"1d", 0.5, "12h"},
                                                        {"0s", 0.2, "0s"},
                                                        {"0", 0.2, "0"}}));
  CAPTURE(text, factor);
  const auto result = scale_duration(text, factor);
  REQUIRE(result);
  CHECK(*result == expected);
}

TEST_CASE("a duration that Prometheus would not read, or not resolve, is refused") {
  const auto [text, factor, why] = GENERATE(table<std::string, double, std::string>(
      {{"", 0.2, "\"\" is not a Prometheus duration"},
       {"30", 0.2, "\"30\" is not a Prometheus duration"},
       {"1.5s", 0.2, "\"1.5s\" is not a Prometheus duration"},
       {"5us", 0.2, "\"5us\" is not a Prometheus duration"},
       {"1s1m", 0.2, "\"1s1m\" is not a Prometheus duration"},
       {"-5s", 0.2, "\"-5s\" is not a Prometheus duration"},
       {"5s", 0.00001,
        "5s at a time scale of 1e-05 is less than 1ms, the shortest duration of Prometheus"}}));
  CAPTURE(text);
  const auto result = scale_duration(text, factor);
  REQUIRE_FALSE(result);
  CHECK(result.error().message == why);
  CHECK_FALSE(result.error().hint.empty());
}

TEST_CASE("ranges, subqueries and offsets of an expression are scaled, and nothing else") {
  const auto [before, after] = GENERATE(table<std::string, std::string>({
      {"up == 0", "up == 0"},
      {"rate(a[5m])", "rate(a[1m])"},
      {"rate(a[ 5m ])", "rate(a[ 1m ])"},
      {"max_over_time(rate(a[5m])[1h:30s])", "max_over_time(rate(a[1m])[12m:6s])"},
      {"avg_over_time(a[1h:])", "avg_over_time(a[12m:])"},
      {"a offset 1h", "a offset 12m"},
      {"a OFFSET 1h > 5", "a OFFSET 12m > 5"},
      {"a offset -1h", "a offset -12m"},
      {"a{b=\"c\"} offset 5m", "a{b=\"c\"} offset 1m"},
      {"rate(a[5m] offset 1d)", "rate(a[1m] offset 4h48m)"},
      {"sum(rate(a[5m])) by (offset) > 5", "sum(rate(a[1m])) by (offset) > 5"},
      {"sum by (offset, b) (a) offset 5m", "sum by (offset, b) (a) offset 1m"},
      {"offset + 5", "offset + 5"},
      {"a{offset=\"5m\", range=~\"[5m]\"}", "a{offset=\"5m\", range=~\"[5m]\"}"},
      {"a{b='[5m] \\' offset 5m'}[5m]", "a{b='[5m] \\' offset 5m'}[1m]"},
      {"a{b=`[5m]\\`}[5m]", "a{b=`[5m]\\`}[1m]"},
      {"a # [5m] offset 5m\n + rate(b[5m])", "a # [5m] offset 5m\n + rate(b[1m])"},
      {"job:a:rate5m{} > 0.25", "job:a:rate5m{} > 0.25"},
      {"a:offset 5m", "a:offset 5m"},
      {"rate(a[5m] @ 1600000000)", "rate(a[1m] @ 1600000000)"},
      {"rate(a[5m] @ end() offset 10s)", "rate(a[1m] @ end() offset 2s)"},
      {"rate(a[300])", "rate(a[1m])"},
      {"rate(a[1.5])", "rate(a[300ms])"},
      {"a offset 0s", "a offset 0s"},
      {"1e3 > a", "1e3 > a"},
      {"(\n  rate(a[1m])\n    /\n  rate(b[1m])\n) > 0.05",
       "(\n  rate(a[12s])\n    /\n  rate(b[12s])\n) > 0.05"},
  }));
  CAPTURE(before);
  CHECK(scaled(before) == after);
}

TEST_CASE("an expression that cannot be scaled faithfully is refused with the place") {
  const auto [expression, offset, why] = GENERATE(table<std::string, std::size_t, std::string>(
      {{"rate(a[5m+1m])", 6, "\"[5m+1m]\" is more than a plain duration; such a range cannot be scaled"},
       {"rate(a[step()])", 7,
        "a plain duration was expected here; an expression in its place cannot be scaled"},
       {"a offset (5m)", 9,
        "a plain duration was expected here; an expression in its place cannot be scaled"},
       {"rate(a[5x])", 7, "\"5x\" is not a Prometheus duration"},
       {"rate(a[5m", 6, "\"[5m\" is more than a plain duration; such a range cannot be scaled"},
       {"rate(a[1ms])", 7,
        "1ms at a time scale of 0.2 is less than 1ms, the shortest duration of Prometheus"}}));
  CAPTURE(expression);
  const auto scaling = scale_promql(expression, 0.2);
  REQUIRE_FALSE(scaling.has_value());
  CHECK(scaling.error().offset == offset);
  CHECK(scaling.error().message == why);
}

TEST_CASE("what does not scale with its window is named") {
  const auto [expression, names] = GENERATE(table<std::string, std::vector<std::string>>({
      {"increase(a[5m]) > 10 and increase(b[5m]) > 2", {"increase"}},
      {"predict_linear(a[1h], 4 * 3600) < 0", {"predict_linear"}},
      {"time() - a > 300", {"time"}},
      {"time () - timestamp(a) > 5m", {"time", "timestamp", "5m"}},
      {"rate(increase[5m]) + sum by (time) (a)", {}},
      {"count_over_time(a[5m]) < 3", {}},
  }));
  CAPTURE(expression);
  const auto scaling = scale_promql(expression, 0.2);
  REQUIRE(scaling.has_value());
  CHECK(scaling->unscaled == names);
}
