// A rule and a receiver are covered by a journal exactly when it shows that the rule, as it is now, reached
// that receiver.
#include "scenarios/coverage.hpp"

#include "tests/support/catch.hpp"

using namespace obsctl::scenarios;
using namespace std::chrono_literals;
using obsctl::verifiers::parse_alertmanager_config;
using obsctl::verifiers::Rule;
using State = CoverageRow::State;

namespace {

Rule rule(const std::string& name, const std::string& query, const std::string& severity) {
  Rule one;
  one.name = name;
  one.query = query;
  one.hold = 30s;
  one.labels = {{"severity", severity}};
  return one;
}

/// Two rules; critical ones go to "pager" (which posts to …/on-call) and "all", others to "all".
Situation situation() {
  Situation one;
  Rule recording = rule("a:b", "sum(up)", "");
  recording.alerting = false;
  one.groups = {{"g",
                 "a.yml",
                 5s,
                 0s,
                 {},
                 {recording, rule("High", "rate(e[1m]) > 1", "critical"), rule("Low", "up == 0", "info")}}};
  one.alertmanager = *parse_alertmanager_config(R"(
route:
  receiver: all
  routes:
    - {receiver: pager, matchers: [severity="critical"], continue: true}
    - receiver: all
receivers:
  - name: all
    webhook_configs: [{url: "http://127.0.0.1:1/webhook/all"}]
  - name: pager
    slack_configs: [{api_url: "http://127.0.0.1:1/slack/on-call"}]
)",
                                                "a.yml");
  return one;
}

Json notification(const std::string& alert, const std::string& receiver, const std::string& stage,
                  const std::string& verdict = "passed") {
  Json one{{"kind", "notification"},
           {"stage", stage},
           {"alert", alert},
           {"receiver", receiver},
           {"verdict", verdict}};
  if (verdict == "passed") one["measured_s"] = 1.5;
  return one;
}

/// Of a run that proved High at the pager.
Json journal(const std::string& id, const std::string& finished) {
  return {
      {"schema", 1},
      {"verdict", "passed"},
      {"run",
       {{"id", id}, {"finished_at", finished}, {"scenario", "http-api/error-spike"}, {"time_scale", 1.0}}},
      {"expectations",
       {notification("High", "on-call", "firing"), notification("High", "on-call", "resolved")}},
      {"rules",
       {{{"alert", "High"},
         {"query", "rate(e[1m]) > 1"},
         {"for_s", 30.0},
         {"labels", {{"severity", "critical"}}}}}}};
}

/// "High pager proven r1" for each row.
std::vector<std::string> rows(const std::vector<Json>& journals, double time_scale = 1) {
  std::vector<std::string> texts;
  for (const CoverageRow& row : cover(situation(), time_scale, journals).rows) {
    texts.push_back(row.alert + " " + row.receiver + " " + std::string(to_string(row.state)) +
                    (row.proof ? " " + row.proof->run : ""));
  }
  return texts;
}

using Rows = std::vector<std::string>;

TEST_CASE("without a journal nothing is proven") {
  CHECK(rows({}) == Rows{"High pager never", "High all never", "Low all never"});
  CHECK(cover(situation(), 1, {}).ratio() == 0);
  CHECK(cover(Situation(), 1, {}).ratio() == 1);
}

TEST_CASE("a run proves a rule at the receivers that it was seen at") {
  const Coverage coverage = cover(situation(), 1, {journal("r1", "2026-11-20T10:00:00Z")});
  REQUIRE(coverage.rows.size() == 3);
  const CoverageRow& row = coverage.rows[0];
  CHECK(row.state == State::proven);
  REQUIRE(row.proof);
  CHECK(row.proof->run == "r1");
  CHECK(row.proof->at == "2026-11-20T10:00:00Z");
  CHECK(row.proof->scenario == "http-api/error-spike");
  CHECK(row.proof->rule_sha256 == row.rule_sha256);
  CHECK(coverage.rows[1].state == State::never);
  CHECK(coverage.ratio() == Approx(1.0 / 3));
}

TEST_CASE("the newest run counts, whatever their order") {
  const Json older = journal("r1", "2026-11-19T10:00:00Z");
  const Json newer = journal("r2", "2026-11-20T10:00:00Z");
  CHECK(rows({older, newer}).front() == "High pager proven r2");
  CHECK(rows({newer, older}).front() == "High pager proven r2");
}

TEST_CASE("a rule that has changed since is stale") {
  const std::string expected = "High pager stale r1";
  Json one = journal("r1", "2026-11-20T10:00:00Z");
  Json& then = one["rules"][0];
  SECTION("its expression") {
    then["query"] = "rate(e[1m]) > 2";
  }
  SECTION("how long it holds") {
    then["for_s"] = 60.0;
  }
  SECTION("how long it keeps firing") {
    then["keep_firing_for_s"] = 5.0;
  }
  SECTION("its labels") {
    then["labels"]["team"] = "core";
  }
  CHECK(rows({one}).front() == expected);

  // An older run of the rule as it is now says more than a newer one of another.
  CHECK(rows({one, journal("r0", "2026-11-10T10:00:00Z")}).front() == "High pager proven r0");
}

TEST_CASE("a scaled run proves the rule that was scaled") {
  Json one = journal("r1", "2026-11-20T10:00:00Z");
  one["run"]["time_scale"] = 0.2;
  CHECK(rows({one}).front() == "High pager stale r1");
  one["rules"][0]["query"] = "rate(e[12s]) > 1";
  one["rules"][0]["for_s"] = 6.0;
  CHECK(rows({one}).front() == "High pager proven r1");
  CHECK(cover(situation(), 1, {one}).rows[0].proof->time_scale == 0.2);
  // And where the rules that are loaded now are scaled themselves.
  Json whole = journal("r2", "2026-11-20T10:00:00Z");
  whole["rules"][0]["query"] = "rate(e[5m]) > 1";
  whole["rules"][0]["for_s"] = 150.0;
  CHECK(rows({whole}, 0.2).front() == "High pager proven r2");
}

TEST_CASE("what failed, or did not end, proves nothing") {
  Json one = journal("r1", "2026-11-20T10:00:00Z");
  SECTION("the resolved notification is late") {
    one["expectations"][1] = notification("High", "on-call", "resolved", "late");
  }
  SECTION("the alert did not clear") {
    one["expectations"].push_back(
        {{"kind", "alert"}, {"stage", "inactive"}, {"alert", "High"}, {"verdict", "missed"}});
  }
  SECTION("the run was inconclusive") {
    one["verdict"] = "inconclusive";
  }
  SECTION("only the alert was looked at") {
    one["expectations"] = {
        {{"kind", "alert"}, {"stage", "firing"}, {"alert", "High"}, {"verdict", "passed"}}};
  }
  SECTION("that none comes is no notification") {
    one["expectations"][0].erase("measured_s");
  }
  CHECK(rows({one}).front() == "High pager never");
}

TEST_CASE("what failed elsewhere in a run takes nothing away") {
  Json one = journal("r1", "2026-11-20T10:00:00Z");
  one["verdict"] = "failed";
  one["expectations"].push_back(notification("High", "all", "firing", "missed"));
  one["expectations"].push_back(notification("Low", "on-call", "firing", "missed"));
  CHECK(rows({one}) == Rows{"High pager proven r1", "High all never", "Low all never"});
}

TEST_CASE("without an Alertmanager there are rules and no receivers") {
  Situation one = situation();
  one.alertmanager.reset();
  const Coverage coverage = cover(one, 1, {journal("r1", "2026-11-20T10:00:00Z")});
  REQUIRE(coverage.rows.size() == 2);
  CHECK(coverage.rows[0].receiver.empty());
  CHECK(coverage.rows[0].state == State::never);
}

TEST_CASE("a journal that lacks what journals have does no harm") {
  CHECK(rows({Json::object(), Json{{"verdict", "passed"}},
              Json{{"verdict", "passed"}, {"run", Json::object()}, {"rules", 1}}, Json{{"verdict", 1}},
              Json{{"verdict", "passed"}, {"run", 1}},
              Json{{"verdict", "passed"}, {"run", Json::object()}, {"rules", {{{"alert", 1}}}}}})
            .front() == "High pager never");
}

}  // namespace
