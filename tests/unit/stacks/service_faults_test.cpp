// What the sample service does to its clients, and to itself, while toggles are on: the endings of requests,
// the bodies, the quota, and a dependency with its circuit breaker.
#include <thread>

#include <nlohmann/json.hpp>

#include "tests/support/catch.hpp"
#include "tests/support/raw_client.hpp"
#include "tests/support/service_bench.hpp"

using namespace std::chrono_literals;
using namespace obsctl::stacks;
using nlohmann::json;
using obsctl::core::HttpReply;
using obsctl::test::quiet_service_options;
using obsctl::test::RawClient;
using obsctl::test::requests;
using Bench = obsctl::test::ServiceBench;

namespace {

constexpr std::string_view kPing = "GET /api/v1/ping HTTP/1.1\r\nHost: test\r\n\r\n";

std::string faults(std::string_view toggle, std::string_view route = "/api/v1/ping") {
  return fmt::format("faults_injected_total{{fault=\"{}\",route=\"{}\"}}", toggle, route);
}

std::string calls(std::string_view outcome) {
  return fmt::format("dependency_requests_total{{dependency=\"database\",outcome=\"{}\"}}", outcome);
}

/// Where /api/v1/work needs the database.
ServiceOptions dependent_options(obsctl::core::Nanoseconds timeout = 50ms) {
  ServiceOptions options = quiet_service_options();
  options.calls.depends = {{"/api/v1/work", "database"}};
  options.calls.timeout = timeout;
  options.calls.breaker = {.failures = 3, .open_for = 10s};
  return options;
}

constexpr const char* kState = "circuit_breaker_state{dependency=\"database\"}";
constexpr const char* kWork = "/api/v1/work?ms=0";

}  // namespace

TEST_CASE("an aborted or reset request has no answer, and is counted as 444") {
  Bench bench;
  const std::string toggle = GENERATE("abort", "reset");
  REQUIRE(bench.toggle(toggle, R"({"routes":["/api/v1/ping"]})").status == 200);
  CHECK(bench.metric(requests("/api/v1/ping", "444")) == "0");
  RawClient client(bench.service->port());
  client.send(kPing);
  CHECK(client.until_closed() == "");
  CHECK(client.was_reset() == (toggle == "reset"));
  CHECK(bench.metric(requests("/api/v1/ping", "444")) == "1");
  CHECK(bench.metric(faults(toggle)) == "1");
  CHECK(bench.get("/api/v1/work?ms=0").status == 200);
}

TEST_CASE("a hanging request goes on when its toggle goes off") {
  Bench bench;
  REQUIRE(bench.toggle("hang", R"({"ttl":"100ms"})").status == 200);
  RawClient client(bench.service->port());
  client.send(kPing);
  REQUIRE(bench.becomes(faults("hang"), "1"));
  CHECK(bench.metric(requests("/api/v1/ping", "200")) == "0");
  SECTION("because it is cleared") {
    CHECK(bench.control("DELETE", "/api/v1/toggles/hang").status == 200);
    CHECK(client.response().starts_with("HTTP/1.1 200 OK"));
  }
  SECTION("because it is set anew") {
    REQUIRE(bench.toggle("hang", R"({"routes":["/api/v1/work"]})").status == 200);
    CHECK(client.response().starts_with("HTTP/1.1 200 OK"));
  }
  SECTION("by its TTL, though no other request comes") {
    bench.clock.advance(100ms);
    CHECK(client.response().starts_with("HTTP/1.1 200 OK"));
  }
  SECTION("unless its client has left") {
    client.close();
    CHECK(bench.becomes(requests("/api/v1/ping", "499"), "1"));
    CHECK(bench.control("DELETE", "/api/v1/toggles/hang").status == 200);
    CHECK(bench.metric(requests("/api/v1/ping", "200")) == "0");
    CHECK(bench.metric(requests("/api/v1/ping", "499")) == "1");
    return;
  }
  CHECK(bench.metric(requests("/api/v1/ping", "200")) == "1");
  CHECK(bench.metric(requests("/api/v1/ping", "499")) == "0");
}

TEST_CASE("answers arrive slowly, or not whole, errors among them") {
  Bench bench;
  REQUIRE(bench.toggle("truncate", R"({"after_bytes":5})").status == 200);
  if (GENERATE(true, false)) {
    RawClient client(bench.service->port());
    client.send(kPing);
    const std::string cut = client.until_closed();
    CHECK(cut.find("\r\nContent-Length: 19\r\n") != std::string::npos);
    CHECK(cut.ends_with("\r\n\r\n{\"mes"));
    return;
  }
  REQUIRE(bench.toggle("bandwidth", R"({"bytes_per_second":40})").status == 200);
  REQUIRE(bench.toggle("error-rate", R"({"rate":1})").status == 200);
  RawClient client(bench.service->port());
  const auto start = std::chrono::steady_clock::now();
  client.send(kPing);
  const std::string cut = client.until_closed();
  CHECK(std::chrono::steady_clock::now() - start >= 125ms);
  CHECK(cut.starts_with("HTTP/1.1 500 "));
  CHECK(cut.find("X-Fault: error-rate,bandwidth,truncate\r\n") != std::string::npos);
  CHECK(cut.ends_with("\r\n\r\n{\"typ"));
}

TEST_CASE("a rate limit lets its burst and then its rate through, and says when to come again") {
  Bench bench;
  REQUIRE(bench.toggle("rate-limit", R"({"rate":"10/s","burst":3,"routes":["/api/v1/ping"]})").status == 200);
  CHECK(bench.metric(requests("/api/v1/ping", "429")) == "0");
  for (int i = 0; i < 3; ++i) CHECK(bench.get("/api/v1/ping").status == 200);
  const HttpReply refused = bench.get("/api/v1/ping");
  CHECK(refused.status == 429);
  CHECK(refused.header("retry-after") == "1");
  CHECK(refused.header("x-fault") == "rate-limit");
  CHECK(json::parse(refused.body).at("detail") == "this error was injected by the toggle rate-limit");
  CHECK(bench.get("/api/v1/work?ms=0").status == 200);
  bench.clock.advance(99ms);
  CHECK(bench.get("/api/v1/ping").status == 429);
  bench.clock.advance(1ms);
  CHECK(bench.get("/api/v1/ping").status == 200);
  CHECK(bench.get("/api/v1/ping").status == 429);
}

TEST_CASE("a dependency that fails opens its breaker, which closes once it is back") {
  Bench bench(dependent_options());
  CHECK(bench.metric(kState) == "0");
  CHECK(bench.get(kWork).status == 200);
  CHECK(bench.metric(calls("success")) == "1");
  REQUIRE(bench.toggle("dependency", R"({"dependencies":["database"],"ttl":"1h"})").status == 200);
  CHECK(bench.get("/readyz").status == 503);
  CHECK(bench.metric("app_dependency_up{dependency=\"database\"}") == "0");
  for (int i = 0; i < 3; ++i) {
    const HttpReply failed = bench.get(kWork);
    CHECK(failed.status == 503);
    CHECK(failed.header("x-fault") == "dependency");
    CHECK(json::parse(failed.body).at("detail") == "the dependency database failed");
  }
  CHECK(bench.metric(kState) == "2");
  const HttpReply refused = bench.get(kWork);
  CHECK(refused.status == 503);
  CHECK(refused.header("retry-after") == "10");
  CHECK(refused.header("x-fault") == "");
  CHECK(json::parse(refused.body).at("detail") == "the circuit breaker of the dependency database is open");
  CHECK(bench.get("/api/v1/ping").status == 200);  // which does not need it

  // The dependency is back, but the breaker has yet to find out.
  REQUIRE(bench.control("DELETE", "/api/v1/toggles/dependency").status == 200);
  CHECK(bench.get("/readyz").status == 200);
  CHECK(bench.get(kWork).status == 503);
  bench.clock.advance(10s);
  CHECK(bench.metric(kState) == "1");
  CHECK(bench.get(kWork).status == 200);
  CHECK(bench.metric(kState) == "0");
  CHECK(bench.metric(calls("success")) == "2");
  CHECK(bench.metric(calls("error")) == "3");
  CHECK(bench.metric(calls("timeout")) == "0");
  CHECK(bench.metric(calls("rejected")) == "2");
  CHECK(bench.metric(faults("dependency", "/api/v1/work")) == "3");
}

TEST_CASE("a dependency that hangs is given up after the timeout, a slow one is waited for until then") {
  Bench bench(dependent_options());
  SECTION("hang") {
    REQUIRE(bench.toggle("dependency", R"({"dependencies":["database"],"mode":"hang"})").status == 200);
    const HttpReply late = bench.get(kWork);
    CHECK(late.status == 504);
    CHECK(late.elapsed >= 50ms);
    CHECK(json::parse(late.body).at("detail") == "the dependency database did not answer within 50ms");
    CHECK(bench.get("/readyz").status == 503);
    CHECK(bench.metric(calls("timeout")) == "1");
  }
  SECTION("slow") {
    REQUIRE(
        bench.toggle("dependency", R"({"dependencies":["database"],"mode":"slow","delay":"20ms"})").status ==
        200);
    const HttpReply slow = bench.get(kWork);
    CHECK(slow.status == 200);
    CHECK(slow.elapsed >= 20ms);
    CHECK(slow.header("x-fault") == "dependency");
    CHECK(bench.get("/readyz").status == 200);
  }
  SECTION("too slow") {
    REQUIRE(
        bench.toggle("dependency", R"({"dependencies":["database"],"mode":"slow","delay":"5s"})").status ==
        200);
    CHECK(bench.get(kWork).status == 504);
  }
}

TEST_CASE("a client that leaves while a dependency is called makes no failure of it") {
  Bench bench(dependent_options(1min));
  REQUIRE(bench.toggle("dependency", R"({"dependencies":["database"],"mode":"hang"})").status == 200);
  for (int i = 0; i < 4; ++i) {
    RawClient client(bench.service->port());
    client.send("GET /api/v1/work?ms=0 HTTP/1.1\r\nHost: test\r\n\r\n");
    const auto affected = [&] {
      return json::parse(bench.control("GET", "/api/v1/toggles/dependency").body).at("affected");
    };
    while (affected() != i + 1) std::this_thread::yield();
  }
  CHECK(bench.becomes(requests("/api/v1/work", "499"), "4"));
  CHECK(bench.metric(faults("dependency", "/api/v1/work")) == "4");
  CHECK(bench.metric(kState) == "0");
  CHECK(bench.metric(calls("timeout")) == "0");
}

TEST_CASE("without a route that depends on something there is no breaker") {
  Bench bench;
  CHECK(bench.metric(kState) == "absent");
  REQUIRE(bench.toggle("dependency", R"({"dependencies":["database","cache"]})").status == 200);
  CHECK(bench.get(kWork).status == 200);
  CHECK(bench.get("/readyz").status == 503);
}
