// Where the fault proxy sees the end of a body.
#include <string>

#include "stacks/proxy/http_body.hpp"
#include "tests/support/catch.hpp"

using namespace obsctl::stacks;
using Kind = BodyFraming::Kind;

namespace {

struct Reading {
  std::size_t used = 0;
  bool done = false;
  bool failed = false;
};

Reading read(BodyFraming framing, std::string_view bytes, std::size_t piece) {
  BodyReader reader;
  reader.start(framing);
  Reading reading;
  while (!bytes.empty() && !reader.done() && !reader.failed()) {
    const std::size_t used = reader.take(bytes.substr(0, piece));
    reading.used += used;
    bytes.remove_prefix(used);
  }
  reading.done = reader.done();
  reading.failed = reader.failed();
  return reading;
}

}  // namespace

TEST_CASE("a body ends where its framing says, however the bytes are cut") {
  const std::size_t piece = GENERATE(std::size_t{1}, std::size_t{3}, std::size_t{1000});
  const auto [framing, body] = GENERATE(table<BodyFraming, std::string>({
      {BodyFraming{}, ""},
      {{Kind::sized, 5}, "hello"},
      {{Kind::chunked}, "0\r\n\r\n"},
      {{Kind::chunked}, "5\r\nhello\r\n0\r\n\r\n"},
      {{Kind::chunked}, "A;x=\"y\"\r\n0123456789\r\n000a\r\n0123456789\r\n00\r\n\r\n"},
      {{Kind::chunked}, "1 \r\n\n\r\n0\r\nTrailer: 1\r\nOther: 2\r\n\r\n"},
  }));
  INFO(body);
  const Reading reading = read(framing, body + "GET", piece);
  CHECK(reading.used == body.size());
  CHECK(reading.done);
}

TEST_CASE("a body until the end of the connection takes everything") {
  const Reading reading = read({Kind::until_close}, "whatever\r\n\r\n", 4);
  CHECK(reading.used == 12);
  CHECK(!reading.done);
}

TEST_CASE("chunks that could be read in two ways are refused") {
  const std::size_t piece = GENERATE(std::size_t{1}, std::size_t{1000});
  const std::string body =
      GENERATE("5\nhello\r\n0\r\n\r\n", "5\r\nhello0\r\n\r\n", "5\r\nhello\n0\r\n\r\n", "\r\n", "x\r\n",
               "-1\r\n", "0x5\r\nhello\r\n", " 5\r\nhello\r\n", "5\r\r\n", "5;a\nb\r\n",
               "10000000000000000\r\n", "0\r\nTrailer: 1\n\r\n", "0\r\n\rx", ";\r\n");
  INFO(body);
  CHECK(read({Kind::chunked}, body, piece).failed);
}

TEST_CASE("lines of chunks without end are refused") {
  CHECK(read({Kind::chunked}, "5;" + std::string(BodyReader::kMaxLine + 1, 'x'), 100).failed);
  CHECK(read({Kind::chunked}, std::string(BodyReader::kMaxLine + 1, '0'), 100).failed);
  CHECK(read({Kind::chunked}, "0\r\nT: " + std::string(BodyReader::kMaxTrailer, 'x'), 100).failed);
}
