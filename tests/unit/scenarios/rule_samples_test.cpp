// What the journal keeps of what the rules looked at.
#include "scenarios/rule_samples.hpp"

#include "core/clock.hpp"
#include "tests/support/catch.hpp"
#include "tests/unit/verifiers/fake_api.hpp"

using namespace std::chrono_literals;
using namespace obsctl;
using namespace obsctl::scenarios;

namespace {

struct Fixture {
  tests::FakeApi api;
  verifiers::PrometheusClient prometheus{api.url()};
  core::ManualClock clock;
  Journal journal{clock};
  Plan plan;

  void add_rule(const std::string& alert, const std::string& query) {
    PlannedRule rule;
    rule.alert = alert;
    rule.query = query;
    rule.timing.evaluation_interval = 4s;
    plan.rules.push_back(rule);
  }
  void append() {
    append_rule_samples(journal, prometheus, plan, journal.start(), journal.start() + 60s, {});
  }
};

/// Times are those of ManualClock, which begins at 1,700,000,000 s.
constexpr const char* kMatrix =
    R"({"status":"success","data":{"resultType":"matrix","result":[{"metric":{"job":"api"},)"
    R"("values":[[1700000001,"0.25"],[1700000003.5004,"NaN"]]}]}})";

}  // namespace

TEST_CASE("every comparison of a planned rule is asked for once, twice in each evaluation") {
  Fixture fixture;
  fixture.api.answer("/api/v1/query_range", kMatrix);
  fixture.add_rule("Slow", "latency > 0.5 and up == 1");
  fixture.add_rule("Slow", "latency > 0.5 and up == 1");  // two faults cause it
  fixture.append();
  const std::vector<Event> events = fixture.journal.events();
  REQUIRE(events.size() == 2);
  CHECK(events[0].kind == "rule.samples");
  CHECK(events[0].fields.dump() ==
        R"({"alert":"Slow","expression":"latency","operation":">","threshold":0.5,"step_s":2.0,)"
        R"("series":[{"labels":{"job":"api"},"values":[[1.0,0.25],[3.5,null]]}]})");
  CHECK(events[1].text("expression") == "up");
  CHECK(events[1].text("operation") == "==");
}

TEST_CASE("a rule without a comparison is asked for as a whole") {
  Fixture fixture;
  fixture.api.answer("/api/v1/query_range", kMatrix);
  fixture.add_rule("Gone", "absent(up)");
  fixture.append();
  REQUIRE(fixture.journal.size() == 1);
  CHECK(fixture.journal.events()[0].text("expression") == "absent(up)");
  CHECK_FALSE(fixture.journal.events()[0].fields.contains("threshold"));
}

TEST_CASE("a Prometheus that does not answer is asked once and leaves no event") {
  Fixture fixture;
  fixture.add_rule("A", "a > 1");
  fixture.add_rule("B", "b > 1");
  fixture.append();
  CHECK(fixture.journal.size() == 0);
  CHECK(fixture.api.requests().size() == 1);
}
