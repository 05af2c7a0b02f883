// The sample service from the outside: its routes, its metrics, its control API, and how it ends.
#include <array>
#include <cmath>
#include <future>
#include <thread>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "stacks/services/toggle_kinds.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/raw_client.hpp"
#include "tests/support/service_bench.hpp"

using namespace std::chrono_literals;
using namespace obsctl::stacks;
using nlohmann::json;
using obsctl::core::HttpReply;
using obsctl::test::RawClient;
using obsctl::test::requests;
using Bench = obsctl::test::ServiceBench;
using obsctl::test::quiet_service_options;
using obsctl::test::SharedClock;

TEST_CASE("the service answers") {
  Bench bench;
  CHECK(bench.get("/healthz").body == "{\"status\":\"ok\"}\n");
  CHECK(bench.get("/api/v1/ping").body == "{\"message\":\"pong\"}\n");
  const HttpReply ready = bench.get("/readyz");
  CHECK(ready.status == 200);
  CHECK(ready.header("content-type") == "application/json");
  CHECK(ready.body ==
        "{\"status\":\"ready\",\"dependencies\":[{\"name\":\"database\",\"up\":true},{\"name\":\"cache\","
        "\"up\":true}]}\n");
  const HttpReply work = bench.get("/api/v1/work?ms=5&jitter=2.5");
  CHECK(work.status == 200);
  const double asked = json::parse(work.body).at("asked_ms");
  CHECK(asked >= 2.5);
  CHECK(asked <= 7.5);
  CHECK(json::parse(work.body).at("worked_ms") >= asked);
}

TEST_CASE("the service names probe targets as Prometheus' discovery reads them; none unless told") {
  Bench plain;
  CHECK(plain.get("/probe-targets").body == "[]\n");
  ServiceOptions options = quiet_service_options();
  const auto targets = parse_probe_targets(" http://127.0.0.1:1/x?y=1,https://example.org/ ");
  REQUIRE(targets);
  options.probe_targets = *targets;
  Bench bench(options);
  const HttpReply reply = bench.get("/probe-targets");
  CHECK(reply.header("content-type") == "application/json");
  CHECK(json::parse(reply.body) ==
        json::parse(R"([{"targets": ["http://127.0.0.1:1/x?y=1"], "labels": {"service": "127.0.0.1"}},
                        {"targets": ["https://example.org/"], "labels": {"service": "example.org"}}])"));
  CHECK(to_string(parse_probe_targets("http://a http://").error()).starts_with("\"http://\" is not a URL: "));
  CHECK(
      to_string(parse_probe_targets("https://me:s3cret@example.org/x").error()) ==
      "https://example.org/x has a user and a password in it, which every alert would show\n  hint: write it "
      "without; the blackbox exporter's modules have basic_auth");
}

TEST_CASE("what alerts use is exposed at 0 before the first event") {
  Bench bench;
  const std::string text = bench.get("/metrics").body;
  for (const char* route : {"/api/v1/ping", "/api/v1/work", "/healthz", "/readyz", "/metrics"}) {
    for (const char* status : {"200", "500", "503"})
      CHECK(text.find(requests(route, status) + " 0\n") != std::string::npos);
    for (const char* le : {"0.25", "+Inf"})
      CHECK(text.find(fmt::format(
                "http_request_duration_seconds_bucket{{method=\"GET\",route=\"{}\",le=\"{}\"}} 0\n", route,
                le)) != std::string::npos);
  }
  for (const char* series :
       {"work_jobs_inflight 0\n", "work_failures_total 0\n",
        "faults_injected_total{fault=\"error-rate\",route=\"/api/v1/ping\"} 0\n",
        "faults_injected_total{fault=\"latency\",route=\"/api/v1/work\"} 0\n",
        "faults_injected_total{fault=\"readiness\",route=\"/readyz\"} 0\n", "app_ready 1\n",
        "app_dependency_up{dependency=\"cache\"} 1\n", "app_build_info{version=\"1.2.3\"} 1\n"})
    CHECK(text.find(series) != std::string::npos);
  for (const char* name :
       {"process_cpu_seconds_total ", "process_resident_memory_bytes ", "process_open_fds ",
        "process_max_fds ", "process_start_time_seconds ", "process_threads "})
    CHECK(text.find(fmt::format("\n{}", name)) != std::string::npos);
}

TEST_CASE("requests are counted by route, method and status, whatever paths clients invent") {
  Bench bench;
  CHECK(bench.get("/api/v1/ping").status == 200);
  CHECK(bench.get("/api/v1/ping?x=1").status == 200);
  CHECK(bench.call("POST", "/api/v1/ping").status == 405);
  CHECK(bench.call("BREW", "/api/v1/ping").status == 405);
  CHECK(bench.get("/nope").status == 404);
  CHECK(bench.get("/api/v1/toggles/a/b").status == 404);
  CHECK(bench.metric(requests("/api/v1/ping", "200")) == "2");
  CHECK(bench.metric(requests("/api/v1/ping", "405", "POST")) == "1");
  CHECK(bench.metric(requests("/api/v1/ping", "405", "other")) == "1");
  CHECK(bench.metric(requests("other", "404")) == "2");
  CHECK(bench.metric("http_request_duration_seconds_count{method=\"GET\",route=\"/api/v1/ping\"}") == "2");
}

TEST_CASE("errors are problem documents") {
  Bench bench;
  struct Case {
    std::string method;
    std::string target;
    std::string token;
    std::string body;
    int status;
    std::string problem;
  };
  const auto one = GENERATE(values<Case>({
      {"GET", "/nope", "", "", 404,
       R"({"type":"about:blank","title":"Not Found","status":404,"detail":"there is nothing at /nope"})"},
      {"DELETE", "/readyz", "", "", 405,
       R"({"type":"about:blank","title":"Method Not Allowed","status":405,"detail":"/readyz does not know the method DELETE"})"},
      {"GET", "/api/v1/work?ms=x&jitter=-1", "", "", 400,
       R"({"type":"about:blank","title":"Bad Request","status":400,"detail":"the job cannot be read","errors":[)"
       R"({"parameter":"ms","detail":"must be a number of milliseconds from 0 to 10000"},)"
       R"({"parameter":"jitter","detail":"must be a number of milliseconds from 0 to 10000"}]})"},
      {"GET", "/api/v1/work?ms=10&jitter=11", "", "", 400,
       R"({"type":"about:blank","title":"Bad Request","status":400,"detail":"the job cannot be read","errors":[)"
       R"({"parameter":"jitter","detail":"must not be above ms: a job takes ms ± jitter"}]})"},
      {"GET", "/api/v1/toggles", "", "", 401,
       R"({"type":"about:blank","title":"Unauthorized","status":401,"detail":"a bearer token is needed: Authorization: Bearer TOKEN"})"},
      {"GET", "/api/v1/toggles", "Bearer wrong", "", 401,
       R"({"type":"about:blank","title":"Unauthorized","status":401,"detail":"the bearer token is wrong"})"},
      {"PUT", "/api/v1/toggles/latncy", "Bearer s3cret", "{}", 404,
       R"({"type":"about:blank","title":"Not Found","status":404,"detail":"there is no toggle \"latncy\" (did you mean \"latency\"?); there are: error-rate, latency, readiness, rate-limit, abort, reset, hang, bandwidth, truncate, dependency, memory-leak, cpu-burn, log-burst"})"},
      {"PUT", "/api/v1/toggles/latency", "Bearer s3cret", "{", 400,
       R"({"type":"about:blank","title":"Bad Request","status":400,"detail":"the body is not JSON"})"},
      {"PUT", "/api/v1/toggles/latency", "Bearer s3cret", "[]", 422,
       R"({"type":"about:blank","title":"Unprocessable Content","status":422,"detail":"the body must be a JSON object"})"},
      {"POST", "/api/v1/toggles/error-rate", "Bearer s3cret", R"({"rate":2,"status":1})", 422,
       R"({"type":"about:blank","title":"Unprocessable Content","status":422,"detail":"the toggle \"error-rate\" was left as it was",)"
       R"("errors":[{"pointer":"#/status","detail":"must be a whole number from 400 to 599"},{"pointer":"#/rate","detail":"must be a number from 0 to 1"}]})"},
      {"PUT", "/api/v1/toggles/latency", "Bearer s3cret", std::string(65537, ' '), 413,
       R"({"type":"about:blank","title":"Content Too Large","status":413,"detail":"the request's body is too large"})"},
  }));
  CAPTURE(one.method, one.target, one.token);
  std::vector<obsctl::core::HttpHeader> headers;
  if (!one.token.empty()) headers.push_back({"Authorization", one.token});
  const HttpReply reply = bench.call(one.method, one.target, one.body, headers);
  CHECK(reply.status == one.status);
  CHECK(reply.header("content-type") == "application/problem+json");
  CHECK(reply.body == one.problem + "\n");
}

TEST_CASE("a refusal says how to do better") {
  Bench bench;
  CHECK(bench.call("DELETE", "/api/v1/ping").header("allow") == "GET, HEAD");
  CHECK(bench.call("POST", "/api/v1/toggles").header("allow") == "GET, HEAD, DELETE");
  CHECK(bench.get("/api/v1/toggles").header("www-authenticate") == "Bearer realm=\"toggles\"");
  const HttpReply wrong = bench.call("DELETE", "/api/v1/toggles", "", {{"Authorization", "bearer s3cret2"}});
  CHECK(wrong.header("www-authenticate") == "Bearer realm=\"toggles\", error=\"invalid_token\"");
  CHECK(bench.call("GET", "/api/v1/toggles", "", {{"Authorization", "bearer  s3cret"}}).status == 200);
  CHECK(bench.call("GET", "/api/v1/toggles", "", {{"Authorization", "Basic s3cret"}}).status == 401);
}

TEST_CASE("without a token the toggles are locked") {
  ServiceOptions options = quiet_service_options();
  options.token.clear();
  Bench bench(options);
  const HttpReply reply = bench.control("PUT", "/api/v1/toggles/latency", "{}");
  CHECK(reply.status == 403);
  CHECK(json::parse(reply.body).at("detail") ==
        "the toggles are locked: the service was started without a token (OBSCTL_SERVICE_TOKEN)");
}

TEST_CASE("guessing a token is slow, and a control API that is called too often says when to come again") {
  Bench bench;
  const auto guess = [&] {
    return bench.call("GET", "/api/v1/toggles", "", {{"Authorization", "Bearer guess"}}).status;
  };
  for (int i = 0; i < 10; ++i) REQUIRE(guess() == 401);
  CHECK(guess() == 429);
  CHECK(bench.control("GET", "/api/v1/toggles").status == 429);
  CHECK(bench.get("/api/v1/ping").status == 200);
  bench.clock.advance(1s);
  CHECK(guess() == 401);
  bench.clock.advance(10s);
  for (int i = 0; i < 200; ++i) REQUIRE(bench.control("GET", "/api/v1/toggles").status == 200);
  const HttpReply reply = bench.toggle("error-rate", R"({"rate":1})");
  CHECK(reply.status == 429);
  CHECK(reply.header("retry-after") == "1");
  CHECK(reply.header("content-type") == "application/problem+json");
  CHECK(bench.get("/api/v1/ping").status == 200);
  bench.clock.advance(10ms);
  CHECK(bench.toggle("error-rate", R"({"rate":1})").status == 200);
}

TEST_CASE("toggles are set, read and cleared") {
  Bench bench;
  const HttpReply set =
      bench.toggle("error-rate", R"({"rate":1,"status":502,"routes":["/api/v1/ping"],"ttl":"90s"})");
  CHECK(set.status == 200);
  CHECK(
      set.body ==
      R"({"name":"error-rate","active":true,"status":502,"rate":1.0,"routes":["/api/v1/ping"],"ttl":"1m30s",)"
      R"("set_at":"2023-11-14T22:13:20.000Z","expires_at":"2023-11-14T22:14:50.000Z","affected":0})"
      "\n");
  CHECK(bench.metric(requests("/api/v1/ping", "502")) == "0");
  const HttpReply faulted = bench.get("/api/v1/ping");
  CHECK(faulted.status == 502);
  CHECK(faulted.header("x-fault") == "error-rate");
  CHECK(json::parse(faulted.body).at("detail") == "this error was injected by the toggle error-rate");
  CHECK(bench.get("/api/v1/work?ms=1").status == 200);
  CHECK(bench.metric(requests("/api/v1/ping", "502")) == "1");
  CHECK(bench.metric("faults_injected_total{fault=\"error-rate\",route=\"/api/v1/ping\"}") == "1");
  const json all = json::parse(bench.control("GET", "/api/v1/toggles").body);
  CHECK(all.at("toggles").size() == service_toggle_kinds().size());
  CHECK(all.at("toggles").at(0).at("affected") == 1);

  SECTION("one") {
    const HttpReply cleared = bench.control("DELETE", "/api/v1/toggles/error-rate");
    CHECK(cleared.status == 200);
    CHECK(cleared.body == "{\"name\":\"error-rate\",\"active\":false}\n");
  }
  SECTION("all") {
    REQUIRE(bench.toggle("readiness", R"({"ready":false})").status == 200);
    const json off = json::parse(bench.control("DELETE", "/api/v1/toggles").body);
    CHECK(off.at("toggles").size() == service_toggle_kinds().size());
    for (const json& one : off.at("toggles")) CHECK(one.at("active") == false);
  }
  SECTION("by their TTL") {
    bench.clock.advance(90s);
    CHECK(bench.control("GET", "/api/v1/toggles/error-rate").body ==
          "{\"name\":\"error-rate\",\"active\":false}\n");
  }
  CHECK(bench.get("/api/v1/ping").status == 200);
}

TEST_CASE("a toggle that is on is not overwritten by who asks for that") {
  Bench bench;
  const auto set_if_off = [&](const std::string& body) {
    return bench.call("PUT", "/api/v1/toggles/latency", body,
                      {{"Authorization", "Bearer s3cret"}, {"If-None-Match", "*"}});
  };
  CHECK(set_if_off(R"({"delay":"1ms","ttl":"90s"})").status == 200);
  bench.clock.advance(30s);
  const HttpReply refused = set_if_off(R"({"delay":"2ms"})");
  CHECK(refused.status == 412);
  CHECK(json::parse(refused.body).at("detail") == "the toggle \"latency\" is on already, for another 1m");
  CHECK(json::parse(bench.control("GET", "/api/v1/toggles/latency").body).at("delay") == "1ms");
  CHECK(bench.toggle("latency", R"({"delay":"3ms"})").status == 200);
  bench.clock.advance(5min);
  CHECK(set_if_off(R"({"delay":"4ms"})").status == 200);
}

TEST_CASE("health, metrics and control are never faulted") {
  Bench bench;
  REQUIRE(bench.toggle("error-rate", R"({"rate":1})").status == 200);
  REQUIRE(bench.toggle("latency", R"({"delay":"30s","routes":["*"]})").status == 200);
  for (const char* target : {"/healthz", "/readyz", "/metrics"}) CHECK(bench.get(target).status == 200);
  CHECK(bench.control("GET", "/api/v1/toggles").status == 200);
  CHECK(bench.control("DELETE", "/api/v1/toggles").status == 200);
}

TEST_CASE("an error rate holds over HTTP, for each route") {
  Bench bench;
  const double rate = GENERATE(0.001, 0.3);
  CAPTURE(rate);
  REQUIRE(bench.toggle("error-rate", json{{"rate", rate}, {"status", 503}}.dump()).status == 200);
  constexpr int kRequests = 100'000;
  constexpr int kAtOnce = 200;
  RawClient client(bench.service->port());
  std::string burst;
  for (int i = 0; i < kAtOnce / 2; ++i)
    burst +=
        "GET /api/v1/ping HTTP/1.1\r\nHost: test\r\n\r\nGET /api/v1/work?ms=0 HTTP/1.1\r\nHost: test\r\n\r\n";
  std::array<int, 2> failed{};  // of either route
  for (int i = 0; i < kRequests; i += kAtOnce) {
    client.send(burst);
    for (std::size_t k = 0; k < kAtOnce; ++k)
      failed[k % 2] += client.response().starts_with("HTTP/1.1 503 ") ? 1 : 0;
  }
  // Three binomial standard deviations, which the blocks of ExactFraction stay far below.
  const double sigma = std::sqrt(kRequests / 2 * rate * (1 - rate));
  for (const int one : failed) CHECK(std::abs(one - kRequests / 2 * rate) <= 3 * sigma);
  CHECK(bench.metric(requests("/api/v1/ping", "503")) == std::to_string(failed[0]));
  CHECK(bench.metric(requests("/api/v1/work", "503")) == std::to_string(failed[1]));
}

TEST_CASE("a latency delays, and a client that leaves meanwhile is counted as gone") {
  Bench bench;
  REQUIRE(bench.toggle("latency", R"({"delay":"60ms","jitter":"10ms"})").status == 200);
  const HttpReply slow = bench.get("/api/v1/ping");
  CHECK(slow.status == 200);
  CHECK(slow.elapsed >= 50ms);
  CHECK(slow.header("x-fault") == "latency");
  REQUIRE(bench.toggle("latency", R"({"delay":"30s"})").status == 200);
  {
    RawClient impatient(bench.service->port());
    impatient.send("GET /api/v1/ping HTTP/1.1\r\nHost: test\r\n\r\n");
    REQUIRE(bench.becomes("faults_injected_total{fault=\"latency\",route=\"/api/v1/ping\"}", "2"));
  }
  CHECK(bench.becomes(requests("/api/v1/ping", "499"), "1"));
}

TEST_CASE("readiness follows its toggle") {
  Bench bench;
  REQUIRE(bench.toggle("readiness", R"({"dependencies":{"database":false}})").status == 200);
  const HttpReply down = bench.get("/readyz");
  CHECK(down.status == 503);
  CHECK(
      down.body ==
      "{\"status\":\"not "
      "ready\",\"dependencies\":[{\"name\":\"database\",\"up\":false},{\"name\":\"cache\",\"up\":true}]}\n");
  CHECK(bench.metric("app_ready") == "0");
  CHECK(bench.metric("app_dependency_up{dependency=\"database\"}") == "0");
  CHECK(bench.metric("faults_injected_total{fault=\"readiness\",route=\"/readyz\"}") == "1");
  CHECK(bench.get("/healthz").status == 200);
  bench.clock.advance(5min);
  CHECK(bench.get("/readyz").status == 200);
  CHECK(bench.metric("app_ready") == "1");
}

TEST_CASE("a job is given up when its client leaves") {
  Bench bench;
  {
    RawClient client(bench.service->port());
    client.send("GET /api/v1/work?ms=10000 HTTP/1.1\r\nHost: test\r\n\r\n");
    REQUIRE(bench.becomes("work_jobs_inflight", "1"));
    CHECK(bench.metric("work_failures_total") == "0");
  }
  CHECK(bench.becomes("work_jobs_inflight", "0"));
  CHECK(bench.metric("work_failures_total") == "1");
  CHECK(bench.metric(requests("/api/v1/work", "499")) == "1");
}

TEST_CASE("a request keeps its ID, or gets one") {
  Bench bench;
  CHECK(bench.call("GET", "/api/v1/ping", "", {{"X-Request-ID", "mine-1"}}).header("x-request-id") ==
        "mine-1");
  const std::string made(
      bench.call("GET", "/nope", "", {{"X-Request-ID", "not \"sane\""}}).header("x-request-id"));
  CHECK(made.size() == 16);
  CHECK(bench.get("/api/v1/ping").header("x-request-id") != made);
}

TEST_CASE("refused requests are counted too") {
  Bench bench;
  RawClient client(bench.service->port());
  client.send("nonsense\r\n\r\n");
  CHECK(client.until_closed().starts_with("HTTP/1.1 400 Bad Request\r\n"));
  CHECK(bench.metric(requests("other", "400", "other")) == "1");
}

TEST_CASE("a drain shows in /readyz first, then lets jobs finish") {
  Bench bench;
  RawClient client(bench.service->port());
  client.send("GET /api/v1/work?ms=300 HTTP/1.1\r\nHost: test\r\n\r\n");
  REQUIRE(bench.becomes("work_jobs_inflight", "1"));

  SECTION("in time") {
    auto drained = std::async(std::launch::async, [&] { return bench.service->drain(100ms, 5s); });
    const auto deadline = std::chrono::steady_clock::now() + 5s;
    while (bench.get("/readyz").status != 503) REQUIRE(std::chrono::steady_clock::now() < deadline);
    CHECK(json::parse(bench.get("/readyz").body).at("status") == "draining");
    CHECK(bench.get("/api/v1/ping").status == 200);
    CHECK(client.response().starts_with("HTTP/1.1 200 OK\r\n"));
    client.close();
    CHECK(drained.get());
  }
  SECTION("cut off") {
    CHECK_FALSE(bench.service->drain(0ms, 10ms));
    CHECK(client.until_closed() == "");
  }
  SECTION("at once when it is urgent") {
    std::stop_source urgent;
    urgent.request_stop();
    CHECK_FALSE(bench.service->drain(1h, 1h, urgent.get_token()));
  }
}

TEST_CASE("options that contradict each other are refused") {
  SharedClock clock;
  obsctl::core::Logger log(obsctl::core::LogLevel::off);
  ServiceOptions options = quiet_service_options();
  std::string message;
  SECTION("TTLs") {
    options.toggle_ttl = 2h;
    message = "the toggles' default TTL (2h) must be above 0 and at most the longest (1h)";
  }
  SECTION("the sample") {
    options.access_log.sample = 1.5;
    message = "1.5 is not a fraction of the requests";
  }
  SECTION("dependencies") {
    options.dependencies = {"a", "a"};
    message = "the dependencies' names must be different, of letters, digits and ._-";
  }
  SECTION("a route that depends on nothing known") {
    options.calls.depends = {{"/api/v1/work", "queue"}};
    message = "/api/v1/work=queue: there is no such dependency";
  }
  SECTION("a route that nobody knows") {
    options.calls.depends = {{"/healthz", "cache"}};
    message = "/healthz=cache: there is no such route";
  }
  const auto service = SampleService::start(options, clock, log);
  REQUIRE(service.has_error());
  CHECK(service.error().kind == obsctl::core::ErrorKind::invalid_input);
  CHECK(service.error().message == message);
}
