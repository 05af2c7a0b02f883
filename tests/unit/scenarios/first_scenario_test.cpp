// What is written for a rule is a scenario that validates, with the fault that its expression asks for.
#include "scenarios/first_scenario.hpp"

#include "scenarios/scenario.hpp"
#include "tests/support/catch.hpp"

using namespace obsctl::scenarios;
using namespace std::chrono_literals;
using obsctl::verifiers::parse_alertmanager_config;
using obsctl::verifiers::Rule;

namespace {

Rule rule(const std::string& name, const std::string& query) {
  Rule one;
  one.name = name;
  one.query = query;
  one.labels = {{"severity", "critical"}};
  return one;
}

const std::string kErrors = R"(sum(rate(r{status=~"5.."}[1m])) / sum(rate(r[1m])) > 0.05)";

Situation situation() {
  Situation one;
  one.alertmanager = *parse_alertmanager_config(
      "route: {receiver: mail, routes: [{receiver: 'on \"call\"', continue: true}, {receiver: mail}]}\n"
      "receivers: [{name: mail, email_configs: [{to: a@b}]}, {name: 'on \"call\"', webhook_configs: [{url: "
      "'http://a/'}]}]",
      "a.yml");
  return one;
}

Scenario read(const std::string& text) {
  const ScenarioFile file = read_scenario(text, "first.toml", "first");
  INFO(text);
  for (const auto& error : file.errors) UNSCOPED_INFO(to_string(error));
  CHECK(file.errors.empty());
  return file.scenario;
}

TEST_CASE("the fault is the one that the expression asks for") {
  struct Row {
    std::string query;
    std::string stack;
    std::string kind;
    double rate;
    std::chrono::milliseconds delay;
    bool doubt;
  };
  const auto row = GENERATE(values<Row>({
      {kErrors, "http-api", "error-rate", 0.25, 0ms, false},
      {"sum(rate(r{status!~\"5..\"}[1m])) / sum(rate(r[1m])) < 0.99", "http-api", "error-rate", 0.21, 0ms,
       false},
      {"histogram_quantile(0.95, sum by (le) (rate(d_bucket[1m]))) > 0.25", "http-api", "latency", 1, 500ms,
       false},
      {"up{job=\"api\"} == 0", "http-api", "kill", 1, 0ms, false},
      {"up{job=\"api\"} == 0", "", "readiness", 1, 0ms, true},
      {"probe_success == 0", "", "readiness", 1, 0ms, false},
      {"time() - backup_timestamp_seconds > 86400", "http-api", "error-rate", 0.5, 0ms, true},
  }));
  CAPTURE(row.query, row.stack);
  FirstPlaces places;
  places.stack = row.stack;
  places.prometheus_url = "http://127.0.0.1:9090";
  places.alertmanager_url = "http://127.0.0.1:9093";
  places.target_url = "http://127.0.0.1:8080";
  const std::string text = first_scenario(rule("High", row.query), situation(), places);
  const Scenario scenario = read(text);
  REQUIRE(scenario.faults.size() == 1);
  CHECK(scenario.faults[0].kind == row.kind);
  if (row.kind == "error-rate") CHECK(scenario.faults[0].effect.failing == Approx(row.rate));
  CHECK(scenario.faults[0].effect.delay == row.delay);
  CHECK((text.find(": choose ") != std::string::npos) == row.doubt);
}

TEST_CASE("everybody who is told of the alert is expected to be") {
  FirstPlaces places;
  places.stack = "http-api";
  const Scenario scenario = read(first_scenario(rule("High", kErrors), situation(), places));
  REQUIRE(scenario.alerts.size() == 1);
  CHECK(scenario.alerts[0].name == "High");
  CHECK(scenario.alerts[0].pending.expected);
  REQUIRE(scenario.notifications.size() == 2);
  CHECK(scenario.notifications[0].receiver == "on \"call\"");
  CHECK_FALSE(scenario.notifications[0].resolved_count.has_value());
  CHECK(scenario.notifications[1].receiver == "mail");
  CHECK(scenario.notifications[1].resolved_count == 0);  // email is not told of resolved alerts
  CHECK(scenario.nothing_else.has_value());
}

TEST_CASE("without an Alertmanager the alert alone is expected") {
  FirstPlaces places;
  places.prometheus_url = "http://127.0.0.1:9090";
  places.target_url = "http://127.0.0.1:8080";
  const Scenario scenario = read(first_scenario(rule("High", kErrors), Situation(), places));
  CHECK(scenario.notifications.empty());
  CHECK(scenario.receiver_listen.empty());
  CHECK(scenario.faults[0].stop == StopWhen::firing);
}

TEST_CASE("a file is named after its alert") {
  const auto [alert, name] = GENERATE(table<std::string, std::string>({
      {"HighErrorRate", "high-error-rate"},
      {"HighLatencyP95", "high-latency-p95"},
      {"HTTPErrors", "http-errors"},
      {"disk_full", "disk-full"},
      {"Disk full: /var", "disk-full-var"},
      {"../../etc", "etc"},
      {"…", "scenario"},
  }));
  CHECK(scenario_name(alert) == name);
}

}  // namespace
