// What rules are recognised as: as many spellings as people have, and look-alikes that must not be taken for
// them.
#include "verifiers/rule_shape.hpp"

#include <fmt/format.h>

#include "tests/support/catch.hpp"

using namespace std::chrono_literals;
using namespace obsctl::verifiers;
using Kind = obsctl::verifiers::RuleShape::Kind;

namespace {

const std::string kBad = "sum(rate(http_requests_total{status=~\"5..\"}[1m]))";
const std::string kAll = "sum(rate(http_requests_total[1m]))";

/// "ratio 60 >0.05", with "loose" and "unbounded" where they are.
std::string text(const RuleShape& shape) {
  std::string out = fmt::format("{} {:g}", to_string(shape.kind), obsctl::core::to_seconds(shape.window));
  if (shape.kind == Kind::ratio || shape.kind == Kind::quantile) {
    out += fmt::format(" {}{}{:g}", shape.falls_below ? "<" : ">", shape.includes_threshold ? "=" : "",
                       shape.threshold);
  }
  if (shape.extra_delay.count() != 0)
    out += fmt::format(" +{:g}", obsctl::core::to_seconds(shape.extra_delay));
  if (shape.loose) out += " loose";
  if (shape.unbounded) out += " unbounded";
  for (const RuleShape& condition : shape.conditions) out += " [" + text(condition) + "]";
  return out;
}

}  // namespace

TEST_CASE("a ratio of rates is recognised however it is written") {
  const auto [query, shape] = GENERATE(table<std::string, std::string>({
      {kBad + " / " + kAll + " > 0.05", "ratio 60 >0.05"},
      {kBad + " / " + kAll + " >= 0.05", "ratio 60 >=0.05"},
      {"0.05 < " + kBad + " / " + kAll, "ratio 60 >0.05"},
      {"(" + kBad + ") / (" + kAll + ") > 5 / 100", "ratio 60 >0.05"},
      {"100 * " + kBad + " / " + kAll + " > 5", "ratio 60 >0.05"},
      {kBad + " * 100 / " + kAll + " > 5", "ratio 60 >0.05"},
      {kBad + " / (" + kAll + " / 60) > 3", "ratio 60 >0.05"},
      {"100 * (" + kBad + " / " + kAll + ") > 5", "ratio 60 >0.05"},
      {kBad + " / " + kAll + " * 100 > 5", "ratio 60 >0.05"},
      {"1 - " + kBad + " / " + kAll + " > 0.05", "ratio 60 >0.05"},
      {"(1 - " + kBad + " / " + kAll + ") * 100 < 99", "ratio 60 <0.99"},
      {kBad + " / " + kAll + " < 0.99", "ratio 60 <0.99"},
      {"sum by (service) (rate(e[5m])) / sum by (service) (rate(a[5m])) > 14.4 * 0.001", "ratio 300 >0.0144"},
      {"sum(rate(e[5m])) by (s) / on (s) group_left () sum(rate(a[5m])) by (s) > 0.1", "ratio 300 >0.1"},
      {"rate(e[5m]) / rate(a[5m]) > 0.1", "ratio 300 >0.1"},
      {"increase(e[5m]) / increase(a[5m]) > 0.1", "ratio 300 >0.1"},
      {"sum(rate(e[5m])) / (sum(rate(ok[5m])) + sum(rate(e[5m]))) > 0.1", "ratio 300 >0.1"},
      {"(sum(rate(a[5m])) - sum(rate(ok[5m]))) / sum(rate(a[5m])) > 0.1", "ratio 300 >0.1"},
  }));
  CAPTURE(query);
  CHECK(text(recognise_rule(query)) == shape);
}

TEST_CASE("a ratio with a fallback is a loose one") {
  const auto query = GENERATE_COPY(values<std::string>({"(" + kBad + " or vector(0)) / " + kAll + " > 0.05",
                                                        "(" + kBad + " / " + kAll + " or vector(0)) > 0.05",
                                                        kBad + " / clamp_min(" + kAll + ", 1) > 0.05"}));
  CAPTURE(query);
  const RuleShape shape = recognise_rule(query);
  CHECK(text(shape) == "ratio 60 >0.05 loose");
  CHECK(shape.remark == "the ratio has a fallback (or, clamp) for when there is nothing to divide");
}

TEST_CASE("what only looks like a ratio of rates is not taken for one") {
  const auto [query, shape] = GENERATE(table<std::string, std::string>({
      {"sum(rate(e[1m])) / sum(rate(a[5m])) > 0.05", "unknown 300 loose"},            // two windows
      {"sum(rate(e[1m])) / sum(increase(a[1m])) > 0.05", "unknown 60 loose"},         // two functions
      {"sum(rate(e[1m] offset 5m)) / sum(rate(a[1m])) > 0.05", "unknown 360 loose"},  // two times
      {"avg(rate(e[1m])) / sum(rate(a[1m])) > 0.05", "unknown 60 loose"},
      {"max by (x) (rate(e[1m])) / sum by (x) (rate(a[1m])) > 0.05", "unknown 60 loose"},
      {"sum(irate(e[1m])) / sum(irate(a[1m])) > 0.05", "unknown 60 loose"},
      {"sum(e) / sum(a) > 0.05", "unknown 0 loose"},
      {"sum(rate(e[1m])) / sum(rate(a[1m])) > bool 0.05", "unknown 60 loose"},
      {"sum(rate(e[1m])) / sum(rate(a[1m])) == 0.05", "unknown 60 loose"},
      {"sum(rate(e[1m])) / sum(rate(a[1m])) > sum(limit)", "unknown 60 loose"},
      {"2 - sum(rate(e[1m])) / sum(rate(a[1m])) > 0.05", "unknown 60 loose"},
      {"-sum(rate(e[1m])) / sum(rate(a[1m])) > 0.05", "unknown 60 loose"},
      {"sum(rate(e[1m])) / sum(rate(a[1m]))", "unknown 60 loose"},
      {"sum(rate(e[1m])) > 10", "unknown 60 loose"},
      {"sum(rate(e[1m])) / 100 > 10", "unknown 60 loose"},
      {"deriv(x[10m]) > 3", "unknown 600 loose"},
      {"max_over_time(rate(x[1m])[1h:5m]) > 3", "unknown 3660 loose"},
      {"avg_over_time(x[5m] offset 1h) > 3", "unknown 3900 loose"},
      {"absent(up{job=\"x\"})", "unknown 300 loose"},
      {"time() - last_success > 300", "unknown 0 loose unbounded"},
      {"x > 5 and hour() > 8", "all_of 0 loose unbounded [instant 0 loose] [unknown 0 loose unbounded]"},
      {"rate(x[5m] @ 1609746000) > 1", "unknown 300 loose unbounded"},
      {"x offset -5m > 1", "unknown 300 loose unbounded"},
      {"not promql", "unknown 0 loose unbounded"},
      {"", "unknown 0 loose unbounded"},
  }));
  CAPTURE(query);
  const RuleShape found = recognise_rule(query);
  CHECK(text(found) == shape);
  CHECK_FALSE(found.remark.empty());
}

TEST_CASE("a quantile is a ratio of slow requests once its buckets are known") {
  const std::string query =
      "histogram_quantile(0.95, sum by (service, le) "
      "(rate(http_request_duration_seconds_bucket{route=~\"/api/.*\"}[1m]))) > 0.25";
  const RuleShape shape = recognise_rule(query);
  CHECK(text(shape) == "quantile 60 >0.05 loose");
  CHECK(shape.latency == 0.25);
  CHECK(shape.histogram == "http_request_duration_seconds_bucket");
  CHECK(shape.remark ==
        "whether 0.25 is a bucket bound of http_request_duration_seconds_bucket is not known");
  SECTION("a bound") {
    const RuleShape exact = with_buckets(shape, {0.1, 0.25, 0.5, INFINITY});
    CHECK(text(exact) == "quantile 60 >0.05");
    CHECK(exact.remark.empty());
  }
  SECTION("no bounds known") {
    CHECK(text(with_buckets(shape, {})) == "quantile 60 >0.05 loose");
  }
  SECTION("between bounds") {
    const RuleShape between = with_buckets(shape, {0.1, 0.2, 0.5, INFINITY});
    CHECK(text(between) == "quantile 60 >0.05 loose");
    CHECK(between.remark == "0.25 is no bucket bound of http_request_duration_seconds_bucket");
  }
  SECTION("above the highest") {
    const RuleShape never = with_buckets(shape, {0.1, 0.25, INFINITY});
    CHECK(text(never) == "quantile 60 >0.05 loose unbounded");
    CHECK(never.remark ==
          "http_request_duration_seconds_bucket has no bucket above 0.25, so the quantile never exceeds it");
  }
}

TEST_CASE("other quantiles") {
  const auto [query, shape] = GENERATE(table<std::string, std::string>({
      {"histogram_quantile(0.99, rate(h_bucket[5m])) * 1000 > 300", "quantile 300 >0.01 loose"},
      {"1000 * histogram_quantile(99 / 100, sum(rate(h_bucket[5m])) by (le)) >= 300",
       "quantile 300 >=0.01 loose"},
      {"histogram_quantile(0.99, rate(h_bucket[5m])) < 0.3", "unknown 300 loose"},
      {"histogram_quantile(2, rate(h_bucket[5m])) > 0.3", "unknown 300 loose"},
      {"histogram_quantile(0.99, h_bucket) > 0.3", "unknown 0 loose"},
      {"quantile(0.99, x) > 0.3", "unknown 0 loose"},
  }));
  CAPTURE(query);
  const RuleShape found = recognise_rule(query);
  CHECK(text(found) == shape);
  if (found.kind == Kind::quantile) CHECK(found.latency == Approx(0.3));
}

TEST_CASE("a condition on a state is instant") {
  const auto [query, shape] = GENERATE(table<std::string, std::string>({
      {"up{job=\"api\"} == 0", "instant 0"},
      {"up < 1", "instant 0"},
      {"probe_success == 0", "instant 0"},
      {"0 == up", "instant 0"},
      {"min by (job) (up) == 0", "instant 0"},
      {"count(up) < 3", "instant 0"},
      {"app_ready != 1", "instant 0"},
      {"queue_length > 100", "instant 0 loose"},  // may take its time
      {"sum(queue_length) > 100", "instant 0 loose"},
      {"up offset 5m == 0", "unknown 300 loose"},
      {"count(up == 0) > 2", "unknown 0 loose"},
  }));
  CAPTURE(query);
  CHECK(text(recognise_rule(query)) == shape);
}

TEST_CASE("conditions joined by and/or are taken apart") {
  const std::string fast = "sum(rate(e[5m])) / sum(rate(a[5m])) > 0.0144";
  const std::string slow = "sum(rate(e[1h])) / sum(rate(a[1h])) > 0.0144";
  CHECK(text(recognise_rule(fast + " and " + slow)) ==
        "all_of 3600 [ratio 300 >0.0144] [ratio 3600 >0.0144]");
  CHECK(text(recognise_rule("(" + fast + " and on () " + slow + ") or up == 0")) ==
        "any_of 3600 [all_of 3600 [ratio 300 >0.0144] [ratio 3600 >0.0144]] [instant 0]");
  CHECK(text(recognise_rule(fast + " and " + slow + " and sum(rate(a[5m])) > 5")) ==
        "all_of 3600 loose [ratio 300 >0.0144] [ratio 3600 >0.0144] [unknown 300 loose]");
  CHECK(text(recognise_rule(fast + " unless on () maintenance == 1")) == "unknown 300 loose");
}

TEST_CASE("recording rules are looked into") {
  const std::map<std::string, RecordedSeries> recorded = {
      {"job:ratio5m", {"job:errors:rate5m / job:requests:rate5m", 30s}},
      {"job:errors:rate5m", {"sum by (job) (rate(e[5m]))", 10s}},
      {"job:requests:rate5m", {"sum by (job) (rate(a[5m]))", 20s}},
      {"plain_name", {"sum(rate(e[5m])) / sum(rate(a[5m]))", 10s}},
      {"job:loop", {"job:loop + 1", 10s}},
      {"job:broken", {"sum(", 10s}},
  };
  const auto [query, shape] = GENERATE(table<std::string, std::string>({
      {"job:ratio5m > 0.05", "ratio 300 >0.05 +50"},
      {"job:ratio5m{job=\"api\"} > 0.05", "ratio 300 >0.05 +50"},
      {"job:errors:rate5m / job:requests:rate5m > 0.05", "ratio 300 >0.05 +20"},
      {"plain_name > 0.05", "ratio 300 >0.05 +10"},
      {"job:ratio5m offset 1m > 0.05", "ratio 300 >0.05 +110"},
      {"avg_over_time(job:ratio5m[1h]) > 0.05", "unknown 3900 +50 loose"},
      {"job:unheard > 0.05", "unknown 0 loose unbounded"},
      {"job:loop > 0.05", "unknown 0 +110 loose unbounded"},
      {"job:broken > 0.05", "unknown 0 loose unbounded"},
  }));
  CAPTURE(query);
  CHECK(text(recognise_rule(query, recorded)) == shape);
}

TEST_CASE("the selectors behind a rule are told, for finding its targets") {
  const RuleShape shape =
      recognise_rule("sum(rate(e{job=\"api\",status=~\"5..\"}[5m])) / sum(rate(a{job=\"api\"}[5m])) > 0.05");
  CHECK(shape.selectors ==
        std::vector<RuleShape::Selector>{{"e", {{"job", "api"}}}, {"a", {{"job", "api"}}}});
  CHECK(shape.summary == "ratio of rates over 5m, above 0.05");
}
