// Conditions: what is understood, what is refused, and when one holds.
#include "loadgen/condition.hpp"

#include <tuple>

#include "tests/support/catch.hpp"

using namespace std::chrono_literals;
using namespace obsctl::loadgen;

namespace {

Condition parsed(const std::string& text) {
  auto condition = Condition::parse(text);
  REQUIRE(condition);
  return *condition;
}

/// 100 requests of 10 ms, of which 5 failed, in one second; asked were 110.
Summary example() {
  Summary summary;
  summary.elapsed = 1s;
  summary.counts.scheduled = 110;
  summary.counts.sent = 100;
  summary.counts.unsent_at_end = 10;
  summary.counts.ok = 95;
  summary.counts.timeout = 5;
  summary.response_time.record(10ms, 100);
  EndpointSummary endpoint;
  endpoint.name = "GET /slow";
  endpoint.counts.sent = 10;
  endpoint.response_time.record(900ms, 10);
  summary.endpoints.push_back(endpoint);
  return summary;
}

}  // namespace

TEST_CASE("a condition holds or does not") {
  const auto [text, holds] = GENERATE(table<std::string, bool>({{"response_p99>5ms", true},
                                                                {"response_p99 > 5ms", true},
                                                                {"response_p99>10ms", false},
                                                                {"response_p99>=10ms", true},
                                                                {"response_max<11ms", true},
                                                                {"service_p50>0s", false},
                                                                {"error_ratio>0.04", true},
                                                                {"error_ratio>5%", false},
                                                                {"error_ratio>=5%", true},
                                                                {"achieved_rate<101/s", true},
                                                                {"achieved_rate<90/s", false},
                                                                {"achieved_ratio<0.95", true},
                                                                {"timeouts>4", true},
                                                                {"unsent>=10", true},
                                                                {"dropped>0", false},
                                                                {"response_p50{GET /slow}>800ms", true},
                                                                {"response_p50{GET /none}>0s", false}}));
  CAPTURE(text);
  CHECK(parsed(text).holds(example()) == holds);
}

TEST_CASE("a condition over time wants so many windows in a row") {
  Summary summary = example();
  for (const int errors : {9, 0, 9, 9, 0}) {
    Window window;
    window.length = 1s;
    window.index = static_cast<std::int64_t>(summary.windows.size());
    window.counts.ok = 10 - errors;
    window.counts.http_error = errors;
    window.p99 = errors > 0 ? 2s : 1ms;
    summary.windows.push_back(window);
  }
  CHECK(parsed("error_ratio>50% for 2s").holds(summary));
  CHECK_FALSE(parsed("error_ratio>50% for 3s").holds(summary));
  CHECK(parsed("response_p99>1s for 2s").holds(summary.statistics(), summary.windows));
  CHECK_FALSE(parsed("response_p99>3s for 1s").holds(summary));
  CHECK(parsed("error_ratio>50% for 2s").measured(summary) == "held for 2s from 2s on");
  CHECK(parsed("error_ratio>50% for 3s").measured(summary) == "never held for 3s");
}

TEST_CASE("what was measured is said in the condition's unit") {
  CHECK(parsed("response_p99>5ms").measured(example()) == "response_p99 = 10.0ms");
  CHECK(parsed("error_ratio>1%").measured(example()) == "error_ratio = 0.05");
  CHECK(parsed("achieved_rate<1/s").measured(example()) == "achieved_rate = 100.0/s");
  CHECK(parsed("service_p50>1s").measured(example()) == "service_p50 was not measured");
}

TEST_CASE("what is not a condition is refused with the reason") {
  const auto [text, why] = GENERATE(table<std::string, std::string>(
      {{"response_p99", "there is no <, <=, > or >= in it"},
       {"respose_p99>1s", "there is no metric \"respose_p99\" (did you mean \"response_p99\"?)"},
       {"response_p99>5", "\"5\" is not a duration: the unit is missing"},
       {"error_ratio>x", "\"x\" is not a number or a percentage"},
       {"errors>-1", "\"-1\" is not a number"},
       {"achieved_rate<fast", "\"fast\" is not a rate"},
       {"response_p99>1s for 10ms", "\"for\" needs at least 1s"},
       {"response_p90>1s for 5s",
        "one-second windows know response_p50, response_p95, response_p99, response_max, lag_p99, not "
        "response_p90"},
       {"errors{GET /a}>1 for 5s", "one-second windows are not kept by endpoint"},
       {"response_p99{a>1s", "the } is missing"}}));
  const auto condition = Condition::parse(text);
  REQUIRE(!condition);
  CHECK(condition.error().message == "\"" + text + "\" is not a condition: " + why);
}
