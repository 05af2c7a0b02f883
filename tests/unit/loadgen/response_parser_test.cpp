// The response parser: split at every byte, cut off at every byte, and fed with damaged answers.
#include "loadgen/response_parser.hpp"

#include <random>
#include <string>
#include <tuple>

#include "tests/support/catch.hpp"

using obsctl::loadgen::ResponseParser;
using State = ResponseParser::State;

namespace {

struct Case {
  std::string bytes;
  bool head = false;
  int status = 200;
  bool keep_alive = true;
  std::string body;
};

const std::vector<Case>& good_answers() {
  static const std::vector<Case> cases = {
      {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\npong\n", false, 200, true, "pong\n"},
      {"HTTP/1.1 200\r\ncontent-length: 0\r\n\r\n", false, 200, true, ""},
      {"HTTP/1.1 204 No Content\r\nServer: x\r\n\r\n", false, 204, true, ""},
      {"HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\n\r\n", false, 304, true, ""},
      {"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n", true, 200, true, ""},
      {"HTTP/1.1 503 Service Unavailable\r\nConnection: Close\r\nContent-Length: 2\r\n\r\nno", false, 503,
       false, "no"},
      {"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi", false, 200, false, "hi"},
      {"HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 2\r\n\r\nhi", false, 200, true, "hi"},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nwiki\r\n6;x=y\r\npedia \r\nA\r\nin "
       "chunks.\r\n0\r\nT: v\r\n\r\n",
       false, 200, true, "wikipedia in chunks."},
      {"HTTP/1.1 200 OK\nContent-Length: 2\n\nhi", false, 200, true, "hi"},
      {"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 "
       "Created\r\nContent-Length: "
       "1\r\n\r\n!",
       false, 201, true, "!"},
      {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc", false, 200, true, "abc"},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\nContent-Length: 9\r\n\r\n1\r\nx\r\n0\r\n\r\n",
       false, 200, false, "x"},
  };
  return cases;
}

void check_done(const ResponseParser& parser, const Case& wanted) {
  CHECK(parser.status() == wanted.status);
  CHECK(parser.keep_alive() == wanted.keep_alive);
  CHECK(parser.body() == wanted.body);
  CHECK(parser.body_bytes() == static_cast<std::int64_t>(wanted.body.size()));
}

}  // namespace

TEST_CASE("an answer is read alike however it is split") {
  const Case wanted = GENERATE(from_range(good_answers()));
  CAPTURE(wanted.bytes);
  ResponseParser parser;
  for (std::size_t first = 0; first <= wanted.bytes.size(); ++first) {
    for (std::size_t second = first; second <= wanted.bytes.size(); second += 7) {
      parser.reset(wanted.head, {true, 1000});
      State state = State::more;
      const std::string_view all = wanted.bytes;
      for (std::string_view part :
           {all.substr(0, first), all.substr(first, second - first), all.substr(second)}) {
        if (state == State::more) state = parser.feed(part);
      }
      REQUIRE(state == State::done);
      check_done(parser, wanted);
    }
  }
}

TEST_CASE("an answer is read byte by byte") {
  const Case wanted = GENERATE(from_range(good_answers()));
  ResponseParser parser;
  parser.reset(wanted.head, {false, 1000});
  for (std::size_t i = 0; i < wanted.bytes.size(); ++i) {
    std::string_view byte(&wanted.bytes[i], 1);
    REQUIRE(parser.feed(byte) == (i + 1 == wanted.bytes.size() ? State::done : State::more));
  }
  check_done(parser, wanted);
}

TEST_CASE("an answer that is cut off is not taken for a whole one") {
  const Case wanted = GENERATE(from_range(good_answers()));
  for (std::size_t length = 0; length < wanted.bytes.size(); ++length) {
    ResponseParser parser;
    parser.reset(wanted.head);
    std::string_view part = std::string_view(wanted.bytes).substr(0, length);
    REQUIRE(parser.feed(part) == State::more);
    REQUIRE(parser.end_of_stream() == State::failed);
    CHECK(std::string(parser.failure()) ==
          (length == 0 ? "closed without an answer" : "closed in the middle of an answer"));
  }
}

TEST_CASE("what follows an answer is left in the input") {
  ResponseParser parser;
  parser.reset(false);
  std::string_view input = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhiHTTP/1.1 500";
  REQUIRE(parser.feed(input) == State::done);
  CHECK(input == "HTTP/1.1 500");
}

TEST_CASE("an answer without a length ends with the connection") {
  ResponseParser parser;
  parser.reset(false, {false, 3});
  std::string_view input = "HTTP/1.1 200 OK\r\n\r\nabcdef";
  CHECK(parser.feed(input) == State::more);
  CHECK(parser.end_of_stream() == State::done);
  CHECK(!parser.keep_alive());
  CHECK(parser.body() == "abc");
  CHECK(parser.body_bytes() == 6);
}

TEST_CASE("what is not an answer is refused with the reason") {
  const auto [bytes, why] = GENERATE(table<std::string, std::string>({
      {"SSH-2.0-OpenSSH_9.2\r\n", "not an HTTP/1 answer"},
      {"HTTP/2 200\r\n", "not an HTTP/1 answer"},
      {"HTTP/1.1 2x0 OK\r\n", "not an HTTP/1 answer"},
      {"HTTP/1.1 2000 OK\r\n", "not an HTTP/1 answer"},
      {"HTTP/1.1 099 No\r\n", "the status is below 100"},
      {"HTTP/1.1 101 Switching\r\n\r\n", "the server switched protocols"},
      {"HTTP/1.1 200 OK\r\nno colon\r\n", "a header line has no name"},
      {"HTTP/1.1 200 OK\r\nA : b\r\n", "a header name has blanks around it"},
      {"HTTP/1.1 200 OK\r\n folded: b\r\n", "a header name has blanks around it"},
      {"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n", "the Content-Length is not a number"},
      {"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n", "the Content-Length is not a number"},
      {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n",
       "there are two different Content-Lengths"},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", "a chunk's size is not a number"},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1111111111111111\r\n",
       "a chunk's size is too large"},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n", "a chunk is longer than it says"},
      {std::string(20'000, 'H'), "a line is too long"},
  }));
  CAPTURE(bytes);
  ResponseParser parser;
  parser.reset(false);
  std::string_view input = bytes;
  REQUIRE(parser.feed(input) == State::failed);
  CHECK(std::string(parser.failure()) == why);
  CHECK(!parser.keep_alive());
}

TEST_CASE("endless headers and endless interim answers come to an end") {
  ResponseParser parser;
  parser.reset(false);
  State state = State::more;
  std::string_view start = "HTTP/1.1 200 OK\r\n";
  parser.feed(start);
  const std::string header = "X: " + std::string(1000, 'y') + "\r\n";
  for (int i = 0; i < 100 && state == State::more; ++i) {
    std::string_view input = header;
    state = parser.feed(input);
  }
  CHECK(state == State::failed);
  CHECK(std::string(parser.failure()) == "the headers are too long");

  parser.reset(false);
  state = State::more;
  for (int i = 0; i < 100 && state == State::more; ++i) {
    std::string_view input = "HTTP/1.1 100 Continue\r\n\r\n";
    state = parser.feed(input);
  }
  CHECK(std::string(parser.failure()) == "too many interim answers");
}

TEST_CASE("damaged answers never confuse the parser, and splitting never changes what it says") {
  std::mt19937_64 random(GENERATE(1, 2, 3, 4));
  const auto& seeds = good_answers();
  for (int round = 0; round < 5000; ++round) {
    std::string bytes = seeds[random() % seeds.size()].bytes;
    for (std::size_t n = random() % 6; n > 0; --n) {
      const std::size_t at = random() % bytes.size();
      switch (random() % 4) {
        case 0:
          bytes[at] = static_cast<char>(random());
          break;
        case 1:
          bytes.erase(at, 1 + random() % 3);
          break;
        case 2:
          bytes.insert(at, bytes.substr(random() % bytes.size(), random() % 20));
          break;
        default:
          bytes.insert(at, 1, "\r\n:0 ;,"[random() % 7]);
          break;
      }
      if (bytes.empty()) bytes = "H";
    }
    ResponseParser whole;
    whole.reset(false, {true, 100});
    std::string_view input = bytes;
    const State state = whole.feed(input);
    ResponseParser split;
    split.reset(false, {true, 100});
    State split_state = State::more;
    std::string_view rest = bytes;
    std::size_t left = rest.size();
    while (!rest.empty() && split_state == State::more) {
      std::string_view part = rest.substr(0, 1 + random() % 9);
      const std::size_t size = part.size();
      split_state = split.feed(part);
      rest.remove_prefix(size - part.size());
      left = rest.size();
    }
    CAPTURE(bytes);
    REQUIRE(split_state == state);
    if (state == State::done) {
      REQUIRE(left == input.size());
      REQUIRE(split.body() == whole.body());
      REQUIRE(split.headers() == whole.headers());
    }
    if (state == State::failed) REQUIRE(std::string(split.failure()) == whole.failure());
  }
}
