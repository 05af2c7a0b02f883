// A stack of a folder, up for as long as a test needs it, and obsctl in the same state directory.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "core/process.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/obsctl_binary.hpp"
#include "tests/support/run_program.hpp"
#include "tests/support/temporary_directory.hpp"

namespace obsctl::tests {

/// Whether Prometheus and Alertmanager are installed. In CI they have to be.
inline bool monitoring_is_here() {
  const bool here =
      core::find_program({"prometheus"}) && core::find_program({"prometheus-alertmanager", "alertmanager"});
  const char* ci = std::getenv("CI");
  if (!here && ci != nullptr && std::string_view(ci) == "true") FAIL("a program is missing and CI=true");
  if (!here) WARN("skipped: prometheus or prometheus-alertmanager is not installed");
  return here;
}

/// Its instance is called "it".
class RunningStack {
 public:
  explicit RunningStack(const std::filesystem::path& folder, const std::vector<std::string>& flags = {},
                        std::map<std::string, std::string> environment = {})
      : environment_(std::move(environment)) {
    environment_["XDG_STATE_HOME"] = home_.path().string();
    std::vector<std::string> arguments{"stack", "up", folder.string(), "--name", "it", "--json"};
    arguments.insert(arguments.end(), flags.begin(), flags.end());
    const ProgramOutput up = obsctl(arguments, std::chrono::seconds(90));
    INFO(up.standard_error);
    REQUIRE(up.status.ok());
    const auto document = nlohmann::json::parse(up.standard_output);
    for (const auto& service : document.at("services"))
      urls_[service.at("name").get<std::string>()] = service.at("url").get<std::string>();
  }
  ~RunningStack() {
    const ProgramOutput down = obsctl({"stack", "down", "it"}, std::chrono::seconds(30));
    if (!down.status.ok()) WARN("the stack could not be taken down: " + down.standard_error);
  }
  RunningStack(const RunningStack&) = delete;
  RunningStack& operator=(const RunningStack&) = delete;

  /// Of a service.
  const std::string& url(const std::string& service) const { return urls_.at(service); }

  ProgramOutput obsctl(std::vector<std::string> arguments,
                       core::Nanoseconds timeout = std::chrono::seconds(30)) {
    return run_program({.program = obsctl_binary(),
                        .args = std::move(arguments),
                        .environment = environment_,
                        .folder = home_.path(),
                        .timeout = timeout});
  }

  /// The state directory, and where commands run.
  const std::filesystem::path& home() const { return home_.path(); }

 private:
  TemporaryDirectory home_;
  std::map<std::string, std::string> environment_;
  std::map<std::string, std::string> urls_;
};

}  // namespace obsctl::tests
