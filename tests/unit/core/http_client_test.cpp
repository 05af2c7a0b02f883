// The HTTP client against a peer that is written by hand on sockets, since most of what matters here (resets,
// silence, answers cut in the middle, connections counted) is what a proper server would never do.
#include "core/http_client.hpp"

#include <atomic>
#include <functional>
#include <thread>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/support/catch.hpp"

using namespace std::chrono_literals;
using obsctl::core::ErrorKind;
using obsctl::core::HttpClient;
using obsctl::core::parse_url;
using obsctl::core::percent_encoded;

namespace {

/// Accepts connections one after another and answers every request on them with `answer(request)`. An empty
/// answer closes the connection; "(silence)" keeps it open and says nothing; "(reset)" resets it.
class Peer {
 public:
  explicit Peer(std::function<std::string(const std::string&)> answer) : answer_(std::move(answer)) {
    listener_ = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(::listen(listener_, 16) == 0);
    socklen_t size = sizeof address;
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::jthread([this](const std::stop_token& stop) { serve(stop); });
  }
  ~Peer() {
    thread_.request_stop();
    thread_.join();
    ::close(listener_);
  }

  std::string url(std::string_view path = "/") const {
    return fmt::format("http://127.0.0.1:{}{}", port_, path);
  }
  int port() const { return port_; }
  int connections() const { return connections_; }

 private:
  static bool readable(int descriptor, const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      pollfd entry{descriptor, POLLIN, 0};
      if (::poll(&entry, 1, 5) > 0) return true;
    }
    return false;
  }

  void serve(const std::stop_token& stop) {
    while (readable(listener_, stop)) {
      const int connection = ::accept(listener_, nullptr, nullptr);
      ++connections_;
      converse(connection, stop);
      ::close(connection);
    }
  }

  void converse(int connection, const std::stop_token& stop) {
    std::string input;
    while (readable(connection, stop)) {
      char buffer[65536];
      const ssize_t n = ::recv(connection, buffer, sizeof buffer, 0);
      if (n <= 0) return;
      input.append(buffer, static_cast<std::size_t>(n));
      if (!complete(input)) continue;
      const std::string answer = answer_(input);
      input.clear();
      if (answer == "(silence)") continue;
      if (answer == "(reset)") {
        const linger abrupt{1, 0};
        ::setsockopt(connection, SOL_SOCKET, SO_LINGER, &abrupt, sizeof abrupt);
        return;
      }
      if (answer.empty()) return;
      ::send(connection, answer.data(), answer.size(), MSG_NOSIGNAL);
      if (answer.find("Connection: close") != std::string::npos) return;
    }
  }

  static bool complete(const std::string& input) {
    const std::size_t head = input.find("\r\n\r\n");
    if (head == std::string::npos) return false;
    const std::size_t length = input.find("Content-Length: ");
    const std::size_t body = length < head ? std::stoul(input.substr(length + 16)) : 0;
    return input.size() >= head + 4 + body;
  }

  std::function<std::string(const std::string&)> answer_;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<int> connections_{0};
  std::jthread thread_;
};

std::string ok(std::string_view body) {
  return fmt::format("HTTP/1.1 200 OK\r\nX-Kind:  test \r\nContent-Length: {}\r\n\r\n{}", body.size(), body);
}

}  // namespace

TEST_CASE("a call brings back status, headers and body") {
  const Peer peer([](const std::string&) { return ok("hello"); });
  HttpClient client;
  const auto reply = client.call({.url = peer.url("/a?b=c")});
  REQUIRE(reply);
  CHECK(reply->status == 200);
  CHECK(reply->ok());
  CHECK(reply->body == "hello");
  CHECK(reply->header("x-kind") == "test");
  CHECK(reply->header("absent").empty());
  CHECK(reply->elapsed > 0ns);
}

TEST_CASE("any status is a reply, not an error") {
  const Peer peer([](const std::string&) { return "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"; });
  HttpClient client;
  const auto reply = client.call({.url = peer.url()});
  REQUIRE(reply);
  CHECK(reply->status == 503);
  CHECK_FALSE(reply->ok());
}

TEST_CASE("a redirect is not followed") {
  const Peer peer([](const std::string&) {
    return "HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n";
  });
  HttpClient client;
  const auto reply = client.call({.url = peer.url()});
  REQUIRE(reply);
  CHECK(reply->status == 302);
  CHECK(reply->header("Location") == "/elsewhere");
}

TEST_CASE("method, headers and body are sent as given") {
  const Peer peer([](const std::string& request) { return ok(request); });
  HttpClient client;
  SECTION("a GET has no body headers and nothing curl invents") {
    const auto reply = client.call({.url = peer.url("/x"), .headers = {{"X-One", "1"}, {"X-Empty", ""}}});
    REQUIRE(reply);
    CHECK(reply->body ==
          fmt::format("GET /x HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nUser-Agent: obsctl\r\nAccept: */*\r\n"
                      "X-One: 1\r\nX-Empty:\r\n\r\n",
                      peer.port()));
  }
  SECTION("a POST carries its body, NUL bytes included, with no form claimed") {
    const auto reply = client.call({.method = "POST", .url = peer.url("/x"), .body = std::string("a\0b", 3)});
    REQUIRE(reply);
    CHECK(reply->body.starts_with("POST /x HTTP/1.1\r\n"));
    CHECK(reply->body.ends_with(std::string("Content-Length: 3\r\n\r\na\0b", 24)));
    CHECK(reply->body.find("Content-Type") == std::string::npos);
  }
  SECTION("an empty POST says that it is empty") {
    const auto reply = client.call({.method = "POST", .url = peer.url("/x")});
    REQUIRE(reply);
    CHECK(reply->body.find("Content-Length: 0\r\n") != std::string::npos);
  }
  SECTION("PUT and DELETE keep their names") {
    const auto put = client.call({.method = "PUT",
                                  .url = peer.url("/x"),
                                  .headers = {{"content-type", "application/json"}},
                                  .body = "{}"});
    REQUIRE(put);
    CHECK(put->body.starts_with("PUT /x HTTP/1.1\r\n"));
    CHECK(put->body.find("content-type: application/json\r\n") != std::string::npos);
    const auto del = client.call({.method = "DELETE", .url = peer.url("/x")});
    REQUIRE(del);
    CHECK(del->body.starts_with("DELETE /x HTTP/1.1\r\n"));
  }
  SECTION("a large body is sent without waiting for 100 Continue") {
    const auto reply =
        client.call({.method = "POST", .url = peer.url("/x"), .body = std::string(3u << 20, 'x')});
    REQUIRE(reply);
    CHECK(reply->body.find("Expect") == std::string::npos);
    CHECK(reply->body.size() > (3u << 20));
  }
}

TEST_CASE("the connection is kept open between calls") {
  const Peer peer([](const std::string&) { return ok("x"); });
  HttpClient client;
  for (int i = 0; i < 5; ++i) REQUIRE(client.call({.url = peer.url()}));
  CHECK(peer.connections() == 1);
}

TEST_CASE("a connection that the peer has closed meanwhile is replaced") {
  const Peer peer([](const std::string&) {
    return "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx";
  });
  HttpClient client;
  for (int i = 0; i < 3; ++i) REQUIRE(client.call({.url = peer.url()}));
  CHECK(peer.connections() == 3);
}

TEST_CASE("a silent peer is given up at the deadline") {
  const Peer peer([](const std::string&) { return "(silence)"; });
  HttpClient client;
  const auto begin = std::chrono::steady_clock::now();
  const auto reply = client.call({.url = peer.url("/slow"), .timeout = 100ms});
  const auto elapsed = std::chrono::steady_clock::now() - begin;
  REQUIRE_FALSE(reply);
  CHECK(reply.error().kind == ErrorKind::timeout);
  CHECK(reply.error().message == fmt::format("GET {}: no complete answer within 100ms", peer.url("/slow")));
  CHECK(elapsed >= 99ms);
  CHECK(elapsed < 1s);
}

TEST_CASE("a call without time left is a timeout and sends nothing") {
  const Peer peer([](const std::string&) { return ok("x"); });
  HttpClient client;
  const auto reply = client.call({.url = peer.url(), .timeout = 0ns});
  REQUIRE_FALSE(reply);
  CHECK(reply.error().kind == ErrorKind::timeout);
  CHECK(reply.error().message == fmt::format("GET {}: no time was left for it", peer.url()));
  CHECK(peer.connections() == 0);
}

TEST_CASE("a stop ends a call within 50 ms, and the client works afterwards") {
  std::atomic<bool> silent{true};
  const Peer peer([&](const std::string&) { return silent ? "(silence)" : ok("x"); });
  HttpClient client;
  std::stop_source stop;
  std::chrono::steady_clock::time_point stopped;
  std::jthread later([&] {
    std::this_thread::sleep_for(60ms);
    stopped = std::chrono::steady_clock::now();
    stop.request_stop();
  });
  const auto reply = client.call({.url = peer.url(), .timeout = 10s}, stop.get_token());
  const auto returned = std::chrono::steady_clock::now();
  later.join();
  REQUIRE_FALSE(reply);
  CHECK(reply.error().kind == ErrorKind::cancelled);
  CHECK(reply.error().message == fmt::format("GET {}: cancelled", peer.url()));
  CHECK(returned - stopped < 50ms);

  silent = false;
  const auto again = client.call({.url = peer.url()});
  REQUIRE(again);
  CHECK(again->body == "x");
}

TEST_CASE("a stop that was triggered before is a cancellation too") {
  std::stop_source stop;
  stop.request_stop();
  HttpClient client;
  const auto reply = client.call({.url = "http://127.0.0.1:9/"}, stop.get_token());
  REQUIRE_FALSE(reply);
  CHECK(reply.error().kind == ErrorKind::cancelled);
}

TEST_CASE("an answer longer than max_body is an error") {
  const Peer peer([](const std::string&) { return ok(std::string(1000, 'x')); });
  HttpClient client;
  const auto longer = client.call({.url = peer.url(), .max_body = 999});
  REQUIRE_FALSE(longer);
  CHECK(longer.error().kind == ErrorKind::protocol);
  CHECK(longer.error().message == fmt::format("GET {}: the answer is longer than 999 bytes", peer.url()));
  CHECK(client.call({.url = peer.url(), .max_body = 1000}));
}

TEST_CASE("what goes wrong on the way is named with method, URL and cause") {
  HttpClient client;
  SECTION("nothing listens") {
    int port = 0;
    {
      const Peer gone([](const std::string&) { return ""; });
      port = gone.port();
    }
    const auto reply = client.call({.method = "DELETE", .url = fmt::format("http://127.0.0.1:{}/x", port)});
    REQUIRE_FALSE(reply);
    CHECK(reply.error().kind == ErrorKind::unavailable);
    CHECK(reply.error().message ==
          fmt::format("DELETE http://127.0.0.1:{}/x: cannot connect: Connection refused", port));
    CHECK(reply.error().hint == "check the address, and that something listens there");
  }
  SECTION("a name that does not exist") {
    const auto reply = client.call({.url = "http://nowhere.invalid/"});
    REQUIRE_FALSE(reply);
    CHECK(reply.error().kind == ErrorKind::unavailable);
    CHECK(reply.error().message == "GET http://nowhere.invalid/: the host's name cannot be resolved");
  }
  SECTION("the peer closes without an answer") {
    const Peer peer([](const std::string&) { return ""; });
    const auto reply = client.call({.url = peer.url()});
    REQUIRE_FALSE(reply);
    CHECK(reply.error().kind == ErrorKind::unavailable);
    CHECK(reply.error().message ==
          fmt::format("GET {}: the connection was closed without an answer", peer.url()));
  }
  SECTION("the peer resets") {
    const Peer peer([](const std::string&) { return "(reset)"; });
    const auto reply = client.call({.url = peer.url()});
    REQUIRE_FALSE(reply);
    CHECK(reply.error().kind == ErrorKind::unavailable);
    CHECK(reply.error().message ==
          fmt::format("GET {}: the connection was lost: Recv failure: Connection reset by peer", peer.url()));
  }
  SECTION("the answer is cut in the middle") {
    const Peer peer([](const std::string&) {
      return "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 10\r\n\r\nabc";
    });
    const auto reply = client.call({.url = peer.url()});
    REQUIRE_FALSE(reply);
    CHECK(reply.error().kind == ErrorKind::unavailable);
    CHECK(reply.error().message ==
          fmt::format("GET {}: the connection was closed in the middle of the answer", peer.url()));
  }
  SECTION("the peer does not speak HTTP") {
    const Peer peer([](const std::string&) { return "220 ready\r\n"; });
    const auto reply = client.call({.url = peer.url(), .timeout = 1s});
    REQUIRE_FALSE(reply);
    CHECK(reply.error().kind == ErrorKind::protocol);
  }
}

TEST_CASE("credentials are sent but never shown") {
  SECTION("sent") {
    const Peer peer([](const std::string& request) { return ok(request); });
    HttpClient client;
    const auto reply = client.call({.url = fmt::format("http://user:secret@127.0.0.1:{}/", peer.port())});
    REQUIRE(reply);
    CHECK(reply->body.find("Authorization: Basic dXNlcjpzZWNyZXQ=") != std::string::npos);
  }
  SECTION("not shown") {
    const Peer peer([](const std::string&) { return "(silence)"; });
    HttpClient client;
    const auto reply = client.call(
        {.url = fmt::format("http://user:secret@127.0.0.1:{}/a@b", peer.port()), .timeout = 20ms});
    REQUIRE_FALSE(reply);
    CHECK(reply.error().message == fmt::format("GET {}: no complete answer within 20ms", peer.url("/a@b")));
    const auto unreadable = client.call({.url = "http://user:secret@host:99999/"});
    REQUIRE_FALSE(unreadable);
    CHECK(unreadable.error().message ==
          "\"http://host:99999/\" is not a URL: the port is not a number from 0 to 65535");
  }
}

TEST_CASE("a call that cannot be written down is a usage error") {
  HttpClient client;
  const auto method = client.call({.method = "GET /x", .url = "http://127.0.0.1:9/"});
  REQUIRE_FALSE(method);
  CHECK(method.error().kind == ErrorKind::usage);
  CHECK(method.error().message == "\"GET /x\" is not an HTTP method");
  const auto header = client.call({.url = "http://127.0.0.1:9/", .headers = {{"X-A", "1\r\nX-B: 2"}}});
  REQUIRE_FALSE(header);
  CHECK(header.error().kind == ErrorKind::usage);
  CHECK(header.error().message ==
        "the header \"X-A\" cannot be sent: its name or value holds a character that headers cannot hold");
  const auto url = client.call({.url = "ftp://127.0.0.1/"});
  REQUIRE_FALSE(url);
  CHECK(url.error().kind == ErrorKind::usage);
}

TEST_CASE("a proxy from the environment is not used for loopback") {
  ::setenv("http_proxy", "http://127.0.0.1:1", 1);
  const Peer peer([](const std::string&) { return ok("direct"); });
  HttpClient client;
  const auto reply = client.call({.url = peer.url()});
  const auto other = client.call({.url = "http://192.0.2.1/", .timeout = 2s});
  ::unsetenv("http_proxy");
  REQUIRE(reply);
  CHECK(reply->body == "direct");
  REQUIRE_FALSE(other);  // went to the proxy, where nothing listens
  CHECK(other.error().message == "GET http://192.0.2.1/: cannot connect: Connection refused");
}

TEST_CASE("a URL is taken apart") {
  struct Row {
    std::string text, scheme, host, target, authority;
    int port;
  };
  const auto row = GENERATE(values<Row>({
      {"http://127.0.0.1:9090", "http", "127.0.0.1", "/", "127.0.0.1:9090", 9090},
      {"http://example.org/a/b?x=1&y=2#frag", "http", "example.org", "/a/b?x=1&y=2", "example.org:80", 80},
      {"https://example.org?x=1", "https", "example.org", "/?x=1", "example.org:443", 443},
      {"localhost:8080/x", "http", "localhost", "/x", "localhost:8080", 8080},
      {"localhost:8080/x?next=http://other", "http", "localhost", "/x?next=http://other", "localhost:8080",
       8080},
      {"HTTP://[::1]:80/", "http", "::1", "/", "[::1]:80", 80},
      {"http://user:pass@host:1/", "http", "host", "/", "host:1", 1},
  }));
  CAPTURE(row.text);
  const auto url = parse_url(row.text);
  REQUIRE(url);
  CHECK(url->scheme == row.scheme);
  CHECK(url->host == row.host);
  CHECK(url->port == row.port);
  CHECK(url->target == row.target);
  CHECK(url->authority() == row.authority);
}

TEST_CASE("what is not a URL is refused with the reason") {
  const auto [text, why] = GENERATE(table<std::string, std::string>({
      {"", "\"\" is not a URL: it is empty"},
      {"http://", "\"http://\" is not a URL: the host is missing"},
      {"http:///path", "\"http:///path\" is not a URL: the host is missing"},
      {"http://host:port/", "\"http://host:port/\" is not a URL: the port is not a number from 0 to 65535"},
      {"ftp://host/", "\"ftp://host/\" is not a URL: the scheme is neither http nor https"},
      {"http://a b/", "\"http://a b/\" is not a URL: it holds a space or a control character"},
      {"http://admin:pa/ss@host:1",
       "\"http://host:1\" is not a URL: the port is not a number from 0 to 65535"},
  }));
  CAPTURE(text);
  const auto url = parse_url(text);
  REQUIRE_FALSE(url);
  CHECK(url.error().kind == ErrorKind::invalid_input);
  CHECK(url.error().message == why);
}

TEST_CASE("a query value is percent-encoded but for unreserved characters") {
  CHECK(percent_encoded("AZaz09-._~") == "AZaz09-._~");
  CHECK(percent_encoded("a b+c/d?e&f=g%") == "a%20b%2Bc%2Fd%3Fe%26f%3Dg%25");
  CHECK(percent_encoded("up{job=\"x\"} \xC3\xA9") == "up%7Bjob%3D%22x%22%7D%20%C3%A9");
}
