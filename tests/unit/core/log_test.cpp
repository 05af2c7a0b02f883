#include "core/log.hpp"

#include <array>
#include <thread>
#include <vector>

#include <nlohmann/json.hpp>
#include <sys/socket.h>
#include <unistd.h>

#include "core/clock.hpp"
#include "tests/support/catch.hpp"

using obsctl::core::append_json_escaped;
using obsctl::core::LogFormat;
using obsctl::core::Logger;
using obsctl::core::LogLevel;
using obsctl::core::parse_log_level;

namespace {

/// Somewhere to log to that keeps every write(2) apart: a pair of datagram sockets.
class WriteRecorder {
 public:
  WriteRecorder() { REQUIRE(::socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends_.data()) == 0); }
  ~WriteRecorder() {
    for (const int end : ends_) ::close(end);
  }
  WriteRecorder(const WriteRecorder&) = delete;
  WriteRecorder& operator=(const WriteRecorder&) = delete;

  int descriptor() const { return ends_[0]; }

  std::vector<std::string> writes() const {
    std::vector<std::string> all;
    std::array<char, 65536> buffer{};
    ssize_t n = 0;
    while ((n = ::recv(ends_[1], buffer.data(), buffer.size(), MSG_DONTWAIT)) >= 0) {
      all.emplace_back(buffer.data(), static_cast<std::size_t>(n));
    }
    return all;
  }

 private:
  std::array<int, 2> ends_{-1, -1};
};

using Lines = std::vector<std::string>;

}  // namespace

TEST_CASE("a log level is read by its name") {
  CHECK(parse_log_level("debug").value() == LogLevel::debug);
  CHECK(parse_log_level("info").value() == LogLevel::info);
  CHECK(parse_log_level("warn").value() == LogLevel::warn);
  CHECK(parse_log_level("error").value() == LogLevel::error);
  CHECK(parse_log_level("off").value() == LogLevel::off);
  const auto wrong = parse_log_level("loud");
  REQUIRE_FALSE(wrong);
  CHECK(wrong.error().message == "\"loud\" is not a log level");
  CHECK(wrong.error().hint == "use debug, info, warn, error or off");
}

TEST_CASE("lines below the level are not written") {
  const WriteRecorder recorder;
  SECTION("from the level up") {
    Logger log(LogLevel::warn, LogFormat::text, recorder.descriptor());
    log.debug("d");
    log.info("i");
    log.warn("w");
    log.error("e");
    CHECK(recorder.writes() == Lines{"warn: w\n", "error: e\n"});
    CHECK_FALSE(log.enabled(LogLevel::info));
    CHECK(log.enabled(LogLevel::warn));
  }
  SECTION("none at all when it is off") {
    Logger log(LogLevel::off, LogFormat::text, recorder.descriptor());
    log.error("e");
    CHECK(recorder.writes().empty());
  }
}

TEST_CASE("a text line is one write, whatever its parts hold") {
  const WriteRecorder recorder;
  Logger log(LogLevel::debug, LogFormat::text, recorder.descriptor());
  SECTION("fields follow the message") {
    log.info("listening", {{"port", "8080", true}, {"stack", "http-api"}});
    CHECK(recorder.writes() == Lines{"info: listening port=8080 stack=http-api\n"});
  }
  SECTION("a value that would not end where it seems to is quoted") {
    log.info("x", {{"a", "two words"}, {"b", ""}, {"c", "say \"hi\""}, {"d", "e=f"}});
    CHECK(recorder.writes() == Lines{"info: x a=\"two words\" b=\"\" c=\"say \\\"hi\\\"\" d=\"e=f\"\n"});
  }
  SECTION("a line end from outside cannot fake a second line") {
    log.warn("first\nerror: forged", {{"reply", "a\r\nb"}});
    CHECK(recorder.writes() == Lines{"warn: first\\nerror: forged reply=a\\r\\nb\n"});
  }
}

TEST_CASE("a JSON line is one write and one document") {
  const WriteRecorder recorder;
  Logger log(LogLevel::debug, LogFormat::json, recorder.descriptor());
  log.error("say \"hi\"\n\x01", {{"path", "C:\\x\t"}, {"count", "3", true}, {"ok", "false", true}});
  const auto lines = recorder.writes();
  REQUIRE(lines.size() == 1);
  REQUIRE(lines[0].back() == '\n');
  CHECK(lines[0].find('\n') == lines[0].size() - 1);
  const auto document = nlohmann::json::parse(lines[0]);
  CHECK(document.at("level") == "error");
  CHECK(document.at("message") == "say \"hi\"\n\x01");
  CHECK(document.at("path") == "C:\\x\t");
  CHECK(document.at("count") == 3);
  CHECK(document.at("ok") == false);
  CHECK(obsctl::core::parse_rfc3339(document.at("time").get<std::string>()));
}

TEST_CASE("lines of several threads do not mix") {
  const WriteRecorder recorder;
  Logger log(LogLevel::info, LogFormat::text, recorder.descriptor());
  std::vector<std::string> lines;
  {
    std::vector<std::jthread> threads;
    for (const char letter : {'a', 'b', 'c', 'd'}) {
      threads.emplace_back([&log, letter] {
        for (int i = 0; i < 2; ++i) log.info(std::string(2000, letter));
      });
    }
  }
  lines = recorder.writes();
  REQUIRE(lines.size() == 8);
  for (const std::string& line : lines) {
    REQUIRE(line.size() == 6 + 2000 + 1);
    CHECK(line.find_first_not_of(line[6], 6) == line.size() - 1);
  }
}

TEST_CASE("JSON escapes are those of RFC 8259") {
  std::string out = "kept ";
  append_json_escaped(out, std::string_view("\"\\\n\r\t\x00\x1f/é", 10));
  CHECK(out == "kept \\\"\\\\\\n\\r\\t\\u0000\\u001f/é");
}
