// Runs at their limits: every kind of schedule and pacing, requests in flight, timeouts of every kind,
// connections that go stale.
#include "tests/unit/loadgen/run_to_end.hpp"
#include "tests/unit/loadgen/scripted_server.hpp"

using namespace std::chrono_literals;
using namespace obsctl::loadgen;
using obsctl::core::Rate;

namespace {

std::string pong(const std::string&, int) {
  return kPong;
}

/// A listener that never accepts: its queue takes two connections, then the kernel drops what comes.
class DeafListener {
 public:
  DeafListener() : fd_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address);
    listen(fd_, 0);
    socklen_t length = sizeof address;
    getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &length);
    url_ = "http://127.0.0.1:" + std::to_string(ntohs(address.sin_port)) + "/";
  }
  ~DeafListener() { close(fd_); }
  DeafListener(const DeafListener&) = delete;
  DeafListener& operator=(const DeafListener&) = delete;
  const std::string& url() const { return url_; }

 private:
  int fd_;
  std::string url_;
};

}  // namespace

TEST_CASE(
    "every kind of schedule is sent to the last arrival, in every pacing mode, on one thread or three") {
  ScriptedServer server(pong);
  LoadPlan plan = plan_for(server.url(), 200, 0s);
  plan.pacing = GENERATE(Pacing::timer, Pacing::precise, Pacing::coalesce);
  plan.threads = GENERATE(1, 3);
  std::int64_t expected = 0;
  SECTION("ramps and steps end the run by themselves") {
    plan.arrivals.rate = Rate{0, 1s};
    plan.arrivals.stages = {{Rate{400, 1s}, 250ms, false}, {Rate{200, 1s}, 250ms, true}};
    expected = 100;  // 50 on the ramp, 50 on the step
  }
  SECTION("a sine over whole periods has its mean") {
    plan.arrivals.sine_amplitude = Rate{150, 1s};
    plan.arrivals.sine_period = 250ms;
    plan.duration = 500ms;
    expected = 100;
  }
  SECTION("Poisson sends what the seed says") {
    plan.arrivals.poisson = true;
    plan.duration = 500ms;
    plan.seed = 7;
    const auto schedule = Schedule::compile(plan.arrivals);
    REQUIRE(schedule);
    expected = ArrivalCursor(*schedule, 7, 0, 1).count_before(500ms);
    CHECK(expected > 60);
    CHECK(expected < 140);
  }
  SECTION("a number of requests") {
    plan.max_requests = 77;
    expected = 77;
  }
  const Summary summary = run_to_end(std::move(plan));
  CHECK(summary.counts.scheduled == expected);
  CHECK(summary.counts.ok == expected);
  CHECK(server.requests() == expected);
}

TEST_CASE("never more requests are in flight than allowed") {
  std::atomic<int> now{0};
  std::atomic<int> most{0};
  ScriptedServer server([&](const std::string&, int) {
    const int mine = ++now;
    int seen = most;
    while (mine > seen && !most.compare_exchange_weak(seen, mine)) {
    }
    std::this_thread::sleep_for(20ms);
    --now;
    return kPong;
  });
  LoadPlan plan = plan_for(server.url(), 400, 300ms);
  SECTION("by --max-in-flight") {
    plan.max_in_flight = 3;
  }
  SECTION("by --max-connections") {
    plan.max_connections = 3;
  }
  const Summary summary = run_to_end(std::move(plan));
  CHECK(most == 3);
  CHECK(summary.counts.ok + summary.counts.unsent_at_end == 120);
  CHECK(summary.pool_wait.max() > 50ms);
}

TEST_CASE("a connection that is not made in time is a timeout, and so is a handshake") {
  LoadPlan plan = plan_for("http://127.0.0.1:1", 20, 500ms);
  plan.connect_timeout = 200ms;
  plan.initial_connections = 0;
  SECTION("TCP") {
    const DeafListener deaf;
    plan.target = *obsctl::core::parse_url(deaf.url());
    plan.request_timeout = 200ms;
    const Summary summary = run_to_end(std::move(plan));
    CHECK(summary.counts.timeout == 10);
    CHECK(summary.failures.at("connect timed out") >= 5);
    CHECK(summary.response_time.quantile(0) >= 199ms);
  }
  SECTION("TLS, against a server that listens and says nothing") {
    ScriptedServer silent([](const std::string&, int) { return std::string(); });
    std::string url = silent.url();
    plan.target = *obsctl::core::parse_url(url.replace(0, 4, "https"));
    const Summary summary = run_to_end(std::move(plan));
    CHECK(summary.counts.timeout == 10);
    CHECK(summary.failures == std::map<std::string, std::int64_t>{{"connect timed out", 10}});
  }
}

TEST_CASE("without keep-alive every request has its own connection and says so") {
  ScriptedServer server(pong);
  LoadPlan plan = plan_for(server.url(), 100, 200ms);
  plan.keep_alive = false;
  plan.initial_connections = 0;
  CHECK(run_to_end(std::move(plan)).counts.ok == 20);
  CHECK(server.connections() == 20);
  CHECK(server.seen().front().find("\r\nConnection: close\r\n") != std::string::npos);
}

TEST_CASE("a kept connection that the server closed for being idle costs no request") {
  // The server closes after each answer without a word; at 1.5/s the connection has been idle for long when
  // it is used again, so the close is seen, or met by the request, which then goes out once more.
  ScriptedServer server([](const std::string&, int) {
    return kPong +
           "\x01"
           "close";
  });
  LoadPlan plan = plan_for(server.url(), 0, 2s);
  plan.arrivals = Arrivals::constant(Rate{3, 2s});
  plan.max_connections = 1;
  const Summary summary = run_to_end(std::move(plan));
  CHECK(summary.counts.ok == 3);
  CHECK(server.connections() == 3);
}

TEST_CASE("warm-up and a number of requests: the number is of the measured part") {
  ScriptedServer server(pong);
  LoadPlan plan = plan_for(server.url(), 100, 0s);
  plan.warm_up = 100ms;
  plan.max_requests = 15;
  const Summary summary = run_to_end(std::move(plan));
  CHECK(summary.counts.ok == 15);
  CHECK(server.requests() == 25);
}

TEST_CASE("a request's timeout runs from when it was sent, not from when it was due") {
  ScriptedServer server([](const std::string&, int) {
    std::this_thread::sleep_for(60ms);
    return kPong;
  });
  LoadPlan plan = plan_for(server.url(), 50, 300ms);
  plan.max_connections = 1;
  plan.request_timeout = 500ms;  // in time for each, though the last is due 600 ms before its turn
  const Summary summary = run_to_end(std::move(plan));
  CHECK(summary.counts.timeout == 0);
  CHECK(summary.counts.ok == summary.counts.sent);
}
