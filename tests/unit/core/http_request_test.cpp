// The reader has to give the same requests however the bytes are cut, and a defined answer to what is not a
// request.
#include "core/http_request.hpp"

#include <string>
#include <vector>

#include "tests/support/catch.hpp"

using obsctl::core::HttpRequest;
using obsctl::core::RequestReader;

namespace {

constexpr std::size_t kMaxHeader = 1024;
constexpr std::size_t kMaxBody = 256;

struct Reading {
  std::vector<HttpRequest> requests;
  int status = 0;
  std::string reason;
  bool midway = false;
};

/// Offers the bytes in pieces of `piece`, as a connection does.
Reading read_in_pieces(std::string_view bytes, std::size_t piece) {
  RequestReader reader(kMaxHeader, kMaxBody);
  Reading reading;
  std::string pending;
  while (!bytes.empty()) {
    pending += bytes.substr(0, piece);
    bytes.remove_prefix(std::min(piece, bytes.size()));
    for (;;) {
      const std::size_t used = reader.read(pending);
      pending.erase(0, used);
      if (reader.failure().status != 0) {
        reading.status = reader.failure().status;
        reading.reason = reader.failure().reason;
        return reading;
      }
      if (!reader.complete()) break;
      reading.requests.push_back(reader.take());
      if (pending.empty()) break;
    }
  }
  reading.midway = reader.midway() || !pending.empty();
  return reading;
}

}  // namespace

TEST_CASE("requests are read the same however their bytes are cut") {
  const std::string bytes =
      "\r\nPOST /a?x=1 HTTP/1.1\r\nHost: h\r\nX-One:  1 \r\nContent-Length: 5\r\n\r\nhello"
      "PUT /chunked HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
      "3;ext=\"q\"\r\nabc\r\n5\r\ndefgh\r\n0\r\nTrailer: t\r\n\r\n"
      "PUT /nothing HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
      "GET /old HTTP/1.0\r\n\r\n"
      "GET /last HTTP/1.1\r\nhost: h\r\nConnection: close\r\n\r\n";
  const std::size_t piece = GENERATE(range(std::size_t{1}, std::size_t{80}), std::size_t{100000});
  CAPTURE(piece);
  const Reading reading = read_in_pieces(bytes, piece);
  CHECK(reading.status == 0);
  CHECK_FALSE(reading.midway);
  REQUIRE(reading.requests.size() == 5);
  CHECK(reading.requests[0].method() == "POST");
  CHECK(reading.requests[0].target() == "/a?x=1");
  CHECK(reading.requests[0].header("x-ONE") == "1");
  CHECK(reading.requests[0].header("X-Two") == "");
  CHECK(reading.requests[0].body() == "hello");
  CHECK(reading.requests[0].keep_alive());
  CHECK(reading.requests[1].body() == "abcdefgh");
  CHECK(reading.requests[1].header("Trailer") == "");
  CHECK(reading.requests[2].body() == "");
  CHECK(reading.requests[3].is_http_1_0());
  CHECK_FALSE(reading.requests[3].keep_alive());
  CHECK(reading.requests[4].target() == "/last");
  CHECK_FALSE(reading.requests[4].keep_alive());
}

TEST_CASE("what is not a request is refused with a status and a reason") {
  struct Case {
    std::string bytes;
    int status;
    std::string reason;
  };
  const std::string long_text(kMaxHeader, 'x');
  const auto one = GENERATE_COPY(values<Case>({
      {"\x16\x03\x01\x02 tls\r\n\r\n", 400, "the request's method cannot be read"},
      {"GET /\x01 HTTP/1.1\r\n\r\n", 400, "the request's target cannot be read"},
      {"GET / HTTP/2.0\r\n\r\n", 505, "only HTTP/1.0 and HTTP/1.1 are spoken here"},
      {"GET / HTTP/1.1\r\nHost: h\r\nbad name: 1\r\n\r\n", 400, "a header field cannot be read"},
      {"GET / HTTP/1.1\r\n\r\n", 400, "the Host field is missing"},
      {"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400, "there is more than one Host field"},
      {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: x\r\n\r\n", 400,
       "Content-Length cannot be read, or contradicts another field"},
      {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400,
       "Content-Length cannot be read, or contradicts another field"},
      {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400,
       "Transfer-Encoding contradicts another field"},
      {"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip\r\n\r\n", 501,
       "the only transfer coding known here is chunked"},
      {"POST / HTTP/1.1\r\nHost: h\r\nExpect: miracles\r\n\r\n", 417,
       "the only expectation known here is 100-continue"},
      {"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", 400,
       "a chunk of the body cannot be read"},
      {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 257\r\n\r\n", 413, "the request's body is too large"},
      {"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n" + std::string(255, 'x') +
           "\r\n2\r\nxx\r\n0\r\n\r\n",
       413, "the request's body is too large"},
      {"GET /" + long_text + " HTTP/1.1\r\nHost: h\r\n\r\n", 431, "the request's header is too large"},
      {"GET / HTTP/1.1\r\nHost: h\r\nX: " + long_text + "\r\n\r\n", 431, "the request's header is too large"},
      {"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1;" + long_text, 431,
       "the request's header is too large"},
  }));
  const std::size_t piece = GENERATE(std::size_t{1}, std::size_t{7}, std::size_t{100000});
  CAPTURE(one.bytes.substr(0, 60), piece);
  const Reading reading = read_in_pieces(one.bytes, piece);
  CHECK(reading.requests.empty());
  CHECK(reading.status == one.status);
  CHECK(reading.reason == one.reason);
}

TEST_CASE("a header that comes field by field is limited as a whole") {
  std::string bytes = "GET / HTTP/1.1\r\nHost: h\r\n";
  for (int i = 0; i < 100; ++i) bytes += "X-Field: 0123456789\r\n";
  CHECK(read_in_pieces(bytes, 21).status == 431);
}

TEST_CASE("a body of exactly the limit is read") {
  const std::string body(kMaxBody, 'b');
  const Reading reading =
      read_in_pieces("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 256\r\n\r\n" + body, 50);
  REQUIRE(reading.requests.size() == 1);
  CHECK(reading.requests[0].body() == body);
}

TEST_CASE("a client that waits for 100 Continue is told so once, and only before its body") {
  RequestReader reader(kMaxHeader, kMaxBody);
  reader.read("POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  CHECK(reader.wants_continue());
  CHECK_FALSE(reader.wants_continue());

  RequestReader eager(kMaxHeader, kMaxBody);
  eager.read("POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nx");
  CHECK_FALSE(eager.wants_continue());
}
