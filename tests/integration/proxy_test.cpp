// The fault proxy in front of programs that know nothing of it: nginx over HTTP, Redis over TCP. Every kind
// of fault as their clients see it.
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <deque>
#include <string>
#include <thread>
#include <vector>

#include <signal.h>

#include "core/file.hpp"
#include "core/process.hpp"
#include "stacks/ports.hpp"
#include "tests/support/nginx.hpp"
#include "tests/support/obsctl_binary.hpp"
#include "tests/support/proxied.hpp"
#include "tests/support/temporary_directory.hpp"

using namespace std::chrono_literals;
using namespace obsctl;
using obsctl::test::RawClient;
using obsctl::tests::has_nginx;
using obsctl::tests::Nginx;
using obsctl::tests::Proxied;
using obsctl::tests::TemporaryDirectory;

namespace {

using SteadyClock = std::chrono::steady_clock;

const std::string kGet = "GET /page HTTP/1.1\r\nHost: h\r\n\r\n";

/// The status of an answer; 0: there is none.
int status_of(const std::string& answer) {
  return answer.size() < 12 ? 0 : std::stoi(answer.substr(9, 3));
}

std::string body_of(const std::string& answer) {
  return answer.substr(answer.find("\r\n\r\n") + 4);
}

/// How many of `count` requests, pipelined on so many connections, end with this status; all others with 200.
int count_of(int status, std::uint16_t port, int count, int connections = 1) {
  constexpr int kAtOnce = 50;
  std::string pipelined;
  for (int i = 0; i < kAtOnce; ++i) pipelined += kGet;
  std::deque<RawClient> clients;
  for (int i = 0; i < connections; ++i) clients.emplace_back(port);
  int hits = 0;
  while (count > 0) {
    std::vector<int> sent;
    for (RawClient& client : clients) {
      sent.push_back(std::min(count, kAtOnce));
      count -= sent.back();
      client.send(std::string_view(pipelined).substr(0, static_cast<std::size_t>(sent.back()) * kGet.size()));
    }
    for (std::size_t i = 0; i < clients.size(); ++i) {
      for (int j = 0; j < sent[i]; ++j) {
        const int got = status_of(clients[i].response());
        if (got != 200 && got != status) FAIL("status " << got);
        if (got == status) ++hits;
      }
    }
  }
  return hits;
}

/// What became of requests on connections of their own.
struct Outcomes {
  int whole = 0;
  int short_of = 0;  ///< the body broke off
  int closed = 0;
  int reset = 0;
};

Outcomes outcomes_of(std::uint16_t port, int count) {
  Outcomes outcomes;
  for (int i = 0; i < count; ++i) {
    RawClient client(port);
    client.send("GET /files/page HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    const std::string answer = client.until_closed();
    if (client.was_reset()) {
      ++outcomes.reset;
    } else if (answer.empty()) {
      ++outcomes.closed;
    } else if (body_of(answer).size() < 1000) {
      ++outcomes.short_of;
    } else {
      ++outcomes.whole;
    }
  }
  return outcomes;
}

struct BeforeNginx {
  Nginx nginx;
  Proxied proxied{"http://127.0.0.1:" + std::to_string(nginx.plain_port())};
};

bool has_redis() {
  if (core::find_program({"redis-server"})) return true;
  const char* ci = std::getenv("CI");
  if (ci != nullptr && std::string_view(ci) == "true") FAIL("redis-server is not installed and CI=true");
  WARN("skipped: redis-server is not installed");
  return false;
}

/// A Redis without persistence on a port of its own, and the proxy before it.
class BeforeRedis {
 public:
  BeforeRedis() : port_(stacks::PortReservation::any().value()) {
    core::ProcessOptions options;
    options.argv = {core::find_program({"redis-server"}).value().string(),
                    "--port",
                    std::to_string(port_.port()),
                    "--bind",
                    "127.0.0.1",
                    "--save",
                    "",
                    "--appendonly",
                    "no",
                    "--dir",
                    folder_.path().string()};
    options.log_file = folder_ / "log";
    process_ = core::ChildProcess::start(options).value();
    const auto deadline = SteadyClock::now() + 10s;
    while (!RawClient(port_.port()).connected()) {
      REQUIRE(SteadyClock::now() < deadline);
      std::this_thread::sleep_for(10ms);
    }
    proxied_.emplace("tcp://127.0.0.1:" + std::to_string(port_.port()));
  }
  Proxied& proxied() { return *proxied_; }

 private:
  TemporaryDirectory folder_;
  stacks::PortReservation port_;
  std::optional<core::ChildProcess> process_;
  std::optional<Proxied> proxied_;
};

std::string ask_redis(RawClient& client, const std::string& command,
                      std::chrono::milliseconds patience = 5s) {
  client.send(command + "\r\n");
  return client.until("\r\n", patience);
}

}  // namespace

TEST_CASE("before nginx, without a toggle, every byte is nginx' own") {
  if (!has_nginx()) return;
  BeforeNginx before;
  std::string large(3'000'000, 'x');
  for (std::size_t i = 0; i < large.size(); ++i) large[i] = static_cast<char>('a' + i * i % 23);
  before.nginx.put_file("large", large);
  RawClient client(before.proxied.port());
  // nginx closes after every tenth request; the client does not notice.
  for (int i = 0; i < 35; ++i) {
    client.send("GET /files/large HTTP/1.1\r\nHost: h\r\n\r\n");
    const std::string answer = client.response();
    REQUIRE(status_of(answer) == 200);
    REQUIRE(body_of(answer) == large);
  }
  CHECK(before.proxied.metric("proxy_connections_total") == 1);
  CHECK(before.proxied.metric("proxy_upstream_connections_total") == 4);
  CHECK(count_of(0, before.proxied.port(), 1000) == 0);
}

TEST_CASE("before nginx, a fraction of 10^5 requests is that fraction") {
  if (!has_nginx()) return;
  constexpr int kRequests = 100'000;
  constexpr int kConnections = 8;
  BeforeNginx before;
  int injected = 0;
  for (const double fraction : {0.001, 0.01, 0.1, 0.3, 0.5, 0.9, 0.999, 1.0}) {
    before.proxied.set("error-rate",
                       fmt::format(R"({{"rate":{},"status":503,"routes":["/pa*"]}})", fraction));
    const int hits = count_of(503, before.proxied.port(), kRequests, kConnections);
    INFO("fraction " << fraction << ", hits " << hits);
    const double sigma = std::sqrt(kRequests * fraction * (1 - fraction));
    CHECK(std::abs(hits - kRequests * fraction) <= 3 * sigma);
    // Blocks keep it closer than chance does: to what an unfinished block can be off.
    CHECK(std::abs(hits - kRequests * fraction) <= 16);
    injected += hits;
    CHECK(before.proxied.metric("proxy_faults_injected_total{fault=\"error-rate\"}") == injected);
  }
  // Not these paths: nothing.
  before.proxied.set("error-rate", R"({"rate":1,"status":503,"routes":["/other/*","/PAGE"]})");
  CHECK(count_of(503, before.proxied.port(), 100) == 0);
}

TEST_CASE("before nginx, abort, reset and truncate are what a client sees") {
  if (!has_nginx()) return;
  constexpr int kRequests = 512;
  constexpr int kQuarter = kRequests / 4;  // exact: blocks have 128 requests
  BeforeNginx before;
  before.nginx.put_file("page", std::string(1000, 'x'));
  before.proxied.set("abort", R"({"rate":0.25})");
  CHECK(outcomes_of(before.proxied.port(), kRequests).closed == kQuarter);
  before.proxied.clear_all();
  before.proxied.set("reset", R"({"rate":0.25})");
  CHECK(outcomes_of(before.proxied.port(), kRequests).reset == kQuarter);
  before.proxied.clear_all();
  before.proxied.set("truncate", R"({"rate":0.25,"after_bytes":500})");
  CHECK(outcomes_of(before.proxied.port(), kRequests).short_of == kQuarter);
  before.proxied.clear_all();
  CHECK(outcomes_of(before.proxied.port(), 100).whole == 100);
}

TEST_CASE("before nginx, latency and bandwidth take the time they should") {
  if (!has_nginx()) return;
  BeforeNginx before;
  before.nginx.put_file("slow", std::string(100'000, 'x'));
  RawClient client(before.proxied.port());
  const auto time_of = [&](const std::string& path) {
    const auto begun = SteadyClock::now();
    client.send("GET " + path + " HTTP/1.1\r\nHost: h\r\n\r\n");
    CHECK(status_of(client.response()) == 200);
    return core::to_seconds(SteadyClock::now() - begun);
  };
  before.proxied.set("latency", R"({"delay":"60ms","jitter":"40ms"})");
  double shortest = 1;
  double longest = 0;
  for (int i = 0; i < 30; ++i) {
    const double took = time_of("/page");
    shortest = std::min(shortest, took);
    longest = std::max(longest, took);
  }
  CHECK(shortest >= 0.020);
  CHECK(longest >= 0.070);
  before.proxied.clear_all();
  before.proxied.set("bandwidth", R"({"bytes_per_second":200000})");
  // 100,000 bytes, one portion of 20 ms of them at once.
  const double took = time_of("/files/slow");
  CHECK(took >= 0.475);
  CHECK(took < 1.5);
}

TEST_CASE("before nginx, hang and blackhole hold their share of the requests back until the TTL is over") {
  if (!has_nginx()) return;
  const std::string toggle = GENERATE("hang", "blackhole");
  constexpr int kConnections = 128;
  BeforeNginx before;
  std::vector<std::unique_ptr<RawClient>> clients;
  before.proxied.set(toggle, R"({"rate":0.25,"ttl":"700ms"})");
  for (int i = 0; i < kConnections; ++i) {
    clients.push_back(std::make_unique<RawClient>(before.proxied.port()));
    clients.back()->send(kGet);
  }
  while (before.proxied.metric("proxy_requests_total{code=\"200\"}") < kConnections * 3 / 4)
    std::this_thread::sleep_for(5ms);
  CHECK(before.proxied.metric("proxy_faults_injected_total{fault=\"" + toggle + "\"}") == kConnections / 4);
  for (auto& client : clients) CHECK(status_of(client->response()) == 200);
  CHECK(before.proxied.metric("proxy_requests_total{code=\"200\"}") == kConnections);
  CHECK(count_of(0, before.proxied.port(), 100) == 0);
}

TEST_CASE("a toggle is over when its TTL is, and a service that is down is no fault") {
  if (!has_nginx()) return;
  BeforeNginx before;
  before.proxied.set("error-rate", R"({"rate":1,"status":503,"ttl":"300ms"})");
  CHECK(count_of(503, before.proxied.port(), 10) == 10);
  std::this_thread::sleep_for(350ms);
  CHECK(count_of(503, before.proxied.port(), 10) == 0);
  before.nginx.stop();
  CHECK(count_of(502, before.proxied.port(), 5) == 5);
  CHECK(status_of(before.proxied.call("GET", "/readyz")) == 503);
  CHECK(before.proxied.metric("proxy_upstream_errors_total{reason=\"connect\"}") == 5);
  CHECK(before.proxied.metric("proxy_faults_injected_total{fault=\"error-rate\"}") == 10);
  before.nginx.start();
  CHECK(count_of(502, before.proxied.port(), 5) == 0);
  CHECK(status_of(before.proxied.call("GET", "/readyz")) == 200);
}

TEST_CASE("before Redis, connections pass, and break as they are told") {
  if (!has_redis()) return;
  BeforeRedis before;
  Proxied& proxied = before.proxied();
  RawClient client(proxied.port());
  CHECK(ask_redis(client, "SET key value") == "+OK\r\n");
  CHECK(ask_redis(client, "GET key") == "$5\r\n");
  CHECK(client.until("\r\n") == "value\r\n");
  SECTION("latency, on the connection that is open") {
    proxied.set("latency", R"({"delay":"80ms"})");
    const auto begun = SteadyClock::now();
    CHECK(ask_redis(client, "PING") == "+PONG\r\n");
    CHECK(SteadyClock::now() - begun >= 80ms);
  }
  SECTION("hang, then nothing is lost") {
    proxied.set("hang", R"({"ttl":"200ms"})");
    CHECK(ask_redis(client, "PING", 50ms) == "");
    CHECK(client.until("\r\n") == "+PONG\r\n");
  }
  SECTION("reset") {
    proxied.set("reset", "{}");
    CHECK(client.until_closed() == "");
    CHECK(client.was_reset());
    RawClient next(proxied.port());
    CHECK(next.until_closed() == "");
    proxied.clear_all();
    RawClient last(proxied.port());
    CHECK(ask_redis(last, "PING") == "+PONG\r\n");
  }
  SECTION("truncate") {
    proxied.set("truncate", R"({"after_bytes":3})");
    CHECK(ask_redis(client, "PING") == "+PO");
  }
  SECTION("a quarter of the connections") {
    proxied.set("abort", R"({"rate":0.25})");
    int answered = 0;
    // The connection that was open has been drawn first: with these 127 it is a whole block.
    const bool first = ask_redis(client, "PING") == "+PONG\r\n";
    for (int i = 1; i < 128; ++i) {
      RawClient one(proxied.port());
      if (ask_redis(one, "PING") == "+PONG\r\n") ++answered;
    }
    CHECK(answered + (first ? 1 : 0) == 96);
  }
}

TEST_CASE("obsctl serve proxy proxies until SIGTERM and then ends with 0") {
  if (!has_nginx()) return;
  const Nginx nginx;
  const TemporaryDirectory folder;
  const auto listen = stacks::PortReservation::any().value();
  const auto admin = stacks::PortReservation::any().value();
  core::ProcessOptions options;
  options.argv = {tests::obsctl_binary().string(),
                  "serve",
                  "proxy",
                  "--listen",
                  fmt::format("127.0.0.1:{}", listen.port()),
                  "--admin",
                  fmt::format("127.0.0.1:{}", admin.port()),
                  "--to",
                  "http://127.0.0.1:" + std::to_string(nginx.plain_port())};
  options.log_file = folder / "log";
  auto proxy = core::ChildProcess::start(options).value();
  const auto deadline = SteadyClock::now() + 10s;
  while (!RawClient(listen.port()).connected()) {
    INFO(core::tail_of_file(folder / "log", 20));
    REQUIRE(SteadyClock::now() < deadline);
    std::this_thread::sleep_for(10ms);
  }
  RawClient client(listen.port());
  client.send(kGet);
  CHECK(status_of(client.response()) == 200);
  const auto ended = proxy.stop(10s);
  INFO(core::tail_of_file(folder / "log", 20));
  CHECK(ended.ok());
  CHECK(client.until_closed() == "");
}
