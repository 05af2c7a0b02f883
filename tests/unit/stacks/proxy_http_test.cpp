// What passes through the fault proxy over HTTP, byte for byte, seen from both its sides.
#include <chrono>
#include <string>
#include <thread>
#include <tuple>

#include "tests/support/proxied.hpp"

using namespace std::chrono_literals;
using namespace obsctl;
using obsctl::test::RawClient;
using obsctl::test::RawListener;
using obsctl::tests::Proxied;

namespace {

const std::string kGet = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n";
const std::string kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";

struct Between {
  explicit Between(stacks::FaultProxyOptions options = {})
      : proxied(fmt::format("http://127.0.0.1:{}", upstream.port()), std::move(options)) {}
  RawListener upstream;
  Proxied proxied;
  RawClient client{proxied.port()};
};

std::string status_of(const std::string& answer) {
  return answer.substr(0, answer.find("\r\n"));
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a request and its answer pass without what concerns one connection only") {
  Between between;
  between.client.send(
      "PUT http://x/a?b HTTP/1.1\r\nHOST: h\r\nKeep-Alive: 5\r\nX: 1\r\nContent-Length: 3\r\n\r\nabc");
  RawClient service = between.upstream.accept();
  CHECK(service.until("abc") ==
        "PUT http://x/a?b HTTP/1.1\r\nHOST: h\r\nX: 1\r\nContent-Length: 3\r\n\r\nabc");
  service.send("HTTP/1.1 201 Made\r\nConnection: keep-alive\r\nContent-Length: 2\r\nY: 2\r\n\r\nok");
  CHECK(between.client.until("ok") == "HTTP/1.1 201 Made\r\nContent-Length: 2\r\nY: 2\r\n\r\nok");
}

TEST_CASE("requests that come together are passed on one after the other, on one connection") {
  Between between;
  between.client.send("GET /1 HTTP/1.1\r\nHost: h\r\n\r\nGET /2 HTTP/1.1\r\nHost: h\r\n\r\n\r\nGET /3 HTT");
  RawClient service = between.upstream.accept();
  CHECK(service.until("\r\n\r\n") == "GET /1 HTTP/1.1\r\nHost: h\r\n\r\n");
  CHECK(service.until("GET", 50ms) == "");
  service.send(kOk);
  CHECK(between.client.response() == kOk);
  CHECK(service.until("\r\n\r\n") == "GET /2 HTTP/1.1\r\nHost: h\r\n\r\n");
  between.client.send("P/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  service.send(kOk);
  CHECK(between.client.response() == kOk);
  CHECK(service.until("\r\n\r\n") == "GET /3 HTTP/1.1\r\nHost: h\r\n\r\n");
  service.send(kOk);
  CHECK(between.client.until_closed() ==
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi");
}

TEST_CASE("chunks and trailers pass as they are, in pieces of any size") {
  const std::string chunks = "5;x=y\r\nhello\r\n0\r\nT: 1\r\n\r\n";
  Between between;
  for (const char c : "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks)
    between.client.send({&c, 1});
  RawClient service = between.upstream.accept();
  CHECK(service.until("T: 1\r\n\r\n") ==
        "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks);
  for (const char c : "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks) service.send({&c, 1});
  CHECK(between.client.until("T: 1\r\n\r\n") ==
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks);
  between.client.send(kGet);
  CHECK(service.until("\r\n\r\n") == kGet);
}

TEST_CASE("an answer without a body is not waited for") {
  const auto [method, answer] = GENERATE(table<std::string, std::string>({
      {"HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n"},
      {"HEAD", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"},
      {"GET", "HTTP/1.1 204 No Content\r\n\r\n"},
      {"GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 100\r\n\r\n"},
  }));
  Between between;
  between.client.send(method + " / HTTP/1.1\r\nHost: h\r\n\r\n" + kGet);
  RawClient service = between.upstream.accept();
  CHECK(has(service.until("\r\n\r\n"), method));
  service.send(answer);
  CHECK(between.client.until("\r\n\r\n") == answer);
  CHECK(service.until("\r\n\r\n") == kGet);
}

TEST_CASE("a body that waits for 100 Continue comes when the upstream has said so") {
  Between between;
  const std::string head = "POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n";
  between.client.send(head);
  RawClient service = between.upstream.accept();
  CHECK(service.until("\r\n\r\n") == head);
  service.send("HTTP/1.1 100 Continue\r\n\r\n");
  CHECK(between.client.until("\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n");
  between.client.send("body");
  CHECK(service.until("body") == "body");
  service.send(kOk);
  CHECK(between.client.response() == kOk);
}

TEST_CASE("an answer before the request is complete is the last one on its connection") {
  Between between;
  between.client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n12345");
  RawClient service = between.upstream.accept();
  service.until("12345");
  service.send("HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n");
  CHECK(between.client.until_closed() ==
        "HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
  CHECK(service.until_closed() == "");
}

TEST_CASE("an upgraded connection and CONNECT carry bytes both ways") {
  const auto [request, forwarded, answer, passed] =
      GENERATE(table<std::string, std::string, std::string, std::string>({
          {"GET /chat HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: ws\r\n\r\n",
           "GET /chat HTTP/1.1\r\nHost: h\r\nUpgrade: ws\r\nConnection: upgrade\r\n\r\n",
           "HTTP/1.1 101 Switching\r\nUpgrade: ws\r\nConnection: Upgrade\r\n\r\n",
           "HTTP/1.1 101 Switching\r\nUpgrade: ws\r\nConnection: upgrade\r\n\r\n"},
          {"CONNECT x:1 HTTP/1.1\r\nHost: x:1\r\n\r\n", "CONNECT x:1 HTTP/1.1\r\nHost: x:1\r\n\r\n",
           "HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n"},
      }));
  Between between;
  between.client.send(request);
  RawClient service = between.upstream.accept();
  CHECK(service.until("\r\n\r\n") == forwarded);
  service.send(answer + "first");
  CHECK(between.client.until("first") == passed + "first");
  between.client.send("up");
  CHECK(service.until("up") == "up");
  service.send("down");
  CHECK(between.client.until("down") == "down");
  between.client.shut_down_writing();
  CHECK(service.until_closed() == "");
  service.send("last");
  service.close();
  CHECK(between.client.until_closed() == "last");
}

TEST_CASE("a request that could be smuggled is answered with 400 and goes nowhere") {
  const std::string lines =
      GENERATE("Content-Length: 4\r\nTransfer-Encoding: chunked\r\n", "Transfer-Encoding : chunked\r\n",
               "Content-Length: 1\r\nContent-Length: 2\r\n");
  Between between;
  between.client.send("POST / HTTP/1.1\r\nHost: h\r\n" + lines +
                      "\r\n0\r\n\r\nGET /admin HTTP/1.1\r\nHost: h\r\n\r\n");
  const std::string answer = between.client.until_closed();
  CHECK(status_of(answer) == "HTTP/1.1 400 Bad Request");
  CHECK(has(answer, "Connection: close"));
  CHECK(has(answer, "application/problem+json"));
  CHECK(!between.upstream.is_called(20ms));
}

TEST_CASE("a chunk that cannot be read ends both connections") {
  Between between;
  between.client.send("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n");
  RawClient service = between.upstream.accept();
  service.until("x\r\n");
  between.client.send("zz\r\n");
  CHECK(status_of(between.client.until_closed()) == "HTTP/1.1 400 Bad Request");
  CHECK(service.until_closed() == "");
}

TEST_CASE("an upstream that fails is reported as a gateway does, and counted apart from faults") {
  stacks::FaultProxyOptions options;
  options.answer_timeout = 100ms;
  const auto [answer, close, status, reason] = GENERATE(table<std::string, bool, std::string, std::string>({
      {"", true, "HTTP/1.1 502 Bad Gateway", "closed"},
      {"HTTP/1.1 200", true, "HTTP/1.1 502 Bad Gateway", "closed"},
      {"", false, "HTTP/1.1 504 Gateway Timeout", "timeout"},
      {"220 smtp ready\r\n\r\n", false, "HTTP/1.1 502 Bad Gateway", "protocol"},
      {"HTTP/1.1 101 Switching\r\n\r\n", false, "HTTP/1.1 502 Bad Gateway", "protocol"},
      {"HTTP/1.1 200 OK\r\nA: " + std::string(40'000, 'x'), false, "HTTP/1.1 502 Bad Gateway", "protocol"},
  }));
  Between between(options);
  between.client.send(kGet);
  RawClient service = between.upstream.accept();
  service.until("\r\n\r\n");
  service.send(answer);
  if (close) service.close();
  const std::string got = between.client.response();
  CHECK(status_of(got) == status);
  CHECK(has(got, "application/problem+json"));
  CHECK(between.proxied.metric("proxy_upstream_errors_total{reason=\"" + reason + "\"}") == 1);
  CHECK(between.proxied.metric("proxy_requests_total{code=\"" + status.substr(9, 3) + "\"}") == 1);
  // The client's connection stays.
  between.client.send(kGet);
  between.upstream.accept().send(kOk);
  CHECK(between.client.response() == kOk);
}

TEST_CASE("an upstream that is not there makes 502, and /readyz 503") {
  std::uint16_t port = 0;
  {
    const RawListener gone;
    port = gone.port();
  }
  Proxied proxied(fmt::format("http://127.0.0.1:{}", port));
  RawClient client(proxied.port());
  client.send(kGet);
  CHECK(status_of(client.response()) == "HTTP/1.1 502 Bad Gateway");
  CHECK(proxied.metric("proxy_upstream_errors_total{reason=\"connect\"}") == 1);
  CHECK(has(proxied.call("GET", "/readyz"), "503 Service Unavailable"));
  CHECK(has(proxied.call("GET", "/healthz"), "200 OK"));
}

TEST_CASE("an answer that breaks off breaks off at the client") {
  Between between;
  between.client.send(kGet);
  RawClient service = between.upstream.accept();
  service.until("\r\n\r\n");
  service.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345");
  service.close();
  CHECK(between.client.until_closed() == "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345");
  CHECK(between.proxied.metric("proxy_upstream_errors_total{reason=\"closed\"}") == 1);
}

TEST_CASE("an answer that ends with its connection passes, and ends the client's") {
  Between between;
  between.client.send(kGet);
  RawClient service = between.upstream.accept();
  service.until("\r\n\r\n");
  service.send("HTTP/1.0 200 OK\r\n\r\nuntil the end");
  service.close();
  CHECK(between.client.until_closed() == "HTTP/1.0 200 OK\r\nConnection: close\r\n\r\nuntil the end");
}

TEST_CASE("a connection that the upstream ended while idle is replaced before the next request") {
  Between between;
  for (int i = 0; i < 3; ++i) {
    between.client.send(kGet);
    RawClient service = between.upstream.accept();
    service.until("\r\n\r\n");
    service.send(i == 1 ? "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi" : kOk);
    CHECK(between.client.response() == kOk);
  }
}

TEST_CASE("a request that meets the end of a reused connection is tried once more if that does no harm") {
  const auto [request, status] = GENERATE(table<std::string, std::string>({
      {"GET /a HTTP/1.1\r\nHost: h\r\n\r\n", "HTTP/1.1 200 OK"},
      {"POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 502 Bad Gateway"},
  }));
  Between between;
  between.client.send(kGet);
  {
    RawClient service = between.upstream.accept();
    service.until("\r\n\r\n");
    service.send(kOk);
    CHECK(between.client.response() == kOk);
    between.client.send(request);
    service.until("\r\n\r\n");
  }
  if (between.upstream.is_called(200ms)) {
    RawClient service = between.upstream.accept();
    CHECK(service.until("\r\n\r\n") == request);
    service.send(kOk);
  }
  CHECK(status_of(between.client.response()) == status);
}

TEST_CASE("a client that leaves is noticed by the upstream and counted as 499") {
  Between between;
  between.client.send(kGet);
  RawClient service = between.upstream.accept();
  service.until("\r\n\r\n");
  between.client.close();
  CHECK(service.until_closed() == "");
  CHECK(between.proxied.metric("proxy_requests_total{code=\"499\"}") == 1);
}

TEST_CASE("slow clients and large headers are refused") {
  stacks::FaultProxyOptions options;
  options.read_timeout = 50ms;
  options.idle_timeout = 100ms;
  options.max_header = 200;
  Between between(options);
  SECTION("a header that does not come to its end") {
    between.client.send("GET / HTTP/1.1\r\nHost");
    CHECK(status_of(between.client.until_closed()) == "HTTP/1.1 408 Request Timeout");
  }
  SECTION("a header that is too large") {
    between.client.send("GET / HTTP/1.1\r\nHost: h\r\nA: " + std::string(200, 'x'));
    CHECK(status_of(between.client.until_closed()) == "HTTP/1.1 431 Request Header Fields Too Large");
  }
  SECTION("no request at all") {
    CHECK(between.client.until_closed() == "");
  }
  CHECK(!between.upstream.is_called(0ms));
}

TEST_CASE("no more connections are served than allowed") {
  stacks::FaultProxyOptions options;
  options.max_connections = 1;
  Between between(options);
  between.client.send(kGet);
  RawClient service = between.upstream.accept();
  RawClient second(between.proxied.port());
  CHECK(second.until_closed() == "");
  CHECK(between.proxied.metric("proxy_connections_refused_total") == 1);
  CHECK(between.proxied.metric("proxy_connections") == 1);
}

TEST_CASE("an answer that the client does not take is not collected") {
  Between between;
  between.client.send(kGet);
  RawClient service = between.upstream.accept();
  service.until("\r\n\r\n");
  constexpr std::size_t kSize = 64u << 20;
  std::thread sending([&] {
    service.send(fmt::format("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", kSize));
    service.send(std::string(kSize, 'x'));
  });
  // What has been taken in meanwhile is what the kernel holds for four sockets, and one read.
  std::this_thread::sleep_for(300ms);
  const double taken = between.proxied.metric("proxy_bytes_total{direction=\"to_client\"}");
  CHECK(taken > 0);
  CHECK(taken < 16e6);
  const std::string head = between.client.until("\r\n\r\n");
  std::size_t rest = 0;
  while (rest < kSize) {
    const std::string some = between.client.until(std::string(60'000, 'x'));
    REQUIRE(!some.empty());
    rest += some.size();
  }
  CHECK(rest == kSize);
  sending.join();
}

TEST_CASE("HTTP/1.0 keeps its connection only if it asks to") {
  const bool keep = GENERATE(true, false);
  Between between;
  between.client.send(std::string("GET / HTTP/1.0\r\n") + (keep ? "Connection: keep-alive\r\n" : "") +
                      "\r\n");
  RawClient service = between.upstream.accept();
  CHECK(service.until("\r\n\r\n") == "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  service.send("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nhi");
  CHECK(between.client.until("hi") == std::string("HTTP/1.0 200 OK\r\nContent-Length: 2\r\nConnection: ") +
                                          (keep ? "keep-alive" : "close") + "\r\n\r\nhi");
}

TEST_CASE("draining lets answers finish and ends what is idle") {
  Between between;
  RawClient idle(between.proxied.port());
  between.client.send(kGet);
  RawClient service = between.upstream.accept();
  service.until("\r\n\r\n");
  bool clean = false;
  std::thread draining([&] { clean = between.proxied.proxy().drain(5s); });
  CHECK(idle.until_closed() == "");
  CHECK(!RawClient(between.proxied.port()).connected());
  service.send(kOk);
  CHECK(between.client.until_closed() ==
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi");
  draining.join();
  CHECK(clean);
}

TEST_CASE("draining cuts off at its deadline") {
  Between between;
  between.client.send(kGet);
  RawClient service = between.upstream.accept();
  service.until("\r\n\r\n");
  CHECK(!between.proxied.proxy().drain(20ms));
  CHECK(between.client.until_closed() == "");
  CHECK(service.until_closed() == "");
}
