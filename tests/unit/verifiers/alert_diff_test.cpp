// Two looks at the rules in, transitions out. Times are seconds after an arbitrary start; the group is
// evaluated at 3 s, 8 s, 13 s, … (every 5 s, with an offset, as Prometheus does it), and lastEvaluation is a
// few milliseconds later.
#include <algorithm>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "tests/support/catch.hpp"
#include "verifiers/alert_observer.hpp"

using namespace std::chrono_literals;
using namespace obsctl::verifiers;
using obsctl::core::Nanoseconds;

namespace {

constexpr WallTime kStart{1'700'000'000s};

WallTime s(double seconds) {
  return kStart + obsctl::core::from_seconds(seconds);
}

/// lastEvaluation of the evaluation at `seconds`.
WallTime begun(double seconds) {
  return s(seconds) + 3ms;
}

ActiveAlert instance(AlertState state, double active_at, const std::string& name = "a") {
  ActiveAlert alert;
  alert.labels = {{"alertname", "High"}, {"instance", name}};
  alert.annotations = {{"summary", name}};
  alert.state = state;
  alert.active_at = s(active_at);
  alert.value = 0.5;
  return alert;
}

struct Look {
  double evaluated = 3;
  std::vector<ActiveAlert> alerts = {};
  Nanoseconds hold = 10s;
  RuleHealth health = RuleHealth::ok;
};

RulesSnapshot snapshot(const Look& look, const RulesSnapshot* previous = nullptr) {
  Rule rule;
  rule.name = "High";
  rule.hold = look.hold;
  rule.health = look.health;
  rule.last_evaluation = begun(look.evaluated);
  rule.alerts = look.alerts;
  RuleGroup group;
  group.name = "g";
  group.file = "f.yml";
  group.interval = 5s;
  group.last_evaluation = begun(look.evaluated);
  group.rules.push_back(rule);
  return make_snapshot({group}, s(look.evaluated + 0.4), previous);
}

/// "inactive>pending a 8 active_at", with the window's beginning where the time is not exact.
std::string text(const AlertTransition& made) {
  const auto seconds = [](WallTime at) { return obsctl::core::to_seconds(at - kStart); };
  std::string when = fmt::format("{:g}", seconds(made.at));
  if (!made.exact()) when = fmt::format("{:g}..{}", seconds(made.not_before), when);
  return fmt::format("{}>{} {} {} {}{}", to_string(made.from), to_string(made.to), made.labels.at("instance"),
                     when, to_string(made.source), made.preexisting ? " preexisting" : "");
}

std::vector<std::string> texts(const std::vector<AlertTransition>& transitions) {
  std::vector<std::string> all;
  for (const AlertTransition& made : transitions) all.push_back(text(made));
  return all;
}

std::vector<std::string> changes(const Look& before, const Look& after) {
  const RulesSnapshot first = snapshot(before);
  return texts(diff(&first, snapshot(after, &first)).transitions);
}

using Texts = std::vector<std::string>;
constexpr auto kPending = AlertState::pending;
constexpr auto kFiring = AlertState::firing;

}  // namespace

TEST_CASE("two looks at an alert give its transitions at the evaluations that made them") {
  struct Row {
    std::string what;
    Look before, after;
    Texts expected;
  };
  const auto row = GENERATE(values<Row>({
      {"nothing, and nothing", {3, {}}, {8, {}}, {}},
      {"pending stays pending", {8, {instance(kPending, 8)}}, {13, {instance(kPending, 8)}}, {}},
      {"firing stays firing", {18, {instance(kFiring, 8)}}, {23, {instance(kFiring, 8)}}, {}},
      {"it begins", {3, {}}, {8, {instance(kPending, 8)}}, {"inactive>pending a 8 active_at"}},
      {"it fires when `for` has passed",
       {13, {instance(kPending, 8)}},
       {18, {instance(kFiring, 8)}},
       {"pending>firing a 18 evaluation"}},
      {"`for` is rounded up to whole evaluations",
       {13, {instance(kPending, 8)}, 6s},
       {18, {instance(kFiring, 8)}, 6s},
       {"pending>firing a 18 evaluation"}},
      {"without `for` it is pending and firing at once",
       {3, {}, 0s},
       {8, {instance(kFiring, 8)}, 0s},
       {"inactive>pending a 8 active_at", "pending>firing a 8 evaluation"}},
      {"looks far apart still give the time that it fired",
       {3, {}},
       {38, {instance(kFiring, 8)}},
       {"inactive>pending a 8 active_at", "pending>firing a 18 evaluation"}},
      {"an evaluation that was missed leaves a window",
       {18, {instance(kPending, 8)}},
       {28, {instance(kFiring, 8)}},
       {"pending>firing a 18..28 window"}},
      {"a state that is ahead of lastEvaluation",
       {13, {instance(kPending, 8)}},
       {13, {instance(kFiring, 8)}},
       {"pending>firing a 18 evaluation"}},
      {"it ends at the one evaluation in between",
       {23, {instance(kFiring, 8)}},
       {28, {}},
       {"firing>inactive a 28 evaluation"}},
      {"an end that is ahead of lastEvaluation",
       {23, {instance(kFiring, 8)}},
       {23, {}},
       {"firing>inactive a 28 evaluation"}},
      {"an end somewhere between looks far apart",
       {23, {instance(kFiring, 8)}},
       {38, {}},
       {"firing>inactive a 28..38 window"}},
      {"pending ends without firing",
       {8, {instance(kPending, 8)}},
       {13, {}},
       {"pending>inactive a 13 evaluation"}},
      {"it flaps between two looks: one evaluation without it",
       {23, {instance(kFiring, 8)}},
       {33, {instance(kPending, 33)}},
       {"firing>inactive a 28 evaluation", "inactive>pending a 33 active_at"}},
      {"it flaps, and fires again",
       {23, {instance(kFiring, 8)}},
       {48, {instance(kFiring, 33)}},
       {"firing>inactive a 28 evaluation", "inactive>pending a 33 active_at",
        "pending>firing a 43 evaluation"}},
      {"it flaps with several evaluations without it",
       {23, {instance(kFiring, 8)}},
       {43, {instance(kPending, 43)}},
       {"firing>inactive a 28..38 window", "inactive>pending a 43 active_at"}},
      {"instances go their own ways",
       {13, {instance(kPending, 8, "a"), instance(kFiring, 3, "b")}},
       {18, {instance(kFiring, 8, "a"), instance(kPending, 18, "c")}},
       {"pending>firing a 18 evaluation", "firing>inactive b 18 evaluation",
        "inactive>pending c 18 active_at"}},
  }));
  CAPTURE(row.what);
  // Instances of one evaluation come in no order of importance.
  Texts found = changes(row.before, row.after);
  Texts expected = row.expected;
  if (row.what == "instances go their own ways") {
    std::sort(found.begin(), found.end());
    std::sort(expected.begin(), expected.end());
  }
  CHECK(found == expected);
}

TEST_CASE("what is active at the first look began before it") {
  const RulesSnapshot first = snapshot({38, {instance(kFiring, 8, "a"), instance(kPending, 33, "b")}});
  const Observation observation = diff(nullptr, first);
  CHECK(texts(observation.transitions) == Texts{"inactive>pending a 8 active_at preexisting",
                                                "pending>firing a 18 evaluation preexisting",
                                                "inactive>pending b 33 active_at preexisting"});
}

TEST_CASE("a transition carries what a report needs") {
  const RulesSnapshot first = snapshot({13, {instance(kPending, 8)}});
  const Observation observation = diff(&first, snapshot({18, {instance(kFiring, 8)}}, &first));
  REQUIRE(observation.transitions.size() == 1);
  const AlertTransition& made = observation.transitions[0];
  CHECK(made.group == "g");
  CHECK(made.name == "High");
  CHECK(made.labels == Labels{{"alertname", "High"}, {"instance", "a"}});
  CHECK(made.annotations == Labels{{"summary", "a"}});
  CHECK(made.at == s(18));  // to the nanosecond, although lastEvaluation is 3 ms later
  CHECK(made.not_before == made.at);
  CHECK(made.active_at == s(8));
  CHECK(made.evaluation_interval == 5s);
  CHECK(made.seen_at == s(18.4));
  CHECK(made.value == 0.5);
}

TEST_CASE("rules of the same name in two groups do not disturb each other") {
  RulesSnapshot before = snapshot({13, {instance(kFiring, 3)}});
  RuleGroup other = before.groups[0];
  other.name = "h";
  other.rules[0].alerts.clear();
  before = make_snapshot({before.groups[0], other}, s(13.4), nullptr);
  RulesSnapshot after = before;
  after.groups[1].rules[0].alerts = {instance(kPending, 13)};
  const Observation observation = diff(&before, after);
  REQUIRE(observation.transitions.size() == 1);
  CHECK(observation.transitions[0].group == "h");
}

TEST_CASE("a rule that is not loaded any more ends its alerts, some time between the looks") {
  const RulesSnapshot before = snapshot({23, {instance(kFiring, 8)}});
  const RulesSnapshot after = make_snapshot({}, s(30), &before);
  const Observation observation = diff(&before, after);
  REQUIRE(observation.transitions.size() == 1);
  CHECK(text(observation.transitions[0]) == "firing>inactive a 23.003..30 window");
  REQUIRE(observation.findings.size() == 1);
  CHECK(observation.findings[0].kind == ObserverFinding::Kind::rule_gone);
  CHECK(observation.findings[0].text == "rule High of group g is not loaded any more");
}

TEST_CASE("a Prometheus that has just started says nothing about alerts that were active") {
  const RulesSnapshot before = snapshot({23, {instance(kFiring, 8)}});
  Look fresh{23, {}, 10s, RuleHealth::unknown};
  RulesSnapshot restarted = snapshot(fresh);
  restarted.groups[0].rules[0].last_evaluation = WallTime::min();
  restarted.groups[0].last_evaluation = WallTime::min();
  const RulesSnapshot after = make_snapshot(restarted.groups, s(30), &before);
  const Observation observation = diff(&before, after);
  CHECK(texts(observation.transitions).empty());
  REQUIRE(observation.findings.size() == 1);
  CHECK(observation.findings[0].kind == ObserverFinding::Kind::not_evaluated_yet);
  CHECK(observation.findings[0].text == "rule High has not been evaluated yet");

  SECTION("and what was active before is remembered until it is evaluated") {
    const RulesSnapshot evaluated = snapshot({33, {}}, &after);
    CHECK(texts(diff(&after, evaluated).transitions) == Texts{"firing>inactive a 28..33 window"});
  }
}

TEST_CASE("rules that are not well are found, once each") {
  Look broken{8, {}, 10s, RuleHealth::err};
  const RulesSnapshot fine = snapshot({3, {}});
  RulesSnapshot bad = snapshot(broken, &fine);
  bad.groups[0].rules[0].last_error = "many-to-many matching not allowed";
  const Observation first = diff(&fine, bad);
  REQUIRE(first.findings.size() == 1);
  CHECK(first.findings[0].kind == ObserverFinding::Kind::rule_unhealthy);
  CHECK(first.findings[0].rule == "High");
  CHECK(first.findings[0].text == "rule High: its evaluation fails: many-to-many matching not allowed");
  CHECK(diff(&bad, bad).findings.empty());
  CHECK(diff(nullptr, bad).findings.size() == 1);
  CHECK(diff(&bad, fine).findings.empty());
}

TEST_CASE("a group that stands still is found after two intervals and a second, by our own clock") {
  const RulesSnapshot first = snapshot({3, {}});
  const auto look_at = [&](Nanoseconds later, const RulesSnapshot& previous) {
    return make_snapshot(first.groups, first.taken_at + later, &previous);
  };
  const RulesSnapshot patient = look_at(11s, first);
  CHECK(diff(&first, patient).findings.empty());
  const RulesSnapshot stalled = look_at(11s + 1ms, patient);
  const auto findings = diff(&patient, stalled).findings;
  REQUIRE(findings.size() == 1);
  CHECK(findings[0].kind == ObserverFinding::Kind::evaluation_stalled);
  CHECK(findings[0].text == "rule group g is evaluated every 5s, but has not been for more than 11s");
  CHECK(diff(&stalled, look_at(20s, stalled)).findings.empty());

  SECTION("moving on ends it") {
    RulesSnapshot moved = snapshot({23, {}}, &stalled);
    CHECK(findings_in(moved).empty());
  }
}

namespace {

Series samples(const std::string& state, const std::vector<double>& times, const std::string& name = "a") {
  Series series;
  series.labels = {{"__name__", "ALERTS"}, {"alertname", "High"}, {"alertstate", state}, {"instance", name}};
  // Stored in milliseconds.
  for (const double time : times) {
    series.points.push_back({std::chrono::floor<std::chrono::milliseconds>(s(time)), 1});
  }
  return series;
}

}  // namespace

TEST_CASE("the ALERTS series settle what looks leave open") {
  struct Row {
    std::string what;
    Look before, after;
    std::vector<Series> series;
    Texts expected;
  };
  const auto row = GENERATE(values<Row>({
      {"the end of an alert between looks far apart",
       {23, {instance(kFiring, 8)}},
       {48, {}},
       {samples("pending", {8, 13}), samples("firing", {18, 23, 28, 33})},
       {"firing>inactive a 38 series"}},
      {"a look that raced with an evaluation is set right",
       {28, {instance(kFiring, 8)}},
       {33, {}},
       {samples("pending", {8, 13}), samples("firing", {18, 23})},
       {"firing>inactive a 28 series"}},
      {"firing after a missed evaluation",
       {18, {instance(kPending, 8)}},
       {28, {instance(kFiring, 8)}},
       {samples("pending", {8, 13}), samples("firing", {23, 28})},
       {"pending>firing a 23 series"}},
      {"an alert that fired and ended unseen",
       {13, {instance(kPending, 8)}},
       {33, {}},
       {samples("pending", {8, 13}), samples("firing", {18, 23})},
       {"pending>firing a 18 series", "firing>inactive a 28 series"}},
      {"samples of the next time it is active are not of this one",
       {23, {instance(kFiring, 8)}},
       {48, {instance(kPending, 48)}},
       {samples("pending", {8, 13, 48}), samples("firing", {18, 23, 28})},
       {"firing>inactive a 33 series", "inactive>pending a 48 active_at"}},
      {"samples of the time before are not either",
       {38, {instance(kPending, 33)}},
       {43, {instance(kFiring, 33)}},
       {samples("pending", {3, 8, 33, 38}), samples("firing", {13, 18, 43})},
       {"pending>firing a 43 series"}},
      {"another instance's samples are nobody's business",
       {23, {instance(kFiring, 8)}},
       {48, {}},
       {samples("firing", {18, 23, 28, 33}, "b")},
       {"firing>inactive a 28..48 window"}},
      {"samples that are not written yet leave what the looks said",
       {13, {instance(kPending, 8)}},
       {18, {instance(kFiring, 8)}},
       {samples("pending", {8, 13})},
       {"pending>firing a 18 evaluation"}},
  }));
  CAPTURE(row.what);
  const RulesSnapshot first = snapshot(row.before);
  std::vector<AlertTransition> transitions = diff(&first, snapshot(row.after, &first)).transitions;
  refine_with(transitions, row.series, WallTime::min());
  CHECK(texts(transitions) == row.expected);
}

TEST_CASE("samples that do not reach back to the beginning are not used") {
  const RulesSnapshot first = snapshot({18, {instance(kPending, 8)}});
  std::vector<AlertTransition> transitions =
      diff(&first, snapshot({28, {instance(kFiring, 8)}}, &first)).transitions;
  refine_with(transitions, {samples("firing", {23, 28})}, s(10));
  CHECK(texts(transitions) == Texts{"pending>firing a 18..28 window"});
}

TEST_CASE("times on the grid are exact to the nanosecond although samples have milliseconds") {
  Look before{13, {instance(kPending, 8)}}, after{18, {instance(kFiring, 8)}};
  before.alerts[0].active_at += 123'456ns;
  after.alerts[0].active_at += 123'456ns;
  const RulesSnapshot first = snapshot(before);
  std::vector<AlertTransition> transitions = diff(&first, snapshot(after, &first)).transitions;
  refine_with(transitions, {samples("firing", {18})}, WallTime::min());
  REQUIRE(transitions.size() == 1);
  CHECK(transitions[0].at == s(18) + 123'456ns);
}

TEST_CASE("Alertmanager's startsAt settles when an alert fired") {
  const RulesSnapshot first = snapshot({18, {instance(kPending, 8)}});
  AlertTransition made = diff(&first, snapshot({28, {instance(kFiring, 8)}}, &first)).transitions.at(0);
  HeldAlert held;
  held.labels = {{"alertname", "High"}, {"instance", "a"}, {"cluster", "eu"}};
  held.starts_at = s(23);
  SECTION("of this instance, inside the window") {
    refine_with(made, {held});
    CHECK(text(made) == "pending>firing a 23 starts_at");
  }
  SECTION("not of another instance") {
    held.labels["instance"] = "b";
    refine_with(made, {held});
    CHECK(text(made) == "pending>firing a 18..28 window");
  }
  SECTION("not from outside the window: that is another time it fired") {
    held.starts_at = s(8);
    refine_with(made, {held});
    CHECK(text(made) == "pending>firing a 18..28 window");
  }
}

TEST_CASE("a notification settles when an alert ended") {
  const RulesSnapshot first = snapshot({23, {instance(kFiring, 8)}});
  AlertTransition made = diff(&first, snapshot({38, {}}, &first)).transitions.at(0);
  NotifiedAlert alert;
  alert.labels = made.labels;
  alert.status = NotifiedStatus::resolved;
  alert.starts_at = s(18);
  alert.ends_at = s(33);
  Notification notification;
  SECTION("a resolved one") {
    notification.alerts = {alert};
    CHECK(refine_with(made, notification));
    CHECK(text(made) == "firing>inactive a 33 ends_at");
    CHECK_FALSE(refine_with(made, notification));  // exact already
  }
  SECTION("not a firing one") {
    alert.status = NotifiedStatus::firing;
    notification.alerts = {alert};
    CHECK_FALSE(refine_with(made, notification));
  }
}
