// obsctl serve service: its flags and variables, what it says about wrong ones, and that it ends as it
// should.
#include <cstdlib>
#include <string>
#include <vector>

#include "cli/command_line.hpp"
#include "core/file.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/serving.hpp"

using namespace obsctl;
using tests::message_of;

namespace {

/// A variable of the environment for the time of a test.
class Variable {
 public:
  Variable(const char* name, const char* value) : name_(name) { ::setenv(name, value, 1); }
  ~Variable() { ::unsetenv(name_); }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;

 private:
  const char* name_;
};

std::string contents(const std::string& file) {
  const auto text = core::read_file(file);
  REQUIRE(text.has_value());
  return *text;
}

core::Result<int> serve(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {"service", "--listen", "127.0.0.1:0", "--log", "off"});
  return tests::serve(std::move(arguments));
}

}  // namespace

TEST_CASE("a service that is told to stop ends with 0") {
  const core::Result<int> code = serve({});
  REQUIRE(code.has_value());
  CHECK(*code == cli::kPassed);
}

TEST_CASE("a wrong flag of serve service is named with its variable") {
  CHECK(message_of(serve({"--drain-delay", "soon"})) ==
        "--drain-delay (OBSCTL_SERVICE_DRAIN_DELAY): \"soon\" is not a duration: a number was expected\n"
        "  hint: write a number and a unit, such as 250ms, 30s or 1m30s");
  CHECK(message_of(serve({"--idle-timeout", "0s"})) ==
        "--idle-timeout (OBSCTL_SERVICE_IDLE_TIMEOUT): must be above 0");
  CHECK(message_of(serve({"--access-log", "some"})) ==
        "--access-log (OBSCTL_SERVICE_ACCESS_LOG): \"some\" is not an access log mode\n"
        "  hint: use all, errors or off");
  CHECK(message_of(serve({"--token-file", "/nowhere/token"})) ==
        "--token-file (OBSCTL_SERVICE_TOKEN_FILE): cannot read /nowhere/token: No such file or directory");
  CHECK(message_of(serve({"--depends", "/api/v1/work"})) ==
        "--depends (OBSCTL_SERVICE_DEPENDS): \"/api/v1/work\" does not say which route depends on what\n"
        "  hint: write it as ROUTE=NAME, such as /api/v1/work=database");
  CHECK(message_of(serve({"--depends", "/api/v1/work=queue"})) ==
        "/api/v1/work=queue: there is no such dependency\n"
        "  hint: routes that may depend on something are /api/v1/ping, /api/v1/work; dependencies are "
        "database, "
        "cache (--dependency)");
  const Variable variable("OBSCTL_SERVICE_TOGGLE_TTL", "2h");
  CHECK(message_of(serve({})) ==
        "the toggles' default TTL (2h) must be above 0 and at most the longest (1h)\n"
        "  hint: change --toggle-ttl or --toggle-ttl-max");
}

TEST_CASE("every flag of a server is documented, with its variable") {
  const std::string server = GENERATE("service", "proxy", "receiver");
  cli::CommandLine line;
  cli::add_serve_commands(line);
  const CLI::App* command = line.app.get_subcommand("serve")->get_subcommand(server);
  const std::string reference = contents("docs/reference/" + server + ".md");
  const std::string example = contents(".env.example");
  int flags = 0;
  for (const CLI::Option* option : command->get_options()) {
    if (option->get_envname().empty()) continue;
    ++flags;
    CAPTURE(option->get_name());
    CHECK(reference.find("`" + option->get_name()) != std::string::npos);
    CHECK(reference.find("`" + option->get_envname() + "`") != std::string::npos);
    CHECK(example.find(option->get_envname() + "=") != std::string::npos);
  }
  CHECK(flags > 10);
}
