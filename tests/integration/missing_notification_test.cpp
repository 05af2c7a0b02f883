// For each way in which a notification can go missing: it does, with the real Prometheus and Alertmanager,
// and the run says why. tests/integration/checks/ has the stack and the scenarios.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <thread>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "tests/support/catch.hpp"
#include "tests/support/running_stack.hpp"
#include "verifiers/alertmanager_client.hpp"

using namespace std::chrono_literals;
using nlohmann::json;
using obsctl::tests::RunningStack;
namespace fs = std::filesystem;

namespace {

const fs::path kFolder = fs::absolute("tests/integration/checks");

/// What is told on the way is in the test's output when it fails.
json journal_of(RunningStack& stack, const std::string& scenario) {
  const auto ran =
      stack.obsctl({"scenario", "run", (kFolder / scenario).string(), "--attach", "it", "--json"}, 120s);
  UNSCOPED_INFO(ran.standard_error);
  CHECK(ran.status.code == 1);
  return json::parse(ran.standard_output);
}

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
  if (!obsctl::tests::monitoring_is_here()) return;
  RunningStack stack(kFolder / "stack");
  obsctl::verifiers::AlertmanagerClient alertmanager(stack.url("alertmanager"));
  const auto now = std::chrono::system_clock::now();
  REQUIRE(alertmanager.add_silence(obsctl::verifiers::LabelMatcher::parse("alertname=Silenced").value(), now,
                                   now + 1h, "maintenance"));
  // "Earlier" shares a group with "Grouped", and has to have been told of before that fires.
  REQUIRE(alertmanager.post_alerts({{.labels = {{"alertname", "Inhibitor"}}, .ends_at = now + 1h},
                                    {.labels = {{"alertname", "Earlier"}}, .ends_at = now + 1h}}));

  const json document = journal_of(stack, "firing.toml");
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
  if (!obsctl::tests::monitoring_is_here()) return;
  RunningStack stack(kFolder / "stack");
  const json document = journal_of(stack, "resolved.toml");
  check(document, {{"notification.Told.told.resolved", "passed", "", "resolved notification at told"},
                   {"notification.Quiet.quiet.resolved", "missed", "send_resolved_off",
                    "; send_resolved is off for Alertmanager's receiver quiet"}});
}
