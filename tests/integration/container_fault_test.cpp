// Containers that somebody else runs, broken and mended through Podman: each action does what it says, is
// seen, and is taken back, by the process that did it or by another one. OBSCTL_TEST_ENGINE=docker does it
// through a Docker that has the image too (podman save localhost/obsctl-ci/debian:bookworm | docker load).
#include <algorithm>
#include <cstdlib>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/process.hpp"
#include "core/text.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/compose_images.hpp"
#include "tests/support/obsctl_binary.hpp"
#include "tests/support/run_program.hpp"
#include "tests/support/temporary_directory.hpp"

using namespace std::chrono_literals;
using nlohmann::json;
using obsctl::tests::ProgramOutput;

namespace {

std::string engine() {
  const char* chosen = std::getenv("OBSCTL_TEST_ENGINE");
  return chosen == nullptr ? "podman" : chosen;
}

std::string ask_engine(std::vector<std::string> words) {
  words.insert(words.begin(), obsctl::core::find_program({engine()}).value().string());
  const auto output = obsctl::core::run_command({.argv = words}, 60s);
  if (!output) FAIL(to_string(output.error()));
  INFO(fmt::format("{}", fmt::join(words, " ")) << ": " << output->text);
  CHECK(output->status.ok());
  return std::string(obsctl::core::trimmed(output->text));
}

/// A container that sleeps, in a network of its own where it has an alias.
class Sleeper {
 public:
  Sleeper() {
    ask_engine({"network", "create", network_});
    ask_engine({"run", "-d", "--stop-timeout", "0", "--name", name_, "--network", network_, "--network-alias",
                "sleeper", "localhost/obsctl-ci/debian:bookworm", "sleep", "300"});
  }
  ~Sleeper() {
    ask_engine({"rm", "-f", name_});
    ask_engine({"network", "rm", network_});
  }
  Sleeper(const Sleeper&) = delete;
  Sleeper& operator=(const Sleeper&) = delete;

  ProgramOutput obsctl(std::vector<std::string> arguments) {
    return obsctl::tests::run_program({.program = obsctl::tests::obsctl_binary(),
                                       .args = std::move(arguments),
                                       .environment = {{"XDG_STATE_HOME", home_.path().string()},
                                                       {"CONTAINERS_CONF", std::getenv("CONTAINERS_CONF")}},
                                       .folder = home_.path(),
                                       .timeout = 90s});
  }

  std::string state() { return ask_engine({"inspect", "--format", "{{.State.Status}}", name_}); }
  json networks() {
    return json::parse(ask_engine({"inspect", "--format", "{{json .NetworkSettings.Networks}}", name_}));
  }
  const std::string& name() const { return name_; }
  const std::string& network() const { return network_; }

 private:
  obsctl::tests::TemporaryDirectory home_;
  const std::string name_ = "obsctl-test-" + home_.path().filename().string().substr(12);
  const std::string network_ = name_ + "-net";
};

}  // namespace

TEST_CASE("a container is paused, stopped and killed, and runs again when the fault is cleared") {
  if (!obsctl::tests::compose_images_are_here()) return;
  Sleeper sleeper;
  const auto [action, state] = GENERATE(
      table<std::string, std::string>({{"pause", "paused"}, {"stop", "exited"}, {"kill", "exited"}}));
  CAPTURE(action);
  const std::vector<std::string> set{
      "fault", "set", "container", "container=" + sleeper.name(), "action=" + action, "engine=" + engine()};
  const auto done = sleeper.obsctl(set);
  INFO(done.standard_error);
  REQUIRE(done.status.ok());
  CHECK(done.standard_output == fmt::format("{} of container {}\n", action, sleeper.name()));
  CHECK(sleeper.state() == state);
  CHECK_FALSE(sleeper.obsctl(set).status.ok());
  const auto cleared = sleeper.obsctl({"fault", "clear", "--all"});
  INFO(cleared.standard_error);
  CHECK(cleared.status.ok());
  CHECK(sleeper.state() == "running");
}

TEST_CASE("a container that was disconnected is connected again under the names it had") {
  if (!obsctl::tests::compose_images_are_here()) return;
  Sleeper sleeper;
  REQUIRE(sleeper.networks().contains(sleeper.network()));
  const auto done =
      sleeper.obsctl({"fault", "set", "container", "container=" + sleeper.name(), "action=disconnect",
                      "network=" + sleeper.network(), "engine=" + engine()});
  INFO(done.standard_error);
  REQUIRE(done.status.ok());
  CHECK_FALSE(sleeper.networks().contains(sleeper.network()));
  const auto cleared = sleeper.obsctl({"fault", "clear", "--all"});
  INFO(cleared.standard_error);
  CHECK(cleared.status.ok());
  const json aliases = sleeper.networks().at(sleeper.network()).at("Aliases");
  CHECK(std::count(aliases.begin(), aliases.end(), "sleeper") == 1);
}

TEST_CASE("a container that is not there is named, and nothing is recorded") {
  if (!obsctl::tests::compose_images_are_here()) return;
  obsctl::tests::TemporaryDirectory home;
  const auto run = [&](std::vector<std::string> arguments) {
    return obsctl::tests::run_program({.program = obsctl::tests::obsctl_binary(),
                                       .args = std::move(arguments),
                                       .environment = {{"XDG_STATE_HOME", home.path().string()}},
                                       .folder = home.path(),
                                       .timeout = 30s});
  };
  const auto done =
      run({"fault", "set", "container", "container=obsctl-nobody", "action=pause", "engine=" + engine()});
  CHECK(done.status.code == 5);
  CHECK_THAT(done.standard_error, Catch::Matchers::Contains("obsctl-nobody"));
  CHECK(run({"fault", "list"}).standard_output == "no fault is in place\n");
}
