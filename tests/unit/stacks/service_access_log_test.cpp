// The access log: every line is JSON whatever clients send, none is lost when the service ends.
#include <algorithm>
#include <array>
#include <thread>

#include <nlohmann/json.hpp>
#include <poll.h>
#include <unistd.h>

#include "core/text.hpp"
#include "stacks/services/access_log.hpp"
#include "stacks/services/request_id.hpp"
#include "tests/support/catch.hpp"

using namespace std::chrono_literals;
using namespace obsctl::stacks;
using obsctl::core::WallTime;

namespace {

class Pipe {
 public:
  Pipe() { REQUIRE(::pipe(ends_.data()) == 0); }
  ~Pipe() {
    close_writing();
    ::close(ends_[0]);
  }
  int reading_end() const { return ends_[0]; }
  int writing_end() const { return ends_[1]; }
  std::string contents() {
    close_writing();
    std::string text;
    std::array<char, 4096> bytes{};
    for (ssize_t got = 0; (got = ::read(ends_[0], bytes.data(), bytes.size())) > 0;)
      text.append(bytes.data(), static_cast<std::size_t>(got));
    return text;
  }

 private:
  void close_writing() {
    if (ends_[1] >= 0) ::close(ends_[1]);
    ends_[1] = -1;
  }
  std::array<int, 2> ends_{-1, -1};
};

int lines_written(AccessLogOptions options, int ok, int failed) {
  Pipe pipe;
  options.descriptor = pipe.writing_end();
  {
    AccessLog log(options);
    const auto request = [&](int status) {
      if (log.wants(status)) log.write(WallTime(1s), {.status = status});
    };
    for (int i = 0; i < ok; ++i) request(200);
    for (int i = 0; i < failed; ++i) request(i % 2 == 0 ? 404 : 503);
  }
  const std::string text = pipe.contents();
  return static_cast<int>(std::count(text.begin(), text.end(), '\n'));
}

}  // namespace

TEST_CASE("a request is one line of JSON") {
  std::string line;
  append_access_line(line, "2026-11-21T03:38:26.405Z",
                     {.request_id = "abc",
                      .method = "GET",
                      .path = "/api/v1/ping",
                      .route = "/api/v1/ping",
                      .remote = "127.0.0.1",
                      .user_agent = "curl/8",
                      .faults = "latency,error-rate",
                      .status = 503,
                      .bytes = 18,
                      .duration = 1'002'034us});
  CHECK(
      line ==
      R"({"time":"2026-11-21T03:38:26.405Z","level":"info","message":"request","request_id":"abc","method":"GET",)"
      R"("path":"/api/v1/ping","route":"/api/v1/ping","status":503,"duration_ms":1002.034,"bytes":18,)"
      R"("remote":"127.0.0.1","user_agent":"curl/8","faults":"latency,error-rate"})"
      "\n");
}

TEST_CASE("whatever clients send, a line stays JSON") {
  std::string line;
  append_access_line(line, "t", {.path = "/\"\\\n\x01", .user_agent = "caf\xc3\xa9 \xff"});
  const auto parsed = nlohmann::json::parse(line);
  CHECK(parsed.at("path") == "/\"\\\n\x01");
  CHECK(parsed.at("user_agent") == "caf\u00c3\u00a9 \u00ff");  // byte for byte, as Latin-1
}

TEST_CASE("times go on within and across seconds") {
  Pipe pipe;
  {
    AccessLog log({.descriptor = pipe.writing_end()});
    for (const auto at : {1'700'000'000'007ms, 1'700'000'000'999ms, 1'700'000'001'000ms, 1'700'000'000'120ms})
      log.write(WallTime(at), {});
  }
  std::vector<std::string> times;
  const std::string text = pipe.contents();
  for (const std::string_view line : obsctl::core::split(obsctl::core::trimmed(text), '\n'))
    times.push_back(nlohmann::json::parse(line).at("time"));
  CHECK(times == std::vector<std::string>{"2023-11-14T22:13:20.007Z", "2023-11-14T22:13:20.999Z",
                                          "2023-11-14T22:13:21.000Z", "2023-11-14T22:13:20.120Z"});
}

TEST_CASE("the mode and the sample decide what is written, and errors always are") {
  CHECK(lines_written({}, 100, 10) == 110);
  CHECK(lines_written({.mode = AccessLogMode::errors}, 100, 10) == 10);
  CHECK(lines_written({.mode = AccessLogMode::off}, 100, 10) == 0);
  CHECK(lines_written({.sample = 0}, 100, 10) == 10);
  CHECK(lines_written({.sample = 0.25}, 128, 10) == 42);  // a block of 128 holds exactly a quarter
}

TEST_CASE("a line is written soon, also when no other follows") {
  Pipe pipe;
  AccessLog log({.flush_delay = 1ms, .descriptor = pipe.writing_end()});
  log.write(WallTime(1s), {.request_id = "only"});
  pollfd waiting{.fd = pipe.reading_end(), .events = POLLIN, .revents = 0};
  CHECK(::poll(&waiting, 1, 5000) == 1);
}

TEST_CASE("a reader who does not read costs lines, not answers, and the loss is counted") {
  Pipe pipe;
  std::uint64_t dropped = 0;
  std::string text;
  {
    AccessLog log({.flush_delay = 0ms, .descriptor = pipe.writing_end()});
    const std::string path(1000, 'x');
    constexpr int kLines = 10'000;  // ten megabytes; a pipe holds 64 KiB, the log four megabytes
    for (int i = 0; i < kLines; ++i) log.write(WallTime(1s), {.path = path});
    dropped = log.dropped();
    CHECK(dropped > 1000);
    CHECK(dropped < 8000);
    std::thread reader([&] {
      std::array<char, 65536> bytes{};
      while (static_cast<std::uint64_t>(std::count(text.begin(), text.end(), '\n')) < kLines - dropped) {
        const ssize_t got = ::read(pipe.reading_end(), bytes.data(), bytes.size());
        if (got <= 0) break;
        text.append(bytes.data(), static_cast<std::size_t>(got));
      }
    });
    reader.join();
  }
  CHECK(static_cast<std::uint64_t>(std::count(text.begin(), text.end(), '\n')) == 10'000 - dropped);
}

TEST_CASE("request IDs are taken over only when they cannot spoil a log") {
  CHECK(is_sane_request_id("abc-DEF_0.9~:/+=@"));
  CHECK(is_sane_request_id(std::string(128, 'x')));
  CHECK_FALSE(is_sane_request_id(""));
  CHECK_FALSE(is_sane_request_id(std::string(129, 'x')));
  CHECK_FALSE(is_sane_request_id("a b"));
  CHECK_FALSE(is_sane_request_id("a\"b"));
  CHECK_FALSE(is_sane_request_id("caf\xc3\xa9"));
  RequestIds ids(5);
  const std::string first = ids.next();
  CHECK(first.size() == 16);
  CHECK(is_sane_request_id(first));
  CHECK(ids.next() != first);
}
