// The board of toggles: what is accepted, what it does to requests, and that it always ends.
#include <cmath>
#include <map>

#include <nlohmann/json.hpp>

#include "stacks/services/toggle_board.hpp"
#include "tests/support/catch.hpp"

using namespace std::chrono_literals;
using namespace obsctl::stacks;
using nlohmann::json;
using obsctl::core::ManualClock;

namespace {

struct Bench {
  ManualClock clock;
  ToggleBoard board{service_toggle_kinds(),
                    {.ttl_default = 5min,
                     .ttl_max = 1h,
                     .longest_delay = 30s,
                     .routes = {"/api/v1/ping", "/api/v1/work"},
                     .dependencies = {"database", "cache"}},
                    clock};

  std::vector<FieldError> set(std::string_view name, const char* body) {
    return board.set(board.find(name).value(), json::parse(body));
  }
  std::string state(std::string_view name) const { return board.state(board.find(name).value()).dump(); }
  bool active(std::string_view name) const {
    return board.state(board.find(name).value()).at("active").get<bool>();
  }
};

const std::vector<FieldError> kAccepted;

}  // namespace

TEST_CASE("a toggle that is set shows its values and when it ends") {
  Bench bench;
  CHECK(bench.board.quiet());
  CHECK(bench.state("error-rate") == R"({"name":"error-rate","active":false})");
  CHECK(bench.set("error-rate", R"({"rate":0.3,"status":503,"routes":["/api/v1/p*"],"ttl":"2m"})") ==
        kAccepted);
  CHECK_FALSE(bench.board.quiet());
  CHECK(bench.state("error-rate") ==
        R"({"name":"error-rate","active":true,"status":503,"rate":0.3,"routes":["/api/v1/ping"],"ttl":"2m",)"
        R"("set_at":"2023-11-14T22:13:20.000Z","expires_at":"2023-11-14T22:15:20.000Z","affected":0})");
  CHECK(bench.set("latency", R"({"delay":"250ms"})") == kAccepted);
  CHECK(
      bench.state("latency") ==
      R"({"name":"latency","active":true,"distribution":"uniform","delay":"250ms","jitter":"0s","max":"30s","rate":1.0,)"
      R"("routes":["/api/v1/ping","/api/v1/work"],"ttl":"5m",)"
      R"("set_at":"2023-11-14T22:13:20.000Z","expires_at":"2023-11-14T22:18:20.000Z","affected":0})");
  CHECK(bench.set("readiness", R"({"dependencies":{"cache":false,"database":true}})") == kAccepted);
  CHECK(bench.state("readiness") ==
        R"({"name":"readiness","active":true,"ready":true,"dependencies":{"cache":false},"ttl":"5m",)"
        R"("set_at":"2023-11-14T22:13:20.000Z","expires_at":"2023-11-14T22:18:20.000Z","affected":0})");
}

TEST_CASE("every toggle goes off by itself when its TTL has passed") {
  Bench bench;
  REQUIRE(bench.set("error-rate", R"({"rate":1,"ttl":"2m"})") == kAccepted);
  REQUIRE(bench.set("readiness", R"({"ready":false})") == kAccepted);
  bench.clock.advance(2min - 1ns);
  CHECK(bench.board.expire().empty());
  CHECK(bench.board.plan("/api/v1/ping").status == 500);

  SECTION("one after the other") {
    bench.clock.advance(1ns);
    CHECK(bench.board.expire() == std::vector<std::string_view>{"error-rate"});
    CHECK(bench.board.plan("/api/v1/ping").status == 0);
    CHECK(bench.active("readiness"));
    bench.clock.advance(3min);
    CHECK(bench.board.expire() == std::vector<std::string_view>{"readiness"});
    CHECK(bench.board.quiet());
  }
  SECTION("setting it again starts its time anew") {
    REQUIRE(bench.set("error-rate", R"({"rate":1,"status":502,"ttl":"2m"})") == kAccepted);
    bench.clock.advance(2min - 1ns);
    CHECK(bench.board.expire().empty());
    CHECK(bench.board.plan("/api/v1/ping").status == 502);
    bench.clock.advance(1ns);
    CHECK(bench.board.expire().size() == 1);
  }
  SECTION("unless it has been cleared before") {
    CHECK(bench.board.clear(bench.board.find("error-rate").value()));
    CHECK_FALSE(bench.board.clear(bench.board.find("error-rate").value()));
    bench.clock.advance(1ns);
    CHECK(bench.board.expire().empty());
  }
}

TEST_CASE("every mistake in a body is named at once, and the toggle stays as it was") {
  Bench bench;
  REQUIRE(bench.set("latency", R"({"delay":"1s"})") == kAccepted);
  const std::string before = bench.state("latency");
  CHECK(
      bench.set("latency", R"({"dealy":"1s","jitter":5,"rate":1.5,"routes":["/healthz"],"ttl":"2h"})") ==
      std::vector<FieldError>{
          {"#/delay", "is missing"},
          {"#/jitter", "must be a duration from 0s to 30s, such as \"250ms\" or \"1m30s\""},
          {"#/rate", "must be a number from 0 to 1"},
          {"#/routes", "\"/healthz\" matches no route that may be faulted: /api/v1/ping, /api/v1/work"},
          {"#/ttl", "must be a duration from 1ms to 1h, such as \"250ms\" or \"1m30s\""},
          {"#/dealy",
           "is not known here (did you mean \"delay\"?); known are: distribution, delay, jitter, max, rate, "
           "routes, ttl"},
      });
  CHECK(bench.state("latency") == before);
}

TEST_CASE("each field has its bounds") {
  struct Case {
    const char* toggle;
    const char* body;
    FieldError error;
  };
  const auto one = GENERATE(values<Case>({
      {"error-rate", "{}", {"#/rate", "is missing"}},
      {"error-rate", R"({"rate":"0.3"})", {"#/rate", "must be a number from 0 to 1"}},
      {"error-rate", R"({"rate":-0.1})", {"#/rate", "must be a number from 0 to 1"}},
      {"error-rate", R"({"rate":1,"status":200})", {"#/status", "must be a whole number from 400 to 599"}},
      {"error-rate", R"({"rate":1,"status":503.5})", {"#/status", "must be a whole number from 400 to 599"}},
      {"error-rate",
       R"({"rate":1,"status":18446744073709551615})",
       {"#/status", "must be a whole number from 400 to 599"}},
      {"error-rate",
       R"({"rate":1,"routes":"/api/*"})",
       {"#/routes",
        "must be a list of paths, in which * stands for any characters, such as [\"/api/v1/*\"]"}},
      {"error-rate",
       R"({"rate":1,"a/b~c":1})",
       {"#/a~1b~0c", "is not known here; known are: status, rate, routes, ttl"}},
      {"error-rate",
       R"({"rate":1,"ttl":"0s"})",
       {"#/ttl", "must be a duration from 1ms to 1h, such as \"250ms\" or \"1m30s\""}},
      {"latency",
       R"({"delay":"1m"})",
       {"#/delay", "must be a duration from 0s to 30s, such as \"250ms\" or \"1m30s\""}},
      {"latency",
       R"({"delay":"10ms","jitter":"20ms"})",
       {"#/jitter", "must not be longer than delay: requests take delay ± jitter"}},
      {"latency",
       R"({"distribution":"gamma","delay":"1s"})",
       {"#/distribution", "must be one of constant, uniform, normal, exponential, lognormal"}},
      {"latency", R"({"distribution":"normal","mean":"1s"})", {"#/stddev", "is missing"}},
      {"latency",
       R"({"distribution":"lognormal","p50":"1s","p99":"900ms"})",
       {"#/p99", "must not be shorter than p50"}},
      {"latency",
       R"({"distribution":"exponential","mean":"1s","delay":"1s"})",
       {"#/delay", "is not known here; known are: distribution, mean, max, rate, routes, ttl"}},
      {"rate-limit",
       R"({"rate":"0/s"})",
       {"#/rate", "must be a rate above 0, such as \"100/s\" or \"30/m\""}},
      {"rate-limit", R"({"rate":100})", {"#/rate", "must be a rate above 0, such as \"100/s\" or \"30/m\""}},
      {"bandwidth",
       R"({"bytes_per_second":0})",
       {"#/bytes_per_second", "must be a whole number from 1 to 1073741824"}},
      {"truncate", "{}", {"#/after_bytes", "is missing"}},
      {"dependency", "{}", {"#/dependencies", "is missing"}},
      {"dependency",
       R"({"dependencies":[]})",
       {"#/dependencies", "must be a list of names, such as [\"database\"]"}},
      {"dependency",
       R"({"dependencies":["databse"]})",
       {"#/dependencies",
        "\"databse\" is not a dependency of this service (did you mean \"database\"?); it has: database, "
        "cache"}},
      {"dependency", R"({"dependencies":["cache"],"mode":"slow"})", {"#/delay", "is missing"}},
      {"readiness",
       "{}",
       {"#/ready", "is missing: say {\"ready\": false} or {\"dependencies\": {\"NAME\": false}}"}},
      {"readiness", R"({"ready":0})", {"#/ready", "must be true or false"}},
      {"readiness",
       R"({"dependencies":["cache"]})",
       {"#/dependencies", "must be an object of true and false, such as {\"database\": false}"}},
      {"readiness",
       R"({"dependencies":{"cahce":false}})",
       {"#/dependencies",
        "\"cahce\" is not a dependency of this service (did you mean \"cache\"?); it has: database, cache"}},
      {"readiness",
       R"({"dependencies":{"cache":"no"}})",
       {"#/dependencies", "\"cache\" must be true or false"}},
  }));
  CAPTURE(one.toggle, one.body);
  Bench bench;
  CHECK(bench.set(one.toggle, one.body) == std::vector<FieldError>{one.error});
  CHECK(bench.board.quiet());
}

TEST_CASE("an error rate is exact for each route by itself") {
  Bench bench;
  const double rate = GENERATE(0.001, 0.1, 0.3, 0.95, 1.0);
  REQUIRE(bench.board.set(0, json{{"rate", rate}, {"status", 503}}) == kAccepted);
  std::map<std::string_view, int> hits;
  constexpr int kRequests = 100'000;
  // Four pings to one job, as a load might send them.
  for (int i = 0; i < kRequests; ++i) {
    const std::string_view route = i % 5 == 4 ? "/api/v1/work" : "/api/v1/ping";
    const FaultPlan plan = bench.board.plan(route);
    CHECK(plan.delay == 0ns);
    if (plan.status == 503) ++hits[route];
  }
  const double slack = 8;  // half a block's hits, at most
  CHECK(std::abs(hits["/api/v1/ping"] - 0.8 * kRequests * rate) < slack);
  CHECK(std::abs(hits["/api/v1/work"] - 0.2 * kRequests * rate) < slack);
  CHECK(bench.board.state(0).at("affected") == hits["/api/v1/ping"] + hits["/api/v1/work"]);
}

TEST_CASE("only the named routes are affected") {
  Bench bench;
  REQUIRE(bench.set("error-rate", R"({"rate":1,"routes":["/api/v1/work"]})") == kAccepted);
  CHECK(bench.board.plan("/api/v1/ping").status == 0);
  CHECK(bench.board.plan("/api/v1/work").status == 500);
  CHECK(bench.board.statuses(0, "/api/v1/work") == std::vector{500});
  CHECK(bench.board.statuses(0, "/api/v1/ping").empty());
}

TEST_CASE("a latency is spread evenly around its delay") {
  Bench bench;
  REQUIRE(bench.set("latency", R"({"delay":"100ms","jitter":"40ms"})") == kAccepted);
  // Kolmogorov-Smirnov against the uniform distribution, at the 0.1 % level; the seed is fixed.
  std::vector<double> samples;
  for (int i = 0; i < 10'000; ++i) {
    const auto delay = bench.board.plan("/api/v1/ping").delay;
    REQUIRE(delay >= 60ms);
    REQUIRE(delay <= 140ms);
    samples.push_back((obsctl::core::to_seconds(delay) - 0.06) / 0.08);
  }
  std::sort(samples.begin(), samples.end());
  double distance = 0;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const auto n = static_cast<double>(samples.size());
    distance = std::max(
        {distance, samples[i] - static_cast<double>(i) / n, static_cast<double>(i + 1) / n - samples[i]});
  }
  CHECK(distance < 1.95 / std::sqrt(static_cast<double>(samples.size())));
}

TEST_CASE("a rate limit is a token bucket: a burst, then exactly the rate") {
  Bench bench;
  REQUIRE(bench.set("rate-limit", R"({"rate":"100/s","burst":20})") == kAccepted);
  int passed = 0;
  for (int i = 0; i < 100; ++i) {
    const FaultPlan plan = bench.board.plan(i % 2 == 0 ? "/api/v1/ping" : "/api/v1/work");
    passed += plan.ending == Ending::answer ? 1 : 0;
    if (plan.ending == Ending::answer) continue;
    CHECK(plan.status == 429);
    CHECK(plan.retry_after > 0ns);
    CHECK(plan.retry_after <= 10ms);
  }
  CHECK(passed == 20);  // the clock stood still
  for (int i = 0; i < 10'000; ++i) {
    bench.clock.advance(1ms);
    passed += bench.board.plan("/api/v1/ping").ending == Ending::answer ? 1 : 0;
  }
  CHECK(passed == 20 + 1000);
  REQUIRE(bench.set("rate-limit", R"({"rate":"30/m"})") == kAccepted);
  CHECK(json::parse(bench.state("rate-limit")).at("burst") == 1);
}

TEST_CASE("toggles that are on together add up") {
  Bench bench;
  REQUIRE(bench.set("error-rate", R"({"rate":1,"status":502})") == kAccepted);
  REQUIRE(bench.set("latency", R"({"delay":"20ms"})") == kAccepted);
  const FaultPlan plan = bench.board.plan("/api/v1/ping");
  CHECK(plan.status == 502);
  CHECK(plan.delay == 20ms);
  CHECK(plan.kinds == 0b011);
}

TEST_CASE("readiness loses what the toggle takes away") {
  Bench bench;
  std::uint32_t kinds = 0;
  CHECK(bench.board.readiness(kinds).all());
  CHECK(kinds == 0);
  SECTION("a dependency") {
    REQUIRE(bench.set("readiness", R"({"dependencies":{"database":false}})") == kAccepted);
    const Readiness readiness = bench.board.readiness(kinds);
    CHECK(readiness.ready);
    CHECK_FALSE(readiness.all());
    CHECK_FALSE(readiness.dependencies.at(0).up);
    CHECK(readiness.dependencies.at(1).up);
    CHECK(kinds == 0b100);
  }
  SECTION("the service itself") {
    REQUIRE(bench.set("readiness", R"({"ready":false})") == kAccepted);
    const Readiness readiness = bench.board.readiness(kinds);
    CHECK_FALSE(readiness.ready);
    CHECK(readiness.dependencies.at(0).up);
  }
  SECTION("nothing, when all is said to be well") {
    REQUIRE(bench.set("readiness", R"({"ready":true,"dependencies":{"cache":true}})") == kAccepted);
    CHECK(bench.board.readiness(kinds).all());
    CHECK(kinds == 0);
  }
}
