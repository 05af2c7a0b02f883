// For each way in which a notification can go missing: it does, with the real Prometheus and Alertmanager,
// and the run says why. tests/integration/missing-notification/ has the stack and the scenarios.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <thread>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/file.hpp"
#include "core/process.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/run_program.hpp"
#include "tests/support/temporary_directory.hpp"
#include "verifiers/alertmanager_client.hpp"

using namespace std::chrono_literals;
using nlohmann::json;
using obsctl::tests::ProgramOutput;
using obsctl::tests::TemporaryDirectory;
namespace fs = std::filesystem;

namespace {

const fs::path kFolder = fs::absolute("tests/integration/missing-notification");

fs::path obsctl_binary() {
  const char* given = std::getenv("OBSCTL_BINARY");
  return fs::absolute(given != nullptr && *given != '\0' ? given : OBSCTL_TEST_BINARY);
}

bool programs_are_here() {
  const bool here = obsctl::core::find_program({"prometheus"}) &&
                    obsctl::core::find_program({"prometheus-alertmanager", "alertmanager"});
  const char* ci = std::getenv("CI");
  if (!here && ci != nullptr && std::string_view(ci) == "true") FAIL("a program is missing and CI=true");
  if (!here) WARN("skipped: prometheus or prometheus-alertmanager is not installed");
  return here;
}

/// The stack of this test; it is up while this lives.
class RunningStack {
 public:
  RunningStack() {
    const ProgramOutput up =
        obsctl({"stack", "up", (kFolder / "stack").string(), "--name", "missing", "--json"}, 90s);
    INFO(up.standard_error);
    REQUIRE(up.status.ok());
    const json document = json::parse(up.standard_output);
    for (const json& service : document.at("services")) {
      if (service.at("name") == "alertmanager") alertmanager_ = service.at("url").get<std::string>();
    }
  }
  ~RunningStack() {
    const ProgramOutput down = obsctl({"stack", "down", "missing"}, 30s);
    if (!down.status.ok()) WARN("the stack could not be taken down: " + down.standard_error);
  }
  RunningStack(const RunningStack&) = delete;
  RunningStack& operator=(const RunningStack&) = delete;

  const std::string& alertmanager() const { return alertmanager_; }

  /// The journal of a scenario that was run in it.
  json run(const std::string& scenario) {
    const ProgramOutput ran =
        obsctl({"scenario", "run", (kFolder / scenario).string(), "--attach", "missing", "--json"}, 120s);
    log_ = ran.standard_error;
    CHECK(ran.status.code == 1);
    return json::parse(ran.standard_output);
  }
  /// What the last run told while it went on.
  const std::string& log() const { return log_; }

 private:
  ProgramOutput obsctl(std::vector<std::string> arguments, obsctl::core::Nanoseconds timeout) {
    return obsctl::tests::run_program({.program = obsctl_binary(),
                                       .args = std::move(arguments),
                                       .environment = {{"XDG_STATE_HOME", home_.path().string()}},
                                       .folder = home_.path(),
                                       .timeout = timeout});
  }

  TemporaryDirectory home_;
  std::string alertmanager_;
  std::string log_;
};

json expectation(const json& document, const std::string& id) {
  for (const json& one : document.at("expectations")) {
    if (one.at("id") == id) return one;
  }
  return json::object();
}

struct Row {
  std::string id;
  std::string verdict;
  std::string cause;
  std::string evidence;  ///< a part of what is said
};

void check(const json& document, const std::vector<Row>& rows) {
  for (const Row& row : rows) {
    const json found = expectation(document, row.id);
    CAPTURE(row.id, found.dump());
    CHECK(found.value("verdict", "") == row.verdict);
    CHECK(found.value("cause", "") == row.cause);
    CHECK(found.value("detail", "").find(row.evidence) != std::string::npos);
  }
}

}  // namespace

TEST_CASE("A notification that does not come is explained", "[integration]") {
  if (!programs_are_here()) return;
  RunningStack stack;
  obsctl::verifiers::AlertmanagerClient alertmanager(stack.alertmanager());
  const auto now = std::chrono::system_clock::now();
  REQUIRE(alertmanager.add_silence({{"alertname", "Silenced"}}, now, now + 1h, "maintenance"));
  // "Earlier" shares a group with "Grouped", and has to have been told of before that fires.
  REQUIRE(alertmanager.post_alerts({{.labels = {{"alertname", "Inhibitor"}}, .ends_at = now + 1h},
                                    {.labels = {{"alertname", "Earlier"}}, .ends_at = now + 1h}}));

  const json document = stack.run("firing.toml");
  INFO(stack.log());
  check(document,
        {{"notification.Told.told.firing", "passed", "", "firing notification at told"},
         {"notification.Silenced.told.firing", "missed", "silenced", "by obsctl: \"maintenance\" (silence "},
         {"notification.Inhibited.told.firing", "missed", "inhibited",
          "; inhibited by {alertname=\"Inhibitor\"}"},
         {"notification.Muted.told.firing", "missed", "muted",
          "; its route is muted: it is in the time interval \"always\""},
         {"notification.Unrouted.elsewhere.firing", "mismatched", "not_routed",
          "; Alertmanager's routes lead {alertname=\"Unrouted\"} to told, not to elsewhere"},
         {"notification.Untold.untold.firing", "missed", "no_integration",
          "; Alertmanager's receiver untold has no integration and tells nobody"},
         {"notification.Dropped.told.firing", "missed", "not_sent",
          "; Prometheus fires it, but Alertmanager does not hold it"},
         {"notification.Failing.failing.firing", "missed", "delivery_failed",
          "it answered 500, and Alertmanager tries again"},
         {"notification.Refused.refusing.firing", "missed", "delivery_failed",
          "it answered 404, and Alertmanager does not try again before the next flush"},
         {"notification.Unreachable.unreachable.firing", "missed", "delivery_failed", "connection refused"},
         {"notification.Brief.told.firing", "missed", "resolved_before_flush",
          "Alertmanager first flushes a group 10s (group_wait) after its first alert"},
         {"notification.Patient.told.firing", "missed", "waiting", ", and group_wait is 10m"},
         {"notification.Grouped.told.firing", "missed", "waiting",
          ", and group_interval, for a group that was there before, is 10m"}});
}

TEST_CASE("That a resolved notification does not come is explained", "[integration]") {
  if (!programs_are_here()) return;
  RunningStack stack;
  const json document = stack.run("resolved.toml");
  INFO(stack.log());
  check(document, {{"notification.Told.told.resolved", "passed", "", "resolved notification at told"},
                   {"notification.Quiet.quiet.resolved", "missed", "send_resolved_off",
                    "; send_resolved is off for Alertmanager's receiver quiet"}});
}
