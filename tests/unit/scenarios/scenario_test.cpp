// The plain values: bounds, and a scenario on another time scale.
#include "scenarios/scenario.hpp"

#include <limits>

#include "tests/support/catch.hpp"

using namespace std::chrono_literals;
using namespace obsctl::scenarios;

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

Bounds bounds(std::optional<double> Bounds::*member, double value) {
  Bounds result;
  result.*member = value;
  return result;
}

}  // namespace

TEST_CASE("a bound holds for a number or not") {
  struct Row {
    std::optional<double> Bounds::*member;
    bool below, at, above;  // what holds for a number below, at and above 2
    std::string text;
  };
  const auto row = GENERATE(values<Row>({
      {&Bounds::below, true, false, false, "below 2"},
      {&Bounds::at_most, true, true, false, "at most 2"},
      {&Bounds::above, false, false, true, "above 2"},
      {&Bounds::at_least, false, true, true, "at least 2"},
      {&Bounds::equals, false, true, false, "equal to 2"},
  }));
  const Bounds two = bounds(row.member, 2);
  CAPTURE(row.text);
  CHECK(two.text() == row.text);
  CHECK(!two.empty());
  CHECK(two.hold_for(1.999) == row.below);
  CHECK(two.hold_for(2) == row.at);
  CHECK(two.hold_for(2.001) == row.above);
  CHECK(two.hold_for(-kInfinity) == row.below);
  CHECK(two.hold_for(kInfinity) == row.above);
  // What is not a number is in no bounds: 0/0 is not "below 1 %".
  CHECK(!two.hold_for(kNan));
}

TEST_CASE("several bounds all have to hold") {
  Bounds both = bounds(&Bounds::at_least, 0.25);
  both.below = 1;
  CHECK(both.text() == "at least 0.25 and below 1");
  CHECK(!both.hold_for(0.2));
  CHECK(both.hold_for(0.25));
  CHECK(!both.hold_for(1));

  Bounds all;
  all.at_least = all.above = all.at_most = all.below = all.equals = 1e-9;
  CHECK(all.text() == "at least 1e-09 and above 1e-09 and at most 1e-09 and below 1e-09 and equal to 1e-09");
  CHECK(!all.hold_for(1e-9));
}

TEST_CASE("no bounds hold for every number") {
  CHECK(Bounds().empty());
  CHECK(Bounds().text().empty());
  CHECK(Bounds().hold_for(-kInfinity));
  CHECK(!Bounds().hold_for(kNan));
}

TEST_CASE("a time scale multiplies the schedule and leaves the requests as they are") {
  Scenario scenario;
  scenario.loads.resize(1);
  scenario.loads[0].plan.arrivals.rate = {200, 1s};
  scenario.loads[0].plan.arrivals.stages = {{{500, 1s}, 30s, false}};
  scenario.loads[0].plan.arrivals.sine_period = 1min;
  scenario.loads[0].plan.request_timeout = 10s;
  scenario.steady_states.resize(1);
  scenario.steady_states[0].within = 60s;
  scenario.steady_states[0].tolerance.below = 3;
  FaultSpec fault;
  fault.start = 10s;
  fault.stop = StopWhen::after;
  fault.stop_after = 90s;
  fault.max_duration = 5min;
  fault.effect.delay = 300ms;
  fault.parameters = {{"delay", "400ms"}};
  fault.after.emplace();
  fault.after->within = 5min;
  fault.confirm.emplace();
  fault.confirm->within = 10s;
  fault.confirm->bounds.at_least = 0.3;
  scenario.faults.push_back(fault);
  scenario.alerts.resize(1);
  scenario.alerts[0].pending = {true, false, 20s};
  scenario.alerts[0].firing = {true, false, 40s};
  scenario.alerts[0].inactive = {true, true, 0s};
  scenario.notifications.resize(1);
  scenario.notifications[0].firing = {true, false, 50s};
  scenario.notifications[0].resolved = {true, false, 70s};
  scenario.notifications[0].firing_count = 1;
  scenario.queries.resize(1);
  scenario.queries[0].within = 30s;
  scenario.suppressions.resize(1);
  scenario.suppressions[0].within = 80s;
  scenario.nothing_else.emplace();
  scenario.nothing_else->watch = 15s;
  scenario.thresholds.resize(1);
  scenario.thresholds[0].bounds.below = 0.3;
  scenario.aborts.resize(1);
  scenario.aborts[0].hold = 5s;

  const Scenario fifth = scaled(scenario, 0.2);
  SECTION("the schedule") {
    CHECK(fifth.loads[0].plan.arrivals.stages[0].duration == 6s);
    CHECK(fifth.loads[0].plan.arrivals.sine_period == 12s);
    CHECK(fifth.steady_states[0].within == 12s);
    CHECK(fifth.faults[0].start == 2s);
    CHECK(fifth.faults[0].stop_after == 18s);
    CHECK(fifth.faults[0].max_duration == 1min);
    CHECK(fifth.faults[0].after->within == 1min);
    CHECK(fifth.alerts[0].pending.limit == 4s);
    CHECK(fifth.alerts[0].firing.limit == 8s);
    CHECK(fifth.alerts[0].inactive.limit == 0s);
    CHECK(fifth.notifications[0].firing.limit == 10s);
    CHECK(fifth.notifications[0].resolved.limit == 14s);
    CHECK(fifth.queries[0].within == 6s);
    CHECK(fifth.suppressions[0].within == 16s);
    CHECK(fifth.nothing_else->watch == Nanoseconds(3s));
    CHECK(fifth.aborts[0].hold == 1s);
  }
  SECTION("the rest") {
    CHECK(fifth.loads[0].plan.arrivals.rate == obsctl::core::Rate{200, 1s});
    CHECK(fifth.loads[0].plan.arrivals.stages[0].rate == obsctl::core::Rate{500, 1s});
    CHECK(fifth.loads[0].plan.request_timeout == 10s);
    CHECK(fifth.steady_states[0].tolerance.below == 3.0);
    CHECK(fifth.faults[0].effect.delay == 300ms);
    CHECK(fifth.faults[0].parameters.value("delay", "") == "400ms");
    CHECK(fifth.faults[0].confirm->within == 10s);  // waits for requests, not for rules
    CHECK(fifth.faults[0].confirm->bounds.at_least == 0.3);
    CHECK(fifth.alerts[0].inactive.automatic);
    CHECK(!fifth.alerts[0].firing.automatic);
    CHECK(fifth.notifications[0].firing_count == 1);
    CHECK(fifth.thresholds[0].bounds.below == 0.3);
  }
  SECTION("what was left to the runner still is") {
    scenario.nothing_else->watch.reset();
    CHECK(!scaled(scenario, 0.2).nothing_else->watch);
    scenario.nothing_else.reset();
    CHECK(!scaled(scenario, 0.2).nothing_else);
  }
}
