// obsctl serve proxy: its flags and variables, what it says about wrong ones, and that it ends as it should.
#include <string>
#include <vector>

#include "cli/command_line.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/serving.hpp"

using namespace obsctl;
using tests::message_of;

namespace {

core::Result<int> serve(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {"proxy", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--log",
                                       "off", "--to", "http://127.0.0.1:1"});
  return tests::serve(std::move(arguments));
}

}  // namespace

TEST_CASE("a proxy that is told to stop ends with 0") {
  CHECK(message_of(serve({"--seed", "1", "--drain-timeout", "1s"})) == "no error");
}

TEST_CASE("a wrong flag of serve proxy is named with its variable") {
  const auto [arguments, message] = GENERATE(table<std::vector<std::string>, std::string>({
      {{"--answer-timeout", "0s"}, "--answer-timeout (OBSCTL_PROXY_ANSWER_TIMEOUT): must be above 0"},
      {{"--connect-timeout", "soon"},
       "--connect-timeout (OBSCTL_PROXY_CONNECT_TIMEOUT): \"soon\" is not a duration: a number was expected\n"
       "  hint: write a number and a unit, such as 250ms, 30s or 1m30s"},
      {{"--token-file", "/nowhere"},
       "--token-file (OBSCTL_PROXY_TOKEN_FILE): cannot read /nowhere: No such file or directory"},
      {{"--toggle-ttl", "2h"},
       "the toggles' default TTL (2h) must be above 0 and at most the longest (1h)\n"
       "  hint: change --toggle-ttl or --toggle-ttl-max"},
  }));
  CAPTURE(arguments);
  CHECK(message_of(serve(arguments)) == message);
}

TEST_CASE("an upstream of no known scheme is refused before anything listens") {
  cli::CommandLine line;
  cli::add_serve_commands(line);
  line.app.parse(std::vector<std::string>{"https://a", "--to", "proxy", "serve"});
  core::SystemClock clock;
  core::Logger log(core::LogLevel::off);
  cli::Context context{.stop = {}, .urgent = {}, .clock = clock, .log = log};
  CHECK(
      message_of(line.action(context)) ==
      "--to (OBSCTL_PROXY_TO): \"https://a\" is not an upstream: TLS cannot be looked into; tcp:// passes it "
      "through, for the faults of connections\n"
      "  hint: write it as http://127.0.0.1:8080 or tcp://127.0.0.1:6379");
}
