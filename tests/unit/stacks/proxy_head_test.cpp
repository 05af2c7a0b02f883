// What the fault proxy reads in the heads of messages, and what it refuses to read.
#include <string>
#include <tuple>

#include "stacks/proxy/http_head.hpp"
#include "tests/support/catch.hpp"

using namespace obsctl::stacks;
using Kind = BodyFraming::Kind;

namespace {

std::string refusal_of(const std::string& head) {
  const auto parsed = parse_request_head(head);
  return parsed ? "none" : std::to_string(parsed.error().status) + " " + std::string(parsed.error().reason);
}

/// A head with these lines after a good beginning.
std::string with(const std::string& lines) {
  return "POST /a HTTP/1.1\r\nHost: h\r\n" + lines + "\r\n";
}

}  // namespace

TEST_CASE("a request's head says how its body is framed and whether the connection stays") {
  const auto [head, framing, keep_alive] = GENERATE(table<std::string, BodyFraming, bool>({
      {"GET / HTTP/1.1\r\nHost: h\r\n\r\n", BodyFraming{}, true},
      {with("Content-Length: 0\r\n"), BodyFraming{}, true},
      {with("content-LENGTH:  12 \t\r\n"), {Kind::sized, 12}, true},
      {with("Transfer-Encoding: Chunked\r\n"), {Kind::chunked}, true},
      {with("Connection: close\r\n"), BodyFraming{}, false},
      {with("Connection: Keep-Alive,  CLOSE \r\n"), BodyFraming{}, false},
      {"GET / HTTP/1.0\r\n\r\n", BodyFraming{}, false},
      {"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", BodyFraming{}, true},
  }));
  INFO(head);
  const auto parsed = parse_request_head(head);
  REQUIRE(parsed.has_value());
  CHECK(parsed->body == framing);
  CHECK(parsed->keep_alive == keep_alive);
}

TEST_CASE("a request that two parsers could read differently is refused") {
  const auto [head, reason] = GENERATE(table<std::string, std::string>({
      {with("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"),
       "400 there are both Content-Length and Transfer-Encoding"},
      {with("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"),
       "400 there are both Content-Length and Transfer-Encoding"},
      {with("Content-Length: 5\r\nContent-Length: 5\r\n"), "400 there is more than one Content-Length"},
      {with("Content-Length: 5, 5\r\n"), "400 Content-Length is not a number"},
      {with("Content-Length: +5\r\n"), "400 Content-Length is not a number"},
      {with("Content-Length: -1\r\n"), "400 Content-Length is not a number"},
      {with("Content-Length: 0x5\r\n"), "400 Content-Length is not a number"},
      {with("Content-Length:\r\n"), "400 Content-Length is not a number"},
      {with("Content-Length: 1000000000000000000\r\n"), "400 Content-Length is not a number"},
      {with("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"),
       "400 there is more than one Transfer-Encoding"},
      {with("Transfer-Encoding: gzip, chunked\r\n"), "501 the only transfer coding known here is chunked"},
      {with("Transfer-Encoding: xchunked\r\n"), "501 the only transfer coding known here is chunked"},
      {with("Transfer-Encoding : chunked\r\n"), "400 the name of a header field cannot be read"},
      {with("Transfer-Encoding\t: chunked\r\n"), "400 the name of a header field cannot be read"},
      {with("A: 1\r\n Transfer-Encoding: chunked\r\n"), "400 the name of a header field cannot be read"},
      {with("A: 1\nTransfer-Encoding: chunked\r\n"), "400 a line of the header does not end with CR LF"},
      {with("A: 1\rTransfer-Encoding: chunked\r\n"), "400 a header field has a control character"},
      {with(std::string("A: 1\0\r\n", 7)), "400 a header field has a control character"},
      {with("no colon\r\n"), "400 the name of a header field cannot be read"},
      {with(": empty\r\n"), "400 the name of a header field cannot be read"},
      {with("Host: other\r\n"), "400 there is more than one Host field"},
      {with("Connection: Host\r\n"), "400 Connection names a field that frames the message"},
      {with("Connection: a\r\nConnection: b\r\n"), "400 more than one Connection field names others"},
      {"GET / HTTP/1.1\r\n\r\n", "400 the Host field is missing"},
      {"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
       "400 HTTP/1.0 does not have Transfer-Encoding"},
      {"GET / HTTP/1.1\nHost: h\r\n\r\n", "400 the request's target cannot be read"},
      {"GET  / HTTP/1.1\r\nHost: h\r\n\r\n", "400 the request's target cannot be read"},
      {"GET /a b HTTP/1.1\r\nHost: h\r\n\r\n", "400 the request's target cannot be read"},
      {"GET /\r\nHost: h\r\n\r\n", "400 the request line cannot be read"},
      {"G(T / HTTP/1.1\r\nHost: h\r\n\r\n", "400 the request's method cannot be read"},
      {" / HTTP/1.1\r\nHost: h\r\n\r\n", "400 the request's method cannot be read"},
      {"GET / HTTP/2.0\r\nHost: h\r\n\r\n", "505 only HTTP/1.0 and HTTP/1.1 are spoken here"},
      {"GET / http/1.1\r\nHost: h\r\n\r\n", "400 the request line cannot be read"},
  }));
  INFO(head);
  CHECK(refusal_of(head) == reason);
}

TEST_CASE("an answer's framing depends on its status and on the request") {
  using enum AnswerTo;
  const auto [lines, to, framing, tunnel] = GENERATE(table<std::string, AnswerTo, BodyFraming, bool>({
      {"200 OK\r\nContent-Length: 3\r\n", other, {Kind::sized, 3}, false},
      {"200 OK\r\nContent-Length: 3\r\n", head, BodyFraming{}, false},
      {"200 OK\r\nTransfer-Encoding: chunked\r\n", other, {Kind::chunked}, false},
      {"200 OK\r\nTransfer-Encoding: chunked\r\n", head, BodyFraming{}, false},
      {"200\r\n", other, {Kind::until_close}, false},
      {"204 No Content\r\nContent-Length: 3\r\n", other, BodyFraming{}, false},
      {"304 Not Modified\r\nContent-Length: 3\r\n", other, BodyFraming{}, false},
      {"100 Continue\r\n", other, BodyFraming{}, false},
      {"101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n", other, BodyFraming{}, true},
      {"200 Connected\r\n", connect, BodyFraming{}, true},
      {"403 Forbidden\r\nContent-Length: 3\r\n", connect, {Kind::sized, 3}, false},
  }));
  const auto parsed = parse_response_head("HTTP/1.1 " + lines + "\r\n", to);
  INFO(lines);
  REQUIRE(parsed.has_value());
  CHECK(parsed->body == framing);
  CHECK(parsed->tunnel == tunnel);
}

TEST_CASE("an answer that cannot be understood is refused with 502") {
  const auto [head, reason] = GENERATE(table<std::string, std::string>({
      {"HTTP/1.1 2000 OK\r\n\r\n", "the status line of the upstream's answer cannot be read"},
      {"HTTP/1.1 20 OK\r\n\r\n", "the status line of the upstream's answer cannot be read"},
      {"HTTP/1.1 099 OK\r\n\r\n", "the status line of the upstream's answer cannot be read"},
      {"HTTP/1.1\r\n\r\n", "the status line of the upstream's answer cannot be read"},
      {"ICY 200 OK\r\n\r\n", "the status line of the upstream's answer cannot be read"},
      {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
       "there are both Content-Length and Transfer-Encoding"},
      {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
       "there is more than one Content-Length"},
  }));
  INFO(head);
  const auto parsed = parse_response_head(head, AnswerTo::other);
  REQUIRE(!parsed.has_value());
  CHECK(parsed.error().status == 502);
  CHECK(parsed.error().reason == reason);
}

TEST_CASE("a head goes on without what concerns one connection only") {
  const auto [head, forwarded] = GENERATE(table<std::string, std::string>({
      {"GET /a HTTP/1.1\r\nhost: H\r\nX: 1\r\n\r\n", "GET /a HTTP/1.1\r\nhost: H\r\nX: 1\r\nN: 1\r\n\r\n"},
      {"GET /a HTTP/1.1\r\nConnection: close\r\nHost: H\r\nKeep-Alive: 5\r\nProxy-Connection: x\r\n\r\n",
       "GET /a HTTP/1.1\r\nHost: H\r\nN: 1\r\n\r\n"},
      {"GET /a HTTP/1.1\r\nX-Mine: 1\r\nHost: H\r\nConnection: x-mine, close\r\nB: 2\r\n\r\n",
       "GET /a HTTP/1.1\r\nHost: H\r\nB: 2\r\nN: 1\r\n\r\n"},
  }));
  const auto parsed = parse_request_head(head);
  REQUIRE(parsed.has_value());
  std::string out;
  append_forwarded(out, head, parsed->dropped, "N: 1\r\n");
  CHECK(out == forwarded);
}

TEST_CASE("the end of a head is found wherever the bytes are cut") {
  const std::string head = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
  std::size_t searched = 0;
  for (std::size_t size = 1; size < head.size(); ++size)
    REQUIRE(head_size(head.substr(0, size), searched) == std::string::npos);
  CHECK(head_size(head + "more", searched) == head.size());
}

TEST_CASE("the path of a target has neither query nor host") {
  CHECK(path_of("/a/b?c=d") == "/a/b");
  CHECK(path_of("http://host:80/a?b") == "/a");
  CHECK(path_of("http://host") == "/");
  CHECK(path_of("host:443") == "");
  CHECK(path_of("*") == "");
}
