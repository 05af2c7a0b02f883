// The engine against real sockets: what is sent, what is recorded, and that the counts add up, whatever the
// server does.
#include "loadgen/load_run.hpp"

#include <mutex>
#include <set>
#include <thread>
#include <vector>

#include <nlohmann/json.hpp>

#include "tests/support/catch.hpp"
#include "tests/unit/loadgen/run_to_end.hpp"
#include "tests/unit/loadgen/scripted_server.hpp"

using namespace std::chrono_literals;
using namespace obsctl::loadgen;

TEST_CASE("a constant rate is sent completely and measured") {
  ScriptedServer server([](const std::string&, int) { return kPong; });
  LoadPlan plan = plan_for(server.url("/ping?x=1"), 200, 500ms);
  plan.threads = GENERATE(1, 3);
  const Summary summary = run_to_end(std::move(plan));
  CHECK(summary.counts.scheduled == 100);
  CHECK(summary.counts.ok == 100);
  CHECK(server.requests() == 100);
  CHECK(summary.statuses.at(200) == 100);
  CHECK(summary.response_time.count() == 100);
  CHECK(summary.response_time.quantile(0.5) >= summary.service_time.quantile(0.5));
  CHECK(summary.elapsed == 500ms);
  CHECK(server.seen().front().substr(0, 24) == "GET /ping?x=1 HTTP/1.1\r\n");
}

TEST_CASE("connections are kept and reused") {
  ScriptedServer server([](const std::string&, int) { return kPong; });
  LoadPlan plan = plan_for(server.url(), 100, 300ms);
  plan.max_connections = 1;
  CHECK(run_to_end(std::move(plan)).counts.ok == 30);
  CHECK(server.connections() == 1);
}

TEST_CASE("each way to fail is counted as what it is") {
  const auto [answer, ending, failure] = GENERATE(table<std::string, std::string, std::string>({
      {"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n", "http_error", ""},
      {"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n", "http_error", ""},
      {"\x01"
       "close",
       "connection_error", "closed without an answer"},
      {"\x01"
       "reset",
       "connection_error", "connection reset"},
      {"HTTP/1.1 200 OK\r\nContent-Le\x01"
       "close",
       "connection_error", "closed in the middle of an answer"},
      {"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nshort\x01"
       "close",
       "connection_error", "closed in the middle of an answer"},
      {"garbage\r\n\r\n", "connection_error", "not an HTTP/1 answer"},
      {"", "timeout", "request timed out"},
  }));
  CAPTURE(ending, failure);
  ScriptedServer server([answer = answer](const std::string&, int) { return answer; });
  LoadPlan plan = plan_for(server.url(), 50, 200ms);
  plan.request_timeout = 150ms;
  const Summary summary = run_to_end(std::move(plan));
  const nlohmann::json counts = summary.counts;
  CHECK(counts.at("sent") == 10);
  CHECK(counts.at(ending) == 10);
  CHECK(summary.counts.error_ratio() == 1.0);
  if (!failure.empty()) {
    CHECK(summary.failures == std::map<std::string, std::int64_t>{{failure, 10}});
  }
  if (ending == "timeout") CHECK(summary.response_time.quantile(0.01) >= 150ms);
}

TEST_CASE("a target that refuses is a sample, not an error") {
  std::string url;
  {
    ScriptedServer gone([](const std::string&, int) { return kPong; });
    url = gone.url();
  }
  const Summary summary = run_to_end(plan_for(url, 100, 200ms));
  CHECK(summary.counts.connection_error == 20);
  CHECK(summary.failures.at("connection refused") == 20);
}

TEST_CASE("an arrival without a free connection waits, is dropped or is shed") {
  ScriptedServer server([](const std::string&, int number) {
    if (number == 0) std::this_thread::sleep_for(300ms);
    return kPong;
  });
  LoadPlan plan = plan_for(server.url(), 100, 500ms);
  plan.max_connections = 1;
  SECTION("queued: its response time tells of the wait") {
    const Summary summary = run_to_end(std::move(plan));
    CHECK(summary.counts.ok == 50);
    CHECK(summary.response_time.quantile(0.5) > 50ms);
    CHECK(summary.service_time.quantile(0.5) < 50ms);
    CHECK(summary.pool_wait.max() > 200ms);
    CHECK(summary.schedule_lag.quantile(0.5) < 50ms);
  }
  SECTION("dropped") {
    plan.overload = Overload::drop;
    const Summary summary = run_to_end(std::move(plan));
    CHECK(summary.counts.dropped >= 25);
    CHECK(summary.counts.sent + summary.counts.dropped == 50);
  }
  SECTION("shed after 100 ms") {
    plan.overload = Overload::shed_after;
    plan.shed_after = 100ms;
    const Summary summary = run_to_end(std::move(plan));
    CHECK(summary.counts.shed >= 15);
    CHECK(summary.counts.sent + summary.counts.shed == 50);
    CHECK(summary.pool_wait.max() < 200ms);
  }
}

TEST_CASE("what was due and never sent is counted as such") {
  ScriptedServer server([](const std::string&, int) {
    std::this_thread::sleep_for(400ms);
    return kPong;
  });
  LoadPlan plan = plan_for(server.url(), 100, 200ms);
  plan.max_connections = 1;
  const Summary summary = run_to_end(std::move(plan));
  CHECK(summary.counts.scheduled == 20);
  CHECK(summary.counts.sent == 1);
  CHECK(summary.counts.unsent_at_end == 19);
}

TEST_CASE("a stall is seen by everyone who arrived during it: the truth test in small") {
  // 500/s for 2 s, and the target stands still for 500 ms: a quarter of all arrivals wait, evenly from 500 ms
  // down to 0. The server stamps each answer, so the truth is known on a slow machine too.
  std::atomic<std::int64_t> stalled_until{0};
  std::mutex mutex;
  std::vector<std::pair<std::int64_t, obsctl::core::SteadyTime>> answered;
  ScriptedServer server([&](const std::string& request, int number) {
    const auto now = std::chrono::steady_clock::now().time_since_epoch();
    if (number == 200) stalled_until = (now + 500ms).count();
    while (std::chrono::steady_clock::now().time_since_epoch().count() < stalled_until)
      std::this_thread::sleep_for(1ms);
    const std::lock_guard lock(mutex);
    answered.emplace_back(std::stoll(request.substr(5)), std::chrono::steady_clock::now());
    return kPong;
  });
  obsctl::core::Logger log(obsctl::core::LogLevel::off);
  auto run = LoadRun::start(plan_for(server.url("/{{i}}"), 500, 2s), log);
  REQUIRE(run);
  (*run)->wait(std::chrono::steady_clock::now() + 30s, {});
  const Summary summary = (*run)->stop();
  CHECK(summary.counts.ok == 1000);
  Histogram truth;
  for (const auto& [index, at] : answered) truth.record(at - (*run)->started_at() - index * 2ms);
  CHECK(truth.quantile(0.9) > 250ms);
  for (const double q : {0.5, 0.9, 0.99}) {
    CAPTURE(q);
    const double seconds = obsctl::core::to_seconds(truth.quantile(q));
    CHECK(obsctl::core::to_seconds(summary.response_time.quantile(q)) == Approx(seconds).margin(0.03));
  }
}

TEST_CASE("phases divide requests by when they were due") {
  std::atomic<bool> broken{false};
  ScriptedServer server([&](const std::string&, int) {
    return broken ? std::string("HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n") : kPong;
  });
  LoadPlan plan = plan_for(server.url(), 200, 0s);
  plan.first_phase = "before-fault";
  obsctl::core::Logger log(obsctl::core::LogLevel::off);
  auto run = LoadRun::start(std::move(plan), log);
  REQUIRE(run);
  std::this_thread::sleep_for(300ms);
  broken = true;
  (*run)->begin_phase("during-fault");
  std::this_thread::sleep_for(300ms);
  const Statistics during = (*run)->phase("during-fault");
  CHECK(during.counts.completed() >= 30);
  // The server breaks when the phase begins, so what a busy machine sends late meets the other one's server.
  CHECK(during.error_ratio() > 0.8);
  CHECK((*run)->phase("before-fault").error_ratio() < 0.2);
  CHECK((*run)->phase("no such").counts.scheduled == 0);
  broken = false;
  (*run)->begin_phase("after-fault");
  std::this_thread::sleep_for(200ms);
  const Summary summary = (*run)->stop();
  REQUIRE(summary.phases.size() == 3);
  CHECK(summary.phases[2].statistics.counts.ok >= 20);
  std::int64_t scheduled = 0;
  for (const PhaseSummary& phase : summary.phases) scheduled += phase.statistics.counts.scheduled;
  CHECK(scheduled == summary.counts.scheduled);
  CHECK(summary.stopped_early);
  CHECK(summary.broken_invariant == "");
}

TEST_CASE("a part of a phase counts for the whole of it, and alone by its own name") {
  ScriptedServer server([](const std::string&, int) { return kPong; });
  LoadPlan plan = plan_for(server.url(), 200, 0s);
  plan.first_phase = "before-fault";
  obsctl::core::Logger log(obsctl::core::LogLevel::off);
  auto run = LoadRun::start(std::move(plan), log);
  REQUIRE(run);
  for (const char* phase : {"during-fault/one", "clearing", "during-fault/two"}) {
    (*run)->begin_phase(phase);
    std::this_thread::sleep_for(200ms);
  }
  const Summary summary = (*run)->stop();
  const auto scheduled = [&](const char* phase) { return (*run)->phase(phase).counts.scheduled; };
  CHECK(scheduled("during-fault/one") >= 20);
  CHECK(scheduled("during-fault/two") >= 20);
  CHECK(scheduled("during-fault") == scheduled("during-fault/one") + scheduled("during-fault/two"));
  CHECK(scheduled("during") == 0);
  std::vector<std::string> names;
  std::int64_t sum = 0;
  for (const PhaseSummary& phase : summary.phases) {
    names.push_back(phase.name);
    sum += phase.statistics.counts.scheduled;
  }
  CHECK(names == std::vector<std::string>{"before-fault", "during-fault", "clearing"});
  CHECK(sum == summary.counts.scheduled);
}

TEST_CASE("warm-up is sent but not counted") {
  ScriptedServer server([](const std::string&, int) { return kPong; });
  LoadPlan plan = plan_for(server.url(), 100, 300ms);
  plan.warm_up = 200ms;
  const Summary summary = run_to_end(std::move(plan));
  CHECK(server.requests() == 50);
  CHECK(summary.counts.scheduled == 30);
  CHECK(summary.statuses.at(200) == 30);
  CHECK(summary.phases.front().name == "warm-up");
}

TEST_CASE("a closed loop keeps its concurrency and its number of requests") {
  ScriptedServer server([](const std::string&, int) { return kPong; });
  LoadPlan plan = plan_for(server.url(), 0, 10s);
  plan.arrivals = Arrivals{};
  plan.arrivals.concurrency = 4;
  plan.max_requests = 501;
  plan.threads = GENERATE(1, 2);
  const Summary summary = run_to_end(std::move(plan));
  CHECK(summary.counts.ok == 501);
  CHECK(server.connections() == 4);
  CHECK(summary.closed_loop);
}

TEST_CASE("a mix is sent by weight, with placeholders filled in, and reported by endpoint") {
  ScriptedServer server([](const std::string&, int) { return kPong; });
  LoadPlan plan = plan_for(server.url(), 400, 500ms);
  plan.mix = {{.name = "often", .path = "/a?i={{i}}", .weight = 3},
              {.name = "seldom",
               .method = "POST",
               .path = "/b",
               .headers = {{"X-User", "{{user}}"}},
               .body = "id={{i}}"}};
  Feeder feeder;
  feeder.columns = {"user"};
  feeder.rows = {{"ann"}, {"bob"}};
  plan.feeder = feeder;
  const Summary summary = run_to_end(std::move(plan));
  REQUIRE(summary.endpoints.size() == 2);
  CHECK(summary.endpoints[0].counts.ok + summary.endpoints[1].counts.ok == 200);
  CHECK(summary.endpoints[0].counts.ok > 2 * summary.endpoints[1].counts.ok);
  std::set<std::string> paths;
  for (const std::string& request : server.seen()) {
    if (request.substr(0, 4) == "GET ") paths.insert(request.substr(0, request.find('\r')));
    if (request.substr(0, 4) != "POST") continue;
    const bool user = request.find("X-User: ann\r\n") != std::string::npos ||
                      request.find("X-User: bob\r\n") != std::string::npos;
    CHECK(user);
    const std::size_t length_at = request.find("Content-Length: ") + 16;
    const auto body = request.substr(request.find("\r\n\r\n") + 4);
    CHECK(std::stoul(request.substr(length_at)) == body.size());
    CHECK(body.substr(0, 3) == "id=");
  }
  CHECK(static_cast<std::int64_t>(paths.size()) == summary.endpoints[0].counts.ok);
}

TEST_CASE("checks tell a wrong answer from a right one") {
  ScriptedServer server([](const std::string&, int) {
    return "HTTP/1.1 200 OK\r\nX-Kind: good one\r\nContent-Length: "
           "25\r\n\r\n{\"a\":{\"b\":[1,\"x\"]},\"c\":2}" +
           std::string();
  });
  Checks checks;
  std::string why;
  SECTION("all right") {
    checks.statuses = {200};
    checks.headers = {{"x-kind", "good"}};
    checks.body_contains = {"\"b\""};
    checks.json = {{"/a/b/1", "x"}, {"/a/b", std::nullopt}};
    checks.min_body = 25;
  }
  SECTION("status") {
    checks.statuses = {201};
    why = "http_error";
  }
  SECTION("header") {
    checks.headers = {{"X-Kind", "bad"}};
    why = "check: header";
  }
  SECTION("body") {
    checks.body_contains = {"zzz"};
    why = "check: body";
  }
  SECTION("json") {
    checks.json = {{"/c", "3"}};
    why = "check: json";
  }
  SECTION("size") {
    checks.max_body = 10;
    why = "check: size";
  }
  SECTION("time") {
    checks.max_service_time = 1ns;
    why = "check: time";
  }
  LoadPlan plan = plan_for(server.url(), 100, 100ms);
  plan.mix = {{.checks = checks}};
  const Summary summary = run_to_end(std::move(plan));
  CHECK(summary.counts.ok == (why.empty() ? 10 : 0));
  if (why == "http_error") {
    CHECK(summary.counts.http_error == 10);
  } else if (!why.empty()) {
    CHECK(summary.counts.check_failed == 10);
    CHECK(summary.failures.at(why) == 10);
  }
}

TEST_CASE("a generator that cannot keep its rate says so") {
  ScriptedServer server([](const std::string&, int) { return kPong; });
  LoadPlan plan = plan_for(server.url(), 2000, 500ms);
  plan.lag_limit = 1ns;
  const Summary summary = run_to_end(std::move(plan));
  CHECK(summary.generator_limited.limited);
  CHECK(summary.generator_limited.reason.substr(0, 48) == "the generator ran late: its p99 schedule lag is ");
}

TEST_CASE("the summary survives JSON") {
  ScriptedServer server([](const std::string&, int) { return kPong; });
  const Summary summary = run_to_end(plan_for(server.url(), 100, 300ms));
  const nlohmann::json json = summary;
  for (const char* key : {"counts", "rate", "response_time", "service_time", "schedule_lag", "pool_wait",
                          "windows", "endpoints"}) {
    CHECK(json.contains(key));
  }
  CHECK(json["response_time"].contains("p999_ns"));
  const auto back = summary_from_json(json);
  REQUIRE(back);
  CHECK(nlohmann::json(*back) == json);
  for (const auto& [pointer, value] : std::initializer_list<std::pair<const char*, nlohmann::json>>{
           {"/elapsed_s", 9.2e9}, {"/counts/sent", std::int64_t{1} << 60}, {"/windows/0/counts/ok", -1}}) {
    nlohmann::json absurd = json;
    absurd[nlohmann::json::json_pointer(pointer)] = value;
    const auto refused = summary_from_json(absurd);
    REQUIRE(!refused);
    CHECK(refused.error().message == "not a result of obsctl load run: a number in it is out of bounds");
  }
  nlohmann::json broken = json;
  broken.erase("counts");
  const auto refused = summary_from_json(broken);
  REQUIRE(!refused);
  CHECK(refused.error().message.find("key 'counts' not found") != std::string::npos);
}

TEST_CASE("a plan that cannot be is refused before anything is sent") {
  obsctl::core::Logger log(obsctl::core::LogLevel::off);
  LoadPlan plan = plan_for("http://127.0.0.1:1/", 10, 1s);
  std::string message;
  SECTION("placeholder") {
    plan.mix = {{.path = "/{{nmae}}"}};
    message = "\"{{nmae}}\" is not a placeholder";
  }
  SECTION("elsewhere") {
    plan.mix = {{.path = "http://example.invalid/x"}};
    message =
        "the request \"http://example.invalid/x\" goes to http://example.invalid:80, but one run loads one "
        "target, "
        "http://127.0.0.1:1";
  }
  SECTION("header") {
    plan.headers = {{"a", "b\r\nc"}};
    message = "the request \"/\" has the header \"a\", which is not HTTP";
  }
  SECTION("pointer") {
    Checks checks;
    checks.json = {{"a", std::nullopt}};
    plan.mix = {{.checks = checks}};
    message = "\"a\" is not a JSON pointer";
  }
  const auto run = LoadRun::start(std::move(plan), log);
  REQUIRE(!run);
  CHECK(run.error().message == message);
}
