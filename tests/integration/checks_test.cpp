// obsctl verify, obsctl wait and a scenario's [[check]] against the real Prometheus and Alertmanager.
#include <nlohmann/json.hpp>

#include "tests/support/running_stack.hpp"
#include "verifiers/alertmanager_client.hpp"

using namespace std::chrono_literals;
using nlohmann::json;
using obsctl::tests::RunningStack;

namespace {

const std::filesystem::path kFolder = std::filesystem::absolute("tests/integration/checks");

struct Row {
  std::vector<std::string> arguments;
  int code;
  std::string says;
};

void check(RunningStack& stack, const Row& row) {
  std::vector<std::string> arguments = row.arguments;
  arguments.insert(arguments.end(), {"--attach", "it"});
  const auto ran = stack.obsctl(arguments);
  CAPTURE(row.arguments, ran.standard_output, ran.standard_error);
  CHECK(ran.status.code == row.code);
  CHECK((ran.standard_output + ran.standard_error).find(row.says) != std::string::npos);
}

}  // namespace

TEST_CASE("What Prometheus and Alertmanager say now is verified", "[integration]") {
  if (!obsctl::tests::monitoring_is_here()) return;
  RunningStack stack(kFolder / "stack");
  obsctl::verifiers::AlertmanagerClient alertmanager(stack.url("alertmanager"));
  const auto now = std::chrono::system_clock::now();
  REQUIRE(alertmanager.add_silence(obsctl::verifiers::LabelMatcher::parse("alertname=Posted").value(), now,
                                   now + 1h, "maintenance"));
  REQUIRE(alertmanager.post_alerts({{.labels = {{"alertname", "Posted"}}, .ends_at = now + 1h},
                                    {.labels = {{"alertname", "Loud"}}, .ends_at = now + 1h}}));

  for (const Row& row : std::vector<Row>{
           {{"verify", "targets"}, 0, "✓ every target is up: 1 target up"},
           {{"verify", "targets", "--at-least", "2"}, 1, "✗ every target is up: 1 target, not 2"},
           {{"verify", "rules"}, 0, "rules healthy and evaluated"},
           {{"verify", "query", "up{job=\"api\"}", "--equals", "1"}, 0, "it is 1"},
           {{"verify", "query", "up", "--below", "1"}, 1, "job=\"api\"} 1"},
           {{"verify", "query", "nothing_here"},
            3,
            "? nothing_here gives a series: the query returns nothing"},
           {{"verify", "query", "sum("}, 2, "parse error"},
           {{"verify", "absent", "nothing_here"}, 0, "the query returns nothing"},
           {{"verify", "absent", "up"}, 1, "the query returns 1 series"},
           {{"wait", "recording", "job:up:sum"}, 0, "1 series agree"},
           {{"verify", "recording", "job:nope"}, 2, "Prometheus has no recording rule \"job:nope\""},
           {{"verify", "alert", "Told", "--state", "inactive"}, 0, "it is inactive"},
           {{"verify", "alert", "Told"}, 1, "it is inactive"},
           {{"verify", "quiet"}, 0, "nothing else fires"},
           {{"wait", "suppressed", "Posted", "--by", "silence"}, 0, "1 instance suppressed"},
           {{"verify", "suppressed", "Loud"}, 1, "not every instance is suppressed"},
           {{"wait", "notification", "told", "--alert", "Loud", "--within", "10s"}, 0, "arrived at"},
           {{"wait", "notification", "told", "--alert", "Loud", "--new", "--within", "1s"},
            1,
            "it has not arrived"},
           {{"verify", "http", stack.url("api") + "/healthz"}, 0, "it answered 200"},
           {{"verify", "http", stack.url("api") + "/nope"}, 1, "it answered 404"},
           {{"verify", "http", "http://127.0.0.1:1/"}, 5, "Connection refused"},
           {{"wait", "query", "up", "--within", "500ms", "--equals", "0"}, 1, "(after "},
           {{"wait", "query", "up", "--for", "1s", "--within", "soon"}, 2, "--within: "},
           {{"verify", "alert", "Told", "--label", "x"}, 2, "--label x: not a label"},
       }) {
    check(stack, row);
  }

  const auto document =
      json::parse(stack.obsctl({"verify", "targets", "--json", "--attach", "it"}).standard_output);
  CHECK(document.at("schema") == 1);
  CHECK(document.at("check") == "every target is up");
  CHECK(document.at("state") == "holds");
}

TEST_CASE("A scenario's checks are proven before and after", "[integration]") {
  if (!obsctl::tests::monitoring_is_here()) return;
  RunningStack stack(kFolder / "stack");
  const auto run = [&](const std::string& file, int code) {
    const auto ran =
        stack.obsctl({"scenario", "run", (kFolder / file).string(), "--attach", "it", "--json"}, 60s);
    UNSCOPED_INFO(ran.standard_error);
    CHECK(ran.status.code == code);
    json verdicts;
    const json document = json::parse(ran.standard_output);
    for (const json& one : document.at("expectations"))
      verdicts[one.at("id").get<std::string>()] = one.at("verdict");
    return verdicts;
  };
  const json held = run("checks.toml", 0);
  CHECK(held.size() == 11);
  for (const auto& [id, verdict] : held.items()) {
    CAPTURE(id);
    CHECK(verdict == "passed");
  }
  CHECK(held.contains("check.ready.after"));
  CHECK_FALSE(held.contains("check.ready.before"));

  const json broken = run("broken-checks.toml", 1);
  CHECK(broken.at("check.few.before") == "missed");
  CHECK(broken.at("check.many.before") == "not_reached");
}

TEST_CASE("What a run has proven is covered, and a first scenario is written for the rest", "[integration]") {
  if (!obsctl::tests::monitoring_is_here()) return;
  RunningStack stack(kFolder / "stack");
  const auto coverage = [&](const std::string& least, int code) {
    const auto ran = stack.obsctl({"verify", "coverage", "--attach", "it", "--json", "--min", least});
    CAPTURE(ran.standard_error);
    CHECK(ran.status.code == code);
    return json::parse(ran.standard_output);
  };
  const json before = coverage("1%", 1);
  CHECK(before.at("proven") == 0);
  CHECK(before.at("journals") == 0);

  const auto run = stack.obsctl({"scenario", "run", (kFolder / "told.toml").string(), "--attach", "it"}, 90s);
  INFO(run.standard_error);
  REQUIRE(run.status.code == 0);
  const json after = coverage("1%", 0);
  CHECK(after.at("proven") == 1);
  CHECK(after.at("journals") == 1);
  for (const json& row : after.at("rows")) {
    CAPTURE(row.dump());
    CHECK(row.at("state") == (row.at("alert") == "Told" ? "proven" : "never"));
    if (row.at("alert") == "Told") CHECK(row.at("proof").at("rule_sha256") == row.at("rule_sha256"));
  }

  const auto written = stack.obsctl({"scenario", "new", "--from-rules", "--attach", "it", "--out", "new",
                                     "--stack", (kFolder / "stack").string(), "--path", "/api/v1/ping"});
  CHECK(written.status.code == 0);
  CHECK(written.standard_output.find("new/told.toml") == std::string::npos);
  CHECK(written.standard_output.starts_with("new/silenced.toml\n"));
  CHECK(stack.obsctl({"scenario", "validate", "new/silenced.toml", "new/brief.toml"}).status.code == 0);
  CHECK(stack.obsctl({"scenario", "plan", "new/silenced.toml", "--attach", "it"}).status.code == 0);
  const auto again = stack.obsctl({"scenario", "new", "Silenced", "--attach", "it", "--out", "new"});
  CHECK(again.status.code == 2);
  CHECK(again.standard_error.find("new/silenced.toml is there already; nothing was written") !=
        std::string::npos);
}
