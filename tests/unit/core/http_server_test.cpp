// What clients can do to a server, with real sockets: be slow, be rude, leave, and be many.
#include "core/http_server.hpp"

#include <atomic>
#include <condition_variable>
#include <future>
#include <mutex>
#include <thread>

#include <fmt/format.h>

#include "core/http_response_text.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/raw_client.hpp"

using namespace std::chrono_literals;
using namespace obsctl::core;
using obsctl::test::RawClient;

namespace {

using Exchange = std::shared_ptr<HttpExchange>;

std::unique_ptr<HttpServer> serve(HttpHandler handler, HttpServerOptions options = {}) {
  auto server = HttpServer::start(options, std::move(handler));
  REQUIRE(server.has_value());
  return std::move(*server);
}

void echo(const Exchange& exchange) {
  exchange->respond(
      {.body = fmt::format("{} {} {}", exchange->method(), exchange->target(), exchange->body())});
}

std::string get(std::string_view path) {
  return fmt::format("GET {} HTTP/1.1\r\nHost: test\r\n\r\n", path);
}

std::string body_of(const std::string& response) {
  const std::size_t end = response.find("\r\n\r\n");
  return end == std::string::npos ? "(no response) " + response : response.substr(end + 4);
}

std::string problem(std::string_view detail) {
  return problem_response(500, detail).body;
}

std::string status_line(const std::string& response) {
  return response.substr(0, response.find("\r\n"));
}

/// Keeps the exchanges it is given, for the test to answer.
class Held {
 public:
  HttpHandler handler() {
    return [this](const Exchange& exchange) {
      const std::lock_guard lock(mutex_);
      exchanges_.push_back(exchange);
      arrived_.notify_all();
    };
  }
  Exchange wait_for(std::size_t index) {
    std::unique_lock lock(mutex_);
    REQUIRE(arrived_.wait_for(lock, 5s, [&] { return exchanges_.size() > index; }));
    return exchanges_[index];
  }
  std::size_t count() {
    const std::lock_guard lock(mutex_);
    return exchanges_.size();
  }

 private:
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::vector<Exchange> exchanges_;
};

/// A flag that a callback raises on the server's thread.
class Flag {
 public:
  std::function<void()> raise() {
    return [this] { promise_.set_value(); };
  }
  bool raised_within(Nanoseconds patience) { return future_.wait_for(patience) == std::future_status::ready; }

 private:
  std::promise<void> promise_;
  std::future<void> future_ = promise_.get_future();
};

}  // namespace

TEST_CASE("a server answers on the port it was given") {
  const auto server = serve(echo);
  CHECK(server->url() == fmt::format("http://127.0.0.1:{}", server->port()));
  RawClient client(server->port());
  client.send("PUT /a/b?c=d HTTP/1.1\r\nHost: test\r\nContent-Length: 3\r\n\r\nxyz");
  const std::string response = client.response();
  CHECK(status_line(response) == "HTTP/1.1 200 OK");
  CHECK(response.find("\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 16\r\n\r\n") !=
        std::string::npos);
  CHECK(response.find("\r\nDate: ") != std::string::npos);
  CHECK(body_of(response) == "PUT /a/b?c=d xyz");
}

TEST_CASE("a server that cannot listen says why and what to do") {
  SECTION("a busy port") {
    const auto server = serve(echo);
    HttpServerOptions options;
    options.port = server->port();
    const auto second = HttpServer::start(options, echo);
    REQUIRE(second.has_error());
    CHECK(second.error().kind == ErrorKind::unavailable);
    CHECK(second.error().message ==
          fmt::format("cannot listen on 127.0.0.1:{}: the port is in use", options.port));
    CHECK(second.error().hint ==
          fmt::format(
              "choose another port (0 takes a free one), or stop what listens there: ss -ltnp 'sport = :{}'",
              options.port));
  }
  SECTION("not an address") {
    HttpServerOptions options;
    options.address = "example.org";
    const auto server = HttpServer::start(options, echo);
    REQUIRE(server.has_error());
    CHECK(server.error().kind == ErrorKind::invalid_input);
    CHECK(server.error().message == "\"example.org\" is not an address to listen on");
  }
  SECTION("an address of another machine") {
    HttpServerOptions options;
    options.address = "192.0.2.1";
    const auto server = HttpServer::start(options, echo);
    REQUIRE(server.has_error());
    CHECK(server.error().message == "cannot listen on 192.0.2.1:0: this machine does not have that address");
  }
}

TEST_CASE("addresses to listen on are read as people write them") {
  const auto written = [](std::string_view text) {
    const auto address = parse_listen_address(text);
    return address ? fmt::format("{} {}", address->address, address->port) : address.error().message;
  };
  CHECK(written("127.0.0.1:8080") == "127.0.0.1 8080");
  CHECK(written("0.0.0.0:0") == "0.0.0.0 0");
  CHECK(written("[::1]:80") == "::1 80");
  CHECK(written(":9090") == "127.0.0.1 9090");
  CHECK(written("9090") == "127.0.0.1 9090");
  CHECK(written("::1:80") == "\"::1:80\" is not an address to listen on: an IPv6 address needs brackets");
  CHECK(written("h:65536") ==
        "\"h:65536\" is not an address to listen on: the port must be a number from 0 to 65535");
  CHECK(written("") == "\"\" is not an address to listen on: the port must be a number from 0 to 65535");
}

TEST_CASE("an exchange knows its request") {
  std::string seen;
  const auto server = serve([&](const Exchange& exchange) {
    seen = fmt::format("{}|{}|{}|{}|{}|{}|{}", exchange->path(), exchange->query("a").value_or("none"),
                       exchange->query("b c").value_or("none"), exchange->query("flag").value_or("none"),
                       exchange->query("missing").value_or("none"), exchange->header("x-test"),
                       exchange->remote_address());
    exchange->respond({});
  });
  RawClient client(server->port());
  client.send("GET /p%20q?a=1%2f2&b+c=x+y&flag&a=9&bad=%zz HTTP/1.1\r\nHost: h\r\nX-Test: v\r\n\r\n");
  CHECK(status_line(client.response()) == "HTTP/1.1 200 OK");
  CHECK(seen == "/p%20q|1/2|x y||none|v|127.0.0.1");
}

TEST_CASE("connections are kept or closed as the request says") {
  const auto server = serve(echo);
  RawClient client(server->port());
  SECTION("HTTP/1.1 keeps") {
    for (int i = 0; i < 3; ++i) {
      client.send(get("/x"));
      CHECK(body_of(client.response()) == "GET /x ");
    }
  }
  SECTION("Connection: close closes") {
    client.send("GET /x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    const std::string response = client.until_closed();
    CHECK(response.find("\r\nConnection: close\r\n") != std::string::npos);
    CHECK(body_of(response) == "GET /x ");
  }
  SECTION("HTTP/1.0 closes") {
    client.send("GET /x HTTP/1.0\r\n\r\n");
    CHECK(body_of(client.until_closed()) == "GET /x ");
  }
  SECTION("HTTP/1.0 keeps when asked, and says so") {
    client.send("GET /x HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    CHECK(client.response().find("\r\nConnection: keep-alive\r\n") != std::string::npos);
    client.send("GET /y HTTP/1.0\r\n\r\n");
    CHECK(body_of(client.until_closed()) == "GET /y ");
  }
}

TEST_CASE("answers without content have none") {
  const auto server = serve([](const Exchange& exchange) {
    exchange->respond({.status = exchange->path() == "/204" ? 204 : 200, .body = "content"});
  });
  RawClient client(server->port());
  SECTION("HEAD has the length of what GET would give") {
    client.send("HEAD /x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    const std::string response = client.until_closed();
    CHECK(response.find("\r\nContent-Length: 7\r\n") != std::string::npos);
    CHECK(body_of(response) == "");
  }
  SECTION("204") {
    client.send("GET /204 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    const std::string response = client.until_closed();
    CHECK(response.find("Content-Length") == std::string::npos);
    CHECK(body_of(response) == "");
  }
}

TEST_CASE("text from outside cannot add a header field to an answer") {
  std::string out;
  append_response(out, {.headers = {{"X-Echo", "a\r\nSet-Cookie: b"}}}, "now", {});
  CHECK(out.find("\r\nX-Echo: a  Set-Cookie: b\r\n") != std::string::npos);
}

TEST_CASE("dates are written as RFC 9110 says") {
  CHECK(http_date(784111777) == "Sun, 06 Nov 1994 08:49:37 GMT");
}

TEST_CASE("requests that come at once are answered in order") {
  const auto server = serve([](const Exchange& exchange) {
    if (exchange->path() == "/slow") {
      exchange->after(20ms, [exchange] { exchange->respond({.body = "slow"}); });
    } else {
      echo(exchange);
    }
  });
  RawClient client(server->port());
  std::string all;
  for (int i = 0; i < 50; ++i) all += get(i % 10 == 3 ? "/slow" : fmt::format("/{}", i));
  client.send(all);
  for (int i = 0; i < 50; ++i)
    CHECK(body_of(client.response()) == (i % 10 == 3 ? "slow" : fmt::format("GET /{} ", i)));
}

TEST_CASE("a request may come byte by byte") {
  const auto server = serve(echo);
  RawClient client(server->port());
  for (const char c :
       std::string("POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n"))
    client.send({&c, 1});
  CHECK(body_of(client.response()) == "POST /x ab");
}

TEST_CASE("100 Continue is sent to who waits for it") {
  const auto server = serve(echo);
  RawClient client(server->port());
  client.send("POST /x HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  CHECK(client.response() == "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("ab");
  CHECK(body_of(client.response()) == "POST /x ab");
}

TEST_CASE("what cannot be read is answered and the connection closed") {
  HttpServerOptions options;
  options.max_body = 100;
  options.max_header = 512;
  std::atomic<int> handled = 0;
  std::atomic<int> refused = 0;
  options.on_refused = [&](int status) { refused = status; };
  const auto server = serve(
      [&](const Exchange& exchange) {
        ++handled;
        echo(exchange);
      },
      options);
  RawClient client(server->port());
  SECTION("not HTTP") {
    client.send("hello\r\n\r\n");
    CHECK(status_line(client.until_closed()) == "HTTP/1.1 400 Bad Request");
  }
  SECTION("a large header") {
    client.send("GET / HTTP/1.1\r\nHost: h\r\nX: " + std::string(600, 'x') + "\r\n\r\n");
    CHECK(status_line(client.until_closed()) == "HTTP/1.1 431 Request Header Fields Too Large");
  }
  SECTION(
      "a large body, refused before it is read, with the answer arriving although the client goes on "
      "sending") {
    client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\n\r\n");
    client.send(std::string(1'000'000, 'x'));
    const std::string response = client.until_closed();
    CHECK(status_line(response) == "HTTP/1.1 413 Content Too Large");
    CHECK(body_of(response) ==
          "{\"type\":\"about:blank\",\"title\":\"Content Too Large\",\"status\":413,\"detail\":\"the "
          "request's body is too "
          "large\"}\n");
    CHECK(response.find("\r\nContent-Type: application/problem+json\r\n") != std::string::npos);
    CHECK(refused == 413);
    CHECK_FALSE(client.was_reset());
  }
  SECTION("a broken request behind a good one") {
    client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\nbroken\r\n\r\n");
    CHECK(status_line(client.response()) == "HTTP/1.1 200 OK");
    CHECK(status_line(client.until_closed()) == "HTTP/1.1 400 Bad Request");
    CHECK(handled == 1);
    return;
  }
  CHECK(handled == 0);
}

TEST_CASE("slow clients are sent away") {
  HttpServerOptions options;
  options.read_timeout = 150ms;
  options.idle_timeout = 300ms;
  const auto server = serve(echo, options);
  RawClient client(server->port());
  const auto start = std::chrono::steady_clock::now();
  SECTION("one that dribbles its request gets 408") {
    const std::string request = "GET / HTTP/1.1\r\nHost: h\r\nX-Slow: " + std::string(1000, 'x');
    std::string response;
    for (const char c : request) {
      client.send({&c, 1});
      response = client.response(5ms);
      if (!response.empty()) break;
    }
    CHECK(status_line(response) == "HTTP/1.1 408 Request Timeout");
    const auto waited = std::chrono::steady_clock::now() - start;
    CHECK(waited >= 150ms);
    CHECK(waited < 2s);
  }
  SECTION("one that never sends the body it has promised gets 408") {
    client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nab");
    CHECK(status_line(client.until_closed()) == "HTTP/1.1 408 Request Timeout");
  }
  SECTION("one that says nothing is closed without an answer") {
    CHECK(client.until_closed() == "");
    CHECK(std::chrono::steady_clock::now() - start >= 300ms);
  }
  SECTION("one that has been answered may stay idle for the idle timeout") {
    client.send(get("/x"));
    CHECK(body_of(client.response()) == "GET /x ");
    CHECK(client.until_closed() == "");
    CHECK(std::chrono::steady_clock::now() - start >= 300ms);
  }
}

TEST_CASE("a client that does not take its answer is cut off, and others are served meanwhile") {
  HttpServerOptions options;
  options.idle_timeout = 200ms;
  const std::string large(32u << 20, 'x');
  const auto server = serve(
      [&](const Exchange& exchange) {
        exchange->respond({.body = exchange->path() == "/large" ? large : "small"});
      },
      options);
  RawClient lazy(server->port());
  lazy.send(get("/large"));
  RawClient other(server->port());
  other.send(get("/"));
  CHECK(body_of(other.response(30s)) == "small");
  CHECK(other.until_closed() == "");  // its idle timeout passes after the lazy one's
  CHECK(lazy.until_closed().size() < large.size());
}

TEST_CASE("a large answer arrives whole") {
  std::string large(8u << 20, 'x');
  large += "end";
  const auto server = serve([&](const Exchange& exchange) { exchange->respond({.body = large}); });
  RawClient client(server->port());
  client.send(get("/a") + get("/b"));
  for (int i = 0; i < 2; ++i) {
    const bool whole = body_of(client.response(60s)) == large;  // not for printing
    CHECK(whole);
  }
}

TEST_CASE("connections above the limit are closed at once") {
  HttpServerOptions options;
  options.max_connections = 2;
  const auto server = serve(echo, options);
  RawClient first(server->port());
  first.send(get("/1"));
  CHECK(body_of(first.response()) == "GET /1 ");
  {
    RawClient second(server->port());
    second.send(get("/2"));
    CHECK(body_of(second.response()) == "GET /2 ");
    RawClient third(server->port());
    CHECK(third.until_closed() == "");
  }
  // The place of one that has left is free again, once the server has noticed.
  std::string response;
  for (int i = 0; i < 100 && response.empty(); ++i) {
    RawClient fourth(server->port());
    fourth.send(get("/4"));
    response = fourth.response();
  }
  CHECK(body_of(response) == "GET /4 ");
}

TEST_CASE("an answer may come later and from another thread") {
  Held held;
  const auto server = serve(held.handler());
  RawClient client(server->port());
  client.send(get("/x") + get("/y"));
  const Exchange exchange = held.wait_for(0);
  std::thread([&] {
    exchange->respond({.body = "from afar"});
    exchange->respond({.body = "twice"});
  }).join();
  CHECK(body_of(client.response()) == "from afar");
  held.wait_for(1)->respond({.body = "next"});
  CHECK(body_of(client.response()) == "next");
}

TEST_CASE("a handler may answer another connection's exchange without harm to its own requests") {
  std::shared_ptr<HttpExchange> held;  // used on the server's thread only
  const auto server = serve([&](const Exchange& exchange) {
    if (exchange->path() == "/wait") {
      held = exchange;
      return;
    }
    if (exchange->path() == "/release") std::exchange(held, nullptr)->respond({.body = "released"});
    echo(exchange);
  });
  // The one that waits has sent more, which is read when it is released; the other one's second request,
  // which came in one piece with the releasing one, must not be overwritten by it.
  RawClient waiting(server->port());
  waiting.send(get("/wait"));
  RawClient other(server->port());
  other.send(get("/sync"));
  CHECK(body_of(other.response()) == "GET /sync ");
  waiting.send(get("/after-the-wait") + get("/and-again"));
  other.send(get("/sync"));
  CHECK(body_of(other.response()) == "GET /sync ");
  other.send(get("/release") + get("/second") + get("/third"));
  CHECK(body_of(other.response()) == "GET /release ");
  CHECK(body_of(other.response()) == "GET /second ");
  CHECK(body_of(other.response()) == "GET /third ");
  CHECK(body_of(waiting.response()) == "released");
  CHECK(body_of(waiting.response()) == "GET /after-the-wait ");
  CHECK(body_of(waiting.response()) == "GET /and-again ");
}

TEST_CASE("an exchange outlives its server harmlessly") {
  Held held;
  auto server = serve(held.handler());
  RawClient client(server->port());
  client.send(get("/x"));
  const Exchange exchange = held.wait_for(0);
  Flag gone;
  exchange->on_gone(gone.raise());
  server.reset();
  CHECK(gone.raised_within(0ns));
  CHECK(exchange->path() == "/x");
  exchange->respond({.body = "too late"});
  exchange->after(1ms, [] { FAIL("the exchange has ended"); });
  Flag told_late;
  exchange->on_gone(told_late.raise());
  CHECK(told_late.raised_within(0ns));
  exchange->reset();
  CHECK(client.until_closed() == "");
}

TEST_CASE("a handler that forgets to answer, or throws, is answered for") {
  const auto server = serve([](const Exchange& exchange) {
    if (exchange->path() == "/throw") throw std::runtime_error("broken");
    if (exchange->path() == "/timer") exchange->after(1ms, [] {});
  });
  RawClient client(server->port());
  client.send(get("/forget"));
  std::string response = client.response();
  CHECK(status_line(response) == "HTTP/1.1 500 Internal Server Error");
  CHECK(body_of(response) == problem("the handler gave no answer"));
  client.send(get("/throw"));
  response = client.response();
  CHECK(status_line(response) == "HTTP/1.1 500 Internal Server Error");
  CHECK(body_of(response) == problem("the handler failed: broken"));
  client.send(get("/timer"));
  CHECK(body_of(client.response()) == problem("the handler gave no answer"));
}

TEST_CASE("a client that leaves is noticed while its answer is pending") {
  Held held;
  const auto server = serve(held.handler());
  RawClient client(server->port());
  client.send(get("/x"));
  const Exchange exchange = held.wait_for(0);
  Flag gone;
  exchange->on_gone(gone.raise());
  std::atomic<bool> timer_ran = false;
  exchange->after(100ms, [&] { timer_ran = true; });
  SECTION("by closing") {
    client.close();
  }
  SECTION("by closing its side only") {
    client.shut_down_writing();
  }
  SECTION("by closing behind another request") {
    client.send(get("/never-read"));
    client.close();
  }
  REQUIRE(gone.raised_within(2s));
  CHECK(held.count() == 1);
  // The cancelled timer would have run before this one, which another client's exchange sets now.
  RawClient other(server->port());
  other.send(get("/y"));
  const Exchange later = held.wait_for(1);
  later->after(150ms, [later] { later->respond({}); });
  CHECK(status_line(other.response()) == "HTTP/1.1 200 OK");
  CHECK_FALSE(timer_ran);
}

TEST_CASE("after an answer neither timers nor on_gone run") {
  std::atomic<int> ran = 0;
  const auto server = serve([&](const Exchange& exchange) {
    if (exchange->path() == "/wait") {
      exchange->after(60ms, [exchange] { exchange->respond({}); });
      return;
    }
    exchange->on_gone([&] { ++ran; });
    exchange->after(10ms, [&] { ++ran; });
    exchange->respond({.body = "done"});
  });
  {
    RawClient client(server->port());
    client.send(get("/x"));
    CHECK(body_of(client.response()) == "done");
  }
  RawClient other(server->port());
  other.send(get("/wait"));
  CHECK(status_line(other.response()) == "HTTP/1.1 200 OK");
  CHECK(ran == 0);
}

TEST_CASE("reset ends a connection with RST") {
  const auto server = serve([](const Exchange& exchange) {
    if (exchange->path() == "/later") {
      exchange->after(5ms, [exchange] { exchange->reset(); });
    } else {
      exchange->reset();
    }
  });
  RawClient client(server->port());
  client.send(get(GENERATE("/now", "/later")));
  CHECK(client.until_closed() == "");
  CHECK(client.was_reset());
}

TEST_CASE("abort ends a connection in good order, after the answers before it") {
  const auto server = serve([](const Exchange& exchange) {
    if (exchange->path() == "/answer") return echo(exchange);
    if (exchange->path() == "/now") return exchange->abort();
    exchange->after(5ms, [exchange] { exchange->abort(); });
  });
  RawClient client(server->port());
  // The last one is not read any more; closing with it unread must not become a reset.
  client.send(get("/answer") + get(GENERATE("/now", "/later")) + get("/answer"));
  CHECK(body_of(client.response()) == "GET /answer ");
  CHECK(client.until_closed() == "");
  CHECK_FALSE(client.was_reset());
}

TEST_CASE("a truncated answer promises its whole body and ends within it") {
  const std::uint64_t after = GENERATE(0u, 4u, 10u, 11u);
  const auto server = serve([after](const Exchange& exchange) {
    exchange->respond({.body = "0123456789", .truncate_after = after});
  });
  RawClient client(server->port());
  CAPTURE(after);
  client.send(get("/"));
  if (after >= 10) {  // there is nothing to cut off
    client.send(get("/"));
    CHECK(body_of(client.response()) == "0123456789");
    CHECK(body_of(client.response()) == "0123456789");
    return;
  }
  const std::string all = client.until_closed();
  CHECK(all.find("\r\nContent-Length: 10\r\n") != std::string::npos);
  CHECK(body_of(all) == std::string("0123456789").substr(0, after));
  CHECK_FALSE(client.was_reset());
}

TEST_CASE("a slow body takes its time, and what waits behind it comes after it") {
  const auto server = serve([](const Exchange& exchange) {
    HttpResponse response{.body = std::string(300, 'x')};
    if (exchange->path() == "/slow") response.bytes_per_second = 1000;
    exchange->respond(std::move(response));
  });
  RawClient client(server->port());
  const auto start = std::chrono::steady_clock::now();
  if (GENERATE(true, false)) {
    client.send(get("/slow") + get("/fast"));
  } else {
    client.send(get("/slow"));
    std::this_thread::sleep_for(50ms);
    client.send(get("/fast"));
  }
  CHECK(body_of(client.response()) == std::string(300, 'x'));
  CHECK(std::chrono::steady_clock::now() - start >= 300ms);
  CHECK(body_of(client.response()) == std::string(300, 'x'));
  client.send("HEAD /slow HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n");
  const auto head = std::chrono::steady_clock::now();
  CHECK(body_of(client.until_closed()) == "");
  CHECK(std::chrono::steady_clock::now() - head < 250ms);
}

TEST_CASE("a drain lets a slow body finish and closes its connection then") {
  const auto server = serve([](const Exchange& exchange) {
    exchange->respond({.body = std::string(200, 'x'), .bytes_per_second = 1000});
  });
  RawClient client(server->port());
  client.send(get("/"));
  REQUIRE(client.response(60ms).size() > 0);  // on its way, not whole
  auto drained = std::async(std::launch::async, [&] { return server->drain(5s); });
  CHECK(client.until_closed().size() > 100);
  client.close();
  CHECK(drained.get());
}

TEST_CASE("timers run on time and in their order") {
  std::mutex mutex;
  std::vector<int> order;
  const auto note = [&](int which) {
    return [&, which] {
      const std::lock_guard lock(mutex);
      order.push_back(which);
    };
  };
  Nanoseconds waited{};
  const auto server = serve([&](const Exchange& exchange) {
    exchange->after(20ms, note(2));
    exchange->after(5ms, note(1));
    exchange->after(30ms, [&waited, exchange] {
      waited = std::chrono::steady_clock::now() - exchange->received_at();
      exchange->respond({});
    });
    exchange->after(60ms, note(3));
  });
  RawClient client(server->port());
  client.send(get("/x"));
  CHECK(status_line(client.response()) == "HTTP/1.1 200 OK");
  CHECK(waited >= 30ms);
  const std::lock_guard lock(mutex);
  CHECK(order == std::vector<int>{1, 2});
}

TEST_CASE("a drain lets answers in flight finish and refuses new connections") {
  Held held;
  const auto server = serve(held.handler());
  RawClient busy(server->port());
  RawClient idle(server->port());
  idle.send(get("/idle"));
  held.wait_for(0)->respond({.body = "idle"});
  CHECK(body_of(idle.response()) == "idle");
  busy.send(get("/busy"));
  const Exchange exchange = held.wait_for(1);

  SECTION("in time") {
    auto drained = std::async(std::launch::async, [&] { return server->drain(5s); });
    CHECK(idle.until_closed() == "");
    CHECK_FALSE(RawClient(server->port()).connected());
    exchange->respond({.body = "finished"});
    const std::string response = busy.until_closed();
    CHECK(body_of(response) == "finished");
    CHECK(response.find("\r\nConnection: close\r\n") != std::string::npos);
    busy.close();
    CHECK(drained.get());
  }
  SECTION("cut off when it has become urgent") {
    std::stop_source urgent;
    auto drained = std::async(std::launch::async, [&] { return server->drain(60s, urgent.get_token()); });
    CHECK(idle.until_closed() == "");
    urgent.request_stop();
    CHECK_FALSE(drained.get());
    CHECK(busy.until_closed() == "");
  }
  SECTION("cut off at the deadline") {
    Flag gone;
    exchange->on_gone(gone.raise());
    CHECK_FALSE(server->drain(30ms));
    CHECK(gone.raised_within(0ns));
    CHECK(busy.until_closed() == "");
  }
}

TEST_CASE("a drain waits for a request that is on its way") {
  const auto server = serve(echo);
  RawClient client(server->port());
  client.send(get("/first"));
  CHECK(body_of(client.response()) == "GET /first ");
  client.send("GET /half HTTP/1.1\r\nHo");
  RawClient other(server->port());
  other.send(get("/other"));
  CHECK(body_of(other.response()) == "GET /other ");  // so the half has been read
  auto drained = std::async(std::launch::async, [&] { return server->drain(5s); });
  CHECK(other.until_closed() == "");
  client.send("st: h\r\n\r\n");
  CHECK(body_of(client.until_closed()) == "GET /half ");
  client.close();
  CHECK(drained.get());
}

TEST_CASE("many connections are served at once") {
  const auto server =
      serve([](const Exchange& exchange) { exchange->after(10ms, [exchange] { echo(exchange); }); });
  std::vector<std::unique_ptr<RawClient>> clients;
  for (int i = 0; i < 200; ++i) {
    clients.push_back(std::make_unique<RawClient>(server->port()));
    clients.back()->send(get(fmt::format("/{}", i)));
  }
  for (int i = 0; i < 200; ++i)
    CHECK(body_of(clients[static_cast<std::size_t>(i)]->response()) == fmt::format("GET /{} ", i));
  CHECK(server->drain(2s));
}
