// What the fault proxy's toggles do, over HTTP and over TCP, seen from both its sides.
#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/proxied.hpp"

using namespace std::chrono_literals;
using namespace obsctl;
using obsctl::test::RawClient;
using obsctl::test::RawListener;
using obsctl::tests::Proxied;

namespace {

using SteadyClock = std::chrono::steady_clock;

const std::string kGet = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n";
const std::string kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";

struct Http {
  RawListener upstream;
  Proxied proxied{fmt::format("http://127.0.0.1:{}", upstream.port())};
  RawClient client{proxied.port()};
};

struct Tcp {
  RawListener upstream;
  Proxied proxied{fmt::format("tcp://127.0.0.1:{}", upstream.port())};
};

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("the proxy's toggles want their token") {
  Http http;
  CHECK(has(http.proxied.call("GET", "/api/v1/toggles", "", "wrong"), "401 Unauthorized"));
  CHECK(has(http.proxied.call("GET", "/api/v1/toggles"), "\"name\":\"blackhole\",\"active\":false"));
  CHECK(has(http.proxied.call("GET", "/elsewhere"), "404 Not Found"));
  CHECK(has(http.proxied.call("POST", "/metrics"), "405 Method Not Allowed"));
}

TEST_CASE("guessing the proxy's token is slow") {
  Http http;
  for (int i = 0; i < 10; ++i)
    REQUIRE(has(http.proxied.call("GET", "/api/v1/toggles", "", "wrong"), "401 Unauthorized"));
  // A guess comes back every second, and that much may have passed.
  http.proxied.call("GET", "/api/v1/toggles", "", "wrong");
  const std::string answer = http.proxied.call("GET", "/api/v1/toggles", "", "wrong");
  CHECK(has(answer, "HTTP/1.1 429 Too Many Requests\r\n"));
  CHECK(has(answer, "Retry-After: 1\r\n"));
  CHECK(has(http.proxied.call("GET", "/healthz"), "200 OK"));
}

TEST_CASE("error-rate answers without asking the upstream") {
  Http http;
  http.proxied.set("error-rate", R"({"rate":1,"status":503,"routes":["/a*"]})");
  // The request's body is read all the same, so that the connection stays.
  http.client.send("POST /a?b HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\n12");
  const std::string answer = http.client.response();
  CHECK(has(answer, "HTTP/1.1 503 Service Unavailable\r\n"));
  CHECK(has(answer, "X-Fault: error-rate\r\n"));
  CHECK(has(answer, "this error was injected by the proxy's toggle error-rate"));
  CHECK(!http.upstream.is_called(20ms));
  http.client.send("34GET /b HTTP/1.1\r\nHost: h\r\n\r\n");
  RawClient service = http.upstream.accept();
  CHECK(service.until("\r\n\r\n") == "GET /b HTTP/1.1\r\nHost: h\r\n\r\n");
  service.send(kOk);
  CHECK(http.client.response() == kOk);
  CHECK(http.proxied.metric("proxy_faults_injected_total{fault=\"error-rate\"}") == 1);
  CHECK(http.proxied.metric("proxy_requests_total{code=\"503\"}") == 1);
}

TEST_CASE("requests that come together are all answered by error-rate") {
  Http http;
  http.proxied.set("error-rate", R"({"rate":1})");
  std::string requests;
  for (int i = 0; i < 50; ++i) requests += kGet;
  http.client.send(requests);
  for (int i = 0; i < 50; ++i) CHECK(has(http.client.response(1s), "500 Internal Server Error"));
}

TEST_CASE("rate-limit answers what is too much with 429 and when to come again") {
  Http http;
  http.proxied.set("rate-limit", R"({"rate":"1/m","burst":1})");
  http.client.send(kGet);
  RawClient service = http.upstream.accept();
  service.until("\r\n\r\n");
  service.send(kOk);
  CHECK(http.client.response() == kOk);
  http.client.send(kGet);
  const std::string answer = http.client.response();
  CHECK(has(answer, "HTTP/1.1 429 Too Many Requests\r\n"));
  CHECK(has(answer, "Retry-After: 60\r\n"));
}

TEST_CASE("latency holds the request back, and a client that leaves meanwhile is noticed") {
  Http http;
  http.proxied.set("latency", R"({"delay":"150ms"})");
  const auto begun = SteadyClock::now();
  http.client.send(kGet);
  CHECK(!http.upstream.is_called(100ms));
  RawClient service = http.upstream.accept();
  CHECK(SteadyClock::now() - begun >= 150ms);
  service.until("\r\n\r\n");
  service.send(kOk);
  CHECK(has(http.client.response(), "X-Fault: latency\r\n"));
  http.client.send(kGet);
  http.client.close();
  CHECK(service.until_closed() == "");
  CHECK(http.proxied.metric("proxy_requests_total{code=\"499\"}") == 1);
}

TEST_CASE("abort closes and reset resets, without an answer") {
  const bool reset = GENERATE(false, true);
  Http http;
  http.proxied.set(reset ? "reset" : "abort", "{}");
  http.client.send(kGet);
  CHECK(http.client.until_closed() == "");
  CHECK(http.client.was_reset() == reset);
  CHECK(!http.upstream.is_called(20ms));
  CHECK(http.proxied.metric("proxy_requests_total{code=\"444\"}") == 1);
}

TEST_CASE("hang and blackhole hold a request until the toggle goes off; then it goes on") {
  const std::string toggle = GENERATE("hang", "blackhole");
  Http http;
  http.proxied.set(toggle, "{}");
  http.client.send(kGet);
  CHECK(!http.upstream.is_called(50ms));
  SECTION("switched off") {
    http.proxied.clear(toggle);
  }
  SECTION("by its TTL") {
    http.proxied.set(toggle, R"({"ttl":"20ms"})");
  }
  RawClient service = http.upstream.accept();
  CHECK(service.until("\r\n\r\n") == kGet);
  service.send(kOk);
  CHECK(has(http.client.response(), "200 OK"));
}

TEST_CASE("hang notices that the client has left, blackhole does not") {
  const auto [toggle, open] = GENERATE(table<std::string, double>({{"hang", 0}, {"blackhole", 1}}));
  Http http;
  http.proxied.set(toggle, "{}");
  http.client.send(kGet);
  http.client.shut_down_writing();
  if (open == 0) CHECK(http.client.until_closed() == "");
  if (open == 1) CHECK(http.client.until("anything", 50ms) == "");
  CHECK(http.proxied.metric("proxy_connections") == open);
}

TEST_CASE("bandwidth slows an answer's body down and leaves it whole") {
  Http http;
  http.proxied.set("bandwidth", R"({"bytes_per_second":50000})");
  http.client.send(kGet);
  RawClient service = http.upstream.accept();
  service.until("\r\n\r\n");
  const std::string body(10'000, 'x');
  const auto begun = SteadyClock::now();
  service.send("HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n" + body);
  CHECK(has(http.client.until("\r\n\r\n"), "X-Fault: bandwidth\r\n"));
  CHECK(http.client.until(body) == body);
  // All but the first portion of 20 ms has to wait.
  const auto took = SteadyClock::now() - begun;
  CHECK(took >= 175ms);
  CHECK(took < 1s);
  http.proxied.clear_all();
  http.client.send(kGet);
  service.until("\r\n\r\n");
  service.send(kOk);
  CHECK(http.client.response() == kOk);
}

TEST_CASE("truncate ends the connection after so many bytes of the body, unless there are no more") {
  Http http;
  http.proxied.set("truncate", R"({"after_bytes":4})");
  http.client.send(kGet);
  RawClient service = http.upstream.accept();
  service.until("\r\n\r\n");
  service.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n0123");
  CHECK(has(http.client.response(), "\r\n\r\n0123"));
  http.client.send(kGet);
  service.until("\r\n\r\n");
  service.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123456789");
  CHECK(http.client.until_closed() ==
        "HTTP/1.1 200 OK\r\nContent-Length: 10\r\nX-Fault: truncate\r\n\r\n0123");
}

TEST_CASE("faults combine: the delay first, then the error, as slow as the bandwidth") {
  Http http;
  http.proxied.set("latency", R"({"delay":"50ms"})");
  http.proxied.set("error-rate", R"({"rate":1,"status":500})");
  http.proxied.set("bandwidth", R"({"bytes_per_second":1000})");
  const auto begun = SteadyClock::now();
  http.client.send(kGet);
  const std::string answer = http.client.response();
  CHECK(has(answer, "X-Fault: error-rate,latency,bandwidth\r\n"));
  // Some 130 bytes of body, 20 of them at once.
  CHECK(SteadyClock::now() - begun >= 130ms);
}

TEST_CASE("TCP passes bytes, ends and resets both ways") {
  Tcp tcp;
  RawClient client(tcp.proxied.port());
  RawClient service = tcp.upstream.accept();
  client.send("up");
  CHECK(service.until("up") == "up");
  service.send("down");
  CHECK(client.until("down") == "down");
  SECTION("half closed") {
    client.shut_down_writing();
    CHECK(service.until_closed() == "");
    service.send("still there");
    service.close();
    CHECK(client.until_closed() == "still there");
    CHECK(!client.was_reset());
  }
  SECTION("reset by the service") {
    service.reset();
    CHECK(client.until_closed() == "");
    CHECK(client.was_reset());
  }
  SECTION("reset by the client") {
    client.reset();
    CHECK(service.until_closed() == "");
    CHECK(service.was_reset());
  }
}

TEST_CASE("a TCP client of an upstream that is not there is hung up on") {
  std::uint16_t port = 0;
  {
    const RawListener gone;
    port = gone.port();
  }
  Proxied proxied(fmt::format("tcp://127.0.0.1:{}", port));
  RawClient client(proxied.port());
  CHECK(client.until_closed() == "");
  CHECK(proxied.metric("proxy_upstream_errors_total{reason=\"connect\"}") == 1);
}

TEST_CASE("TCP latency holds every byte of the answer back, in order") {
  Tcp tcp;
  RawClient client(tcp.proxied.port());
  RawClient service = tcp.upstream.accept();
  tcp.proxied.set("latency", R"({"delay":"100ms"})");
  const auto begun = SteadyClock::now();
  client.send("a");
  service.until("a");
  CHECK(SteadyClock::now() - begun < 100ms);
  service.send("b");
  std::this_thread::sleep_for(20ms);
  service.send("c");
  service.close();
  CHECK(client.until_closed() == "bc");
  CHECK(SteadyClock::now() - begun >= 120ms);
}

TEST_CASE("TCP bandwidth, truncate, hang and blackhole work on connections that are open already") {
  Tcp tcp;
  RawClient client(tcp.proxied.port());
  RawClient service = tcp.upstream.accept();
  SECTION("bandwidth") {
    tcp.proxied.set("bandwidth", R"({"bytes_per_second":50000})");
    const auto begun = SteadyClock::now();
    service.send(std::string(10'000, 'x'));
    service.close();
    CHECK(client.until_closed() == std::string(10'000, 'x'));
    CHECK(SteadyClock::now() - begun >= 175ms);
  }
  SECTION("truncate") {
    tcp.proxied.set("truncate", R"({"after_bytes":3})");
    service.send("12345");
    CHECK(client.until_closed() == "123");
  }
  SECTION("hang and blackhole") {
    const std::string toggle = GENERATE("hang", "blackhole");
    tcp.proxied.set(toggle, "{}");
    client.send("up");
    CHECK(service.until("up", 50ms) == "");
    tcp.proxied.clear(toggle);
    CHECK(service.until("up") == "up");
  }
}

TEST_CASE("a fraction of the TCP connections is that fraction, and their lots stay while others are drawn") {
  constexpr int kConnections = 256;
  Tcp tcp;
  std::vector<std::unique_ptr<RawClient>> clients;
  const auto connect = [&](int count) {
    for (int i = 0; i < count; ++i) clients.push_back(std::make_unique<RawClient>(tcp.proxied.port()));
    while (tcp.proxied.metric("proxy_connections") < static_cast<double>(clients.size()))
      std::this_thread::sleep_for(1ms);
  };
  connect(kConnections / 2);
  tcp.proxied.set("bandwidth", R"({"rate":0.25,"bytes_per_second":1000})");
  connect(kConnections / 2);
  CHECK(tcp.proxied.metric("proxy_faults_injected_total{fault=\"bandwidth\"}") == kConnections / 4);
  tcp.proxied.set("abort", R"({"rate":0.5})");
  tcp.proxied.set("latency", R"({"delay":"1ms"})");
  CHECK(tcp.proxied.metric("proxy_faults_injected_total{fault=\"abort\"}") == kConnections / 2);
  CHECK(tcp.proxied.metric("proxy_connections") == kConnections / 2);
  CHECK(tcp.proxied.metric("proxy_faults_injected_total{fault=\"bandwidth\"}") == kConnections / 4);
}

TEST_CASE("what belongs to HTTP is refused over TCP") {
  Tcp tcp;
  CHECK(has(tcp.proxied.call("PUT", "/api/v1/toggles/error-rate", R"({"rate":1})"), "404 Not Found"));
  CHECK(has(tcp.proxied.call("PUT", "/api/v1/toggles/hang", R"({"routes":["/api/*"]})"),
            "422 Unprocessable Content"));
}

TEST_CASE("an upstream that has moved is found again by its name") {
  const std::string scheme = GENERATE("http", "tcp");
  auto old_place = std::make_unique<RawListener>();
  const RawListener new_place;
  std::atomic<std::uint16_t> port = old_place->port();
  stacks::FaultProxyOptions options;
  options.resolve = [&port](const stacks::UpstreamAddress&) {
    return stacks::resolve_upstream({.host = "127.0.0.1", .port = port});
  };
  Proxied proxied(scheme + "://moving:80", options);
  {
    RawClient client(proxied.port());
    client.send(kGet);
    CHECK(old_place->accept().until("\r\n\r\n") == kGet);
  }
  port = new_place.port();
  old_place.reset();
  std::vector<std::unique_ptr<RawClient>> clients;
  const auto deadline = SteadyClock::now() + 5s;
  while (!new_place.is_called(20ms)) {
    REQUIRE(SteadyClock::now() < deadline);
    clients.push_back(std::make_unique<RawClient>(proxied.port()));
    clients.back()->send(kGet);
  }
  CHECK(new_place.accept().until("\r\n\r\n") == kGet);
}

TEST_CASE("a name is looked up when there is a hurry, but once a second at most") {
  std::atomic<int> asked = 0;
  std::atomic<bool> found = false;
  stacks::UpstreamLookup lookup(
      {.host = "api", .port = 80},
      [&asked](const stacks::UpstreamAddress&) -> core::Result<sockaddr_in6> {
        ++asked;
        return core::make_error(core::ErrorKind::not_found, "no such name");
      },
      [&found](const sockaddr_in6&) { found = true; });
  const auto begun = SteadyClock::now();
  while (asked < 2 && SteadyClock::now() < begun + 5s) {
    lookup.hurry();
    std::this_thread::sleep_for(1ms);
  }
  CHECK(asked == 2);
  CHECK(SteadyClock::now() - begun >= 1s);
  CHECK(!found);
}

TEST_CASE("only names are looked up again") {
  const auto [url, named] = GENERATE(table<std::string, bool>({{"http://api", true},
                                                               {"http://localhost", false},
                                                               {"http://10.0.0.1", false},
                                                               {"http://[::1]:80", false}}));
  CHECK(stacks::has_name(stacks::parse_upstream(url).value()) == named);
}

TEST_CASE("an upstream is read with its scheme, host and port") {
  const auto [text, read] = GENERATE(table<std::string, std::string>({
      {"http://127.0.0.1:8080", "http://127.0.0.1:8080"},
      {"http://api", "http://api:80"},
      {"http://api:81/", "http://api:81"},
      {"tcp://[::1]:6379", "tcp://[::1]:6379"},
  }));
  const auto upstream = stacks::parse_upstream(text);
  REQUIRE(upstream);
  CHECK(to_string(*upstream) == read);
}

TEST_CASE("an upstream that cannot be is refused with its reason") {
  const auto [text, reason] = GENERATE(table<std::string, std::string>({
      {"127.0.0.1:80", "it does not begin with http:// or tcp://"},
      {"ftp://a:1", "it does not begin with http:// or tcp://"},
      {"https://a", "TLS cannot be looked into; tcp:// passes it through, for the faults of connections"},
      {"http://a/b", "there is more than a host and a port; paths pass through as they are"},
      {"http://u:p@a", "there is more than a host and a port; paths pass through as they are"},
      {"http://", "the host is missing"},
      {"http://[::1:80", "a bracket is not closed"},
      {"tcp://a", "the port is missing"},
      {"tcp://a:0", "the port must be a number from 1 to 65535"},
      {"tcp://a:65536", "the port must be a number from 1 to 65535"},
      {"tcp://[::1]80", "the port must be a number from 1 to 65535"},
  }));
  const auto upstream = stacks::parse_upstream(text);
  REQUIRE(!upstream);
  CHECK(to_string(upstream.error()) == fmt::format("\"{}\" is not an upstream: {}\n  hint: write it as "
                                                   "http://127.0.0.1:8080 or tcp://127.0.0.1:6379",
                                                   text, reason));
}
