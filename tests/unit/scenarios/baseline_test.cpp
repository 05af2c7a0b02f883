// What may be active before an experiment begins, and how a fault is recognised where the scenario does not
// say. Pure.
#include "scenarios/baseline.hpp"

#include "scenarios/run_faults.hpp"
#include "tests/support/catch.hpp"

using namespace std::chrono_literals;
using namespace obsctl::scenarios;
namespace verifiers = obsctl::verifiers;

namespace {

verifiers::Rule active(const std::string& name, verifiers::AlertState state) {
  verifiers::Rule rule;
  rule.name = name;
  rule.health = verifiers::RuleHealth::ok;
  verifiers::ActiveAlert alert;
  alert.labels = {{"alertname", name}};
  alert.state = state;
  alert.active_at = obsctl::core::WallTime(1'700'000'000s);
  rule.alerts = {alert};
  return rule;
}

Scenario expecting(const std::string& alert) {
  Scenario scenario;
  AlertExpectation expectation;
  expectation.name = alert;
  scenario.alerts = {expectation};
  scenario.nothing_else.emplace();
  scenario.nothing_else->allow = {{"Watchdog", {}, {}, {}}, {"Known", {}, "2026-12-31", "OPS-1"}};
  return scenario;
}

std::string problem(const verifiers::Rule& rule, bool whole_stack = true,
                    const std::string& date = "2026-11-21") {
  return unclean_rule(expecting("Mine"), whole_stack, rule, date);
}

}  // namespace

TEST_CASE("Nothing may fire before the experiment but what is allowed") {
  using verifiers::AlertState;
  CHECK(problem(active("Other", AlertState::firing)) ==
        "Other is firing already, since 2023-11-14T22:13:20.000Z: {alertname=\"Other\"}");
  CHECK(problem(active("Watchdog", AlertState::firing)).empty());
  CHECK(problem(active("Other", AlertState::pending)).empty());
  CHECK(problem(active("Known", AlertState::firing)).empty());
  CHECK_FALSE(problem(active("Known", AlertState::firing), true, "2027-01-01").empty());
}

TEST_CASE("An expected alert may not even be pending") {
  CHECK(problem(active("Mine", verifiers::AlertState::pending)) ==
        "Mine is pending already, since 2023-11-14T22:13:20.000Z: {alertname=\"Mine\"}");
}

TEST_CASE("A rule has to be healthy") {
  verifiers::Rule rule;
  rule.name = "Broken";
  rule.health = verifiers::RuleHealth::err;
  rule.last_error = "many-to-many matching";
  CHECK(problem(rule) == "rule Broken cannot be evaluated: many-to-many matching");
  rule.health = verifiers::RuleHealth::unknown;
  CHECK(problem(rule) == "rule Broken has not been evaluated yet");
}

TEST_CASE("Elsewhere only rules that the scenario speaks of count") {
  Scenario scenario = expecting("Mine");
  scenario.nothing_else.reset();
  const verifiers::Rule other = active("Other", verifiers::AlertState::firing);
  CHECK(unclean_rule(scenario, false, other, "2026-11-21").empty());
  CHECK(unclean_rule(scenario, true, other, "2026-11-21").empty());
  CHECK_FALSE(
      unclean_rule(scenario, false, active("Mine", verifiers::AlertState::firing), "2026-11-21").empty());
}

TEST_CASE("A fault is recognised by what it does to the load, or to a probe, or by asking it") {
  FaultEffect effect;
  CHECK(default_confirmation(effect).metric.empty());
  CHECK(default_confirmation(effect).path.empty());
  effect.probe = "/readyz";
  effect.probe_status = 503;
  CHECK(default_confirmation(effect).path == "/readyz");
  CHECK(default_confirmation(effect).status == 503);
  effect.delayed = 1;
  effect.delay = 300ms;
  CHECK(default_confirmation(effect).metric == "response_p50");
  CHECK(*default_confirmation(effect).bounds.at_least == Approx(0.3));
  effect.delayed = 0.1;
  CHECK(default_confirmation(effect).metric == "response_p95");
  effect.delayed = 0.02;
  CHECK(default_confirmation(effect).metric == "response_p99");
  effect.failing = 0.3;
  CHECK(default_confirmation(effect).metric == "error_ratio");
  CHECK(*default_confirmation(effect).bounds.at_least == Approx(0.24));
  effect.everywhere = false;
  CHECK(*default_confirmation(effect).bounds.at_least == Approx(0.01));
}
