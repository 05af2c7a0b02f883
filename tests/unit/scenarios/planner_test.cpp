// The plan from what is loaded: budgets, what cannot work, how long it takes. Pure.
#include "scenarios/planner.hpp"

#include <algorithm>

#include "tests/support/catch.hpp"

using namespace std::chrono_literals;
using namespace obsctl::scenarios;
using obsctl::core::Nanoseconds;
using obsctl::core::to_seconds;
namespace verifiers = obsctl::verifiers;

namespace {

constexpr const char* kRatio =
    R"(sum(rate(http_requests_total{status=~"5.."}[1m])) / sum(rate(http_requests_total[1m])) > 0.05)";

verifiers::Rule rule(const std::string& name, const std::string& query, Nanoseconds hold) {
  verifiers::Rule result;
  result.name = name;
  result.query = query;
  result.hold = hold;
  result.labels = {{"severity", "critical"}};
  result.health = verifiers::RuleHealth::ok;
  return result;
}

Situation situation() {
  Situation result;
  verifiers::RuleGroup group;
  group.name = "http-api";
  group.interval = 5s;
  group.rules = {rule("HighErrorRate", kRatio, 30s), rule("InstanceDown", "up == 0", 15s)};
  result.groups = {group};
  verifiers::ScrapeTarget target;
  target.labels = {{"job", "api"}};
  target.up = true;
  target.scrape_interval = 5s;
  target.scrape_timeout = 4s;
  result.targets = {target};
  auto config = verifiers::parse_alertmanager_config(
      "route:\n  receiver: all\n  group_wait: 10s\n  group_interval: 30s\n  routes:\n"
      "    - receiver: pager\n      matchers: [severity=\"critical\"]\n      continue: true\n"
      "    - receiver: all\n"
      "receivers:\n  - name: all\n    webhook_configs: [{url: 'http://x/webhook/everything'}]\n"
      "  - name: pager\n    slack_configs: [{channel: '#a', api_url: 'http://x/slack/pager'}]\n"
      "  - name: nobody\n",
      "alertmanager.yml");
  result.alertmanager = config.value();
  result.fresh = true;
  return result;
}

Scenario scenario() {
  Scenario result;
  result.id = "test";
  FaultSpec fault;
  fault.name = "errors";
  fault.target = "api";
  fault.kind = "error-rate";
  fault.effect.failing = 0.3;
  fault.effect.status = 503;
  result.faults = {fault};
  AlertExpectation alert;
  alert.name = "HighErrorRate";
  alert.caused_by = "errors";
  alert.pending.expected = alert.firing.expected = alert.inactive.expected = true;
  result.alerts = {alert};
  return result;
}

NotificationExpectation notification(const std::string& receiver) {
  NotificationExpectation result;
  result.alert = "HighErrorRate";
  result.receiver = receiver;
  result.caused_by = "errors";
  result.firing.expected = result.resolved.expected = true;
  return result;
}

std::vector<std::string> ids(const Plan& plan) {
  std::vector<std::string> result;
  for (const Expectation& expectation : plan.expectations) result.push_back(expectation.id);
  return result;
}

const Expectation& find(const Plan& plan, const std::string& id) {
  const auto found = std::find_if(plan.expectations.begin(), plan.expectations.end(),
                                  [&](const Expectation& expectation) { return expectation.id == id; });
  if (found == plan.expectations.end()) FAIL("no expectation " << id);
  return *found;
}

Plan planned(const Scenario& wanted, const Situation& around = situation()) {
  auto plan = make_plan(wanted, around);
  if (!plan) FAIL(to_string(plan.error()));
  return *plan;
}

std::string refusal(const Scenario& wanted, const Situation& around = situation()) {
  const auto plan = make_plan(wanted, around);
  return plan ? "" : to_string(plan.error());
}

bool remarks(const Plan& plan, const std::string& text) {
  return std::find(plan.remarks.begin(), plan.remarks.end(), text) != plan.remarks.end();
}

}  // namespace

TEST_CASE("Every expected stage gets the budget of the rule and the intervals around it") {
  const Plan plan = planned(scenario());
  // θ = 0.05 / 0.3, W = 60 s, S = E = 5 s, F = 30 s, ε = 1 s.
  const double theta = 0.05 / 0.3;
  const Expectation& pending = find(plan, "alert.HighErrorRate.pending");
  CHECK(to_seconds(*pending.earliest) == Approx(theta * 55));
  CHECK(to_seconds(*pending.budget) == Approx(theta * 60 + 5 + 5 + 1));
  const Expectation& firing = find(plan, "alert.HighErrorRate.firing");
  CHECK(*firing.budget - *pending.budget == 30s);
  const Expectation& inactive = find(plan, "alert.HighErrorRate.inactive");
  CHECK(to_seconds(*inactive.budget) == Approx((1 - theta) * 60 + 5 + 5 + 1));
  CHECK(plan.settle == 70s);
  CHECK(plan.evaluation_interval == 5s);
  CHECK_FALSE(pending.loose);
}

TEST_CASE("Expectations stand in the order in which they are met") {
  Scenario wanted = scenario();
  wanted.notifications = {notification("pager")};
  wanted.notifications[0].resolved.expected = false;
  SteadyState state;
  state.name = "quiet";
  wanted.steady_states = {state};
  wanted.nothing_else.emplace();
  Threshold threshold;
  threshold.load = "l";
  threshold.metric = "error_ratio";
  threshold.phase = "whole";
  wanted.thresholds = {threshold};
  CHECK(ids(planned(wanted)) ==
        std::vector<std::string>{"steady_state.quiet.before", "alert.HighErrorRate.pending",
                                 "alert.HighErrorRate.firing", "notification.HighErrorRate.pager.firing",
                                 "alert.HighErrorRate.inactive", "steady_state.quiet.after",
                                 "threshold.l.error_ratio.whole", "nothing_else"});
}

TEST_CASE("A notification has the timers of its own route, found by receiver or by URL") {
  Scenario wanted = scenario();
  wanted.notifications = {notification("everything")};
  const Plan plan = planned(wanted);
  const Expectation& firing = find(plan, "alert.HighErrorRate.firing");
  const Expectation& notified = find(plan, "notification.HighErrorRate.everything.firing");
  CHECK(*notified.earliest - *firing.earliest == 10s);
  CHECK(*notified.budget - *firing.budget == 10s + kBudgetSlack);
  CHECK(plan.remarks.empty());
}

TEST_CASE("Where a group may be left over its interval counts") {
  Scenario wanted = scenario();
  wanted.notifications = {notification("everything")};
  Situation around = situation();
  around.fresh = false;
  const Plan plan = planned(wanted, around);
  CHECK(*find(plan, "notification.HighErrorRate.everything.firing").budget -
            *find(plan, "alert.HighErrorRate.firing").budget ==
        30s + kBudgetSlack);
}

TEST_CASE("What the routes make impossible is said beforehand") {
  Scenario wanted = scenario();
  wanted.notifications = {notification("nobody"), notification("pager")};
  const Plan plan = planned(wanted);
  CHECK(remarks(plan,
                "HighErrorRate is not routed to \"nobody\" (its routes lead to pager, all): no notification "
                "can arrive"));
  CHECK(remarks(plan, "receiver \"pager\" has send_resolved off: no resolved notification can arrive"));
}

TEST_CASE("A label that the rule sets otherwise is said beforehand") {
  Scenario wanted = scenario();
  wanted.alerts[0].labels = {{"severity", "warning"}};
  CHECK(remarks(planned(wanted),
                "the rule of HighErrorRate sets severity=\"critical\", not \"warning\": this expectation "
                "will be mismatched"));
}

TEST_CASE("What a notification cannot carry is said beforehand") {
  Situation around = situation();
  around.groups[0].rules[0].annotations = {{"summary", "{{ $labels.job }} fails"},
                                           {"runbook", "https://r/x"}};
  around.alertmanager->root.routes[1].group_by = {"alertname", "severity", "job"};
  Scenario wanted = scenario();
  wanted.notifications = {notification("everything")};
  NotificationContent& content = wanted.notifications[0].content;

  SECTION("nothing where it may come as asked") {
    content.labels = {{"severity", "critical"}, {"job", "api"}};
    content.annotations = {{"summary", "^api fails$"}, {"runbook", "^https:"}};
    content.group = Labels{{"alertname", "HighErrorRate"}, {"severity", "critical"}, {"job", "api"}};
    CHECK(planned(wanted, around).remarks.empty());
  }
  SECTION("labels that only the alert's series have, which may decide its route") {
    around.alertmanager->root.routes[1].matchers = verifiers::LabelMatcher::parse("zone=a").value();
    content.labels = {{"zone", "a"}};
    content.group = Labels{{"alertname", "HighErrorRate"}, {"severity", "critical"}, {"job", "api"}};
    CHECK(planned(wanted, around).remarks.empty());
    content.labels.clear();
    CHECK(planned(wanted, around).remarks ==
          std::vector<std::string>{
              "HighErrorRate is not routed to \"everything\" (its routes lead to pager): no "
              "notification can arrive"});
  }
  SECTION("labels that the rule sets otherwise") {
    content.labels = {{"severity", "info"}};
    CHECK(planned(wanted, around).remarks ==
          std::vector<std::string>{"the rule of HighErrorRate sets severity=\"critical\", not \"info\": this "
                                   "expectation will be mismatched"});
  }
  SECTION("annotations that it does not have, or has otherwise") {
    content.annotations = {{"summary", "x"}, {"runbook", "wiki"}, {"description", "."}};
    CHECK(
        planned(wanted, around).remarks ==
        std::vector<std::string>{
            "the rule of HighErrorRate has no annotation description: this expectation will be mismatched",
            "the annotation runbook of HighErrorRate is \"https://r/x\", which does not match \"wiki\": this "
            "expectation will be mismatched"});
  }
  SECTION("groups that its route does not make") {
    const auto group =
        GENERATE(values<Labels>({{{"alertname", "HighErrorRate"}},
                                 {{"alertname", "B"}, {"severity", "critical"}},
                                 {{"alertname", "HighErrorRate"}, {"severity", "critical"}, {"zone", "a"}}}));
    content.group = group;
    CHECK(planned(wanted, around).remarks ==
          std::vector<std::string>{
              "HighErrorRate is grouped by alertname, severity, job on its route to \"all\", "
              "never as " +
              verifiers::to_text(group) + ": this expectation will be mismatched"});
  }
}

TEST_CASE("What a receiver's kind can never show is refused") {
  Scenario wanted = scenario();
  wanted.notifications = {notification("pager")};
  NotificationContent& content = wanted.notifications[0].content;
  Situation around = situation();
  verifiers::ReceiverConfig& pager = around.alertmanager->receivers[1];

  SECTION("labels of a text") {
    const auto ask = GENERATE(0, 1, 2);
    if (ask == 0) content.labels = {{"severity", "critical"}};
    if (ask == 1) content.annotations = {{"summary", "x"}};
    if (ask == 2) content.group.emplace();
    CHECK(refusal(wanted, around) ==
          "the notification of HighErrorRate at \"pager\" cannot be held to labels, annotations or a group: "
          "receiver \"pager\" is told by slack_configs, which send a text\n"
          "  hint: expect them at a receiver with webhook_configs, or use body = [ { text = \"…\" } ]");
    // A webhook beside it carries them.
    pager.integrations.push_back({"webhook", true, "http://x/webhook/pager"});
    CHECK(refusal(wanted, around).empty());
    // One that posts elsewhere does not.
    pager.integrations.back().url = "http://x/webhook/other";
    CHECK_FALSE(refusal(wanted, around).empty());
  }
  SECTION("a path into a mail") {
    pager.integrations = {{"email", true, ""}};
    content.body = {{"$.a", "x"}};
    CHECK(refusal(wanted, around) ==
          "the notification of HighErrorRate at \"pager\" cannot be asked for a jsonpath: receiver \"pager\" "
          "is "
          "told by email_configs, and a mail is not JSON\n  hint: use body = [ { text = \"…\" } ]");
    content.body = {{"", "x"}};
    CHECK(refusal(wanted, around).empty());
  }
}

TEST_CASE("An order that cannot be is said beforehand") {
  Scenario wanted = scenario();
  wanted.notifications = {notification("pager"), notification("everything")};
  wanted.notifications[0].resolved.expected = false;
  wanted.notifications[1].after = Predecessor{"HighErrorRate", "pager", "errors"};
  const Plan possible = planned(wanted);
  CHECK(possible.remarks.empty());
  CHECK(find(possible, "notification.HighErrorRate.everything.firing").after->receiver == "pager");
  CHECK_FALSE(find(possible, "notification.HighErrorRate.everything.resolved").after);

  Situation around = situation();
  around.alertmanager->root.routes[0].group_wait = 10min;
  wanted.faults[0].max_duration = 20min;
  const Plan plan = planned(wanted, around);
  REQUIRE(plan.remarks.size() == 1);
  CHECK(plan.remarks[0] ==
        "notification.HighErrorRate.everything.firing has to come after "
        "notification.HighErrorRate.pager.firing, "
        "which comes 10m39s after the fault at the earliest, later than its own budget of 1m02s");
}

TEST_CASE("An alert that no rule has is refused with the nearest name") {
  Scenario wanted = scenario();
  wanted.alerts[0].name = "HighErorRate";
  CHECK(refusal(wanted) ==
        "Prometheus has loaded no alerting rule \"HighErorRate\" (did you mean \"HighErrorRate\"?)\n"
        "  hint: there is HighErrorRate, InstanceDown");
}

TEST_CASE("A fault that cannot trip its rule is refused") {
  Scenario wanted = scenario();
  wanted.faults[0].effect.failing = 0.04;
  CHECK(refusal(wanted).find("HighErrorRate cannot be caused by fault \"errors\": ") == 0);
}

TEST_CASE("A fault that is too short for its notification is refused") {
  Scenario wanted = scenario();
  wanted.notifications = {notification("everything")};
  SECTION("because its time is up") {
    wanted.faults[0].stop = StopWhen::after;
    wanted.faults[0].stop_after = 20s;
    CHECK(refusal(wanted) ==
          "fault \"errors\" lasts 20s at most, but its notification can take 1m00s to be sent\n"
          "  hint: use stop = \"notified\", or a longer time");
  }
  SECTION("because of its longest time") {
    wanted.faults[0].max_duration = 30s;
    CHECK(refusal(wanted) ==
          "fault \"errors\" lasts 30s at most, but its notification can take 1m00s to be sent\n"
          "  hint: use a longer max_duration");
  }
}

TEST_CASE("A time limit shorter than the stage can take is refused") {
  Scenario wanted = scenario();
  wanted.alerts[0].firing.automatic = false;
  wanted.alerts[0].firing.limit = 20s;
  CHECK(refusal(wanted) ==
        "alert.HighErrorRate.firing: within 20.0s is shorter than the stage can take; 39.2s at the least\n"
        "  hint: use \"auto\" for the derived budget");
}

TEST_CASE("All that cannot work is told at once") {
  Scenario wanted = scenario();
  wanted.alerts.push_back(wanted.alerts[0]);
  wanted.alerts[0].name = "Nothing";
  wanted.faults[0].effect.failing = 0.01;
  const std::string text = refusal(wanted);
  CHECK(text.find("2 mistakes:") == 0);
  CHECK(text.find("no alerting rule \"Nothing\"") != std::string::npos);
  CHECK(text.find("HighErrorRate cannot be caused") != std::string::npos);
}

TEST_CASE("A scenario that expects no alert watches as long as any rule can take") {
  Scenario wanted = scenario();
  wanted.alerts.clear();
  wanted.nothing_else.emplace();
  // W + F + S + 2 E of the slowest rule.
  CHECK(planned(wanted).watch == 60s + 30s + 5s + 10s);
  wanted.nothing_else->watch = 7s;
  CHECK(planned(wanted).watch == 7s);
}

TEST_CASE("Expected alerts may fire, others may not") {
  Scenario wanted = scenario();
  wanted.nothing_else.emplace();
  wanted.nothing_else->allow = {{"Watch*", {}, {}, {}}};
  const Plan plan = planned(wanted);
  const Expectation& nothing = find(plan, "nothing_else");
  REQUIRE(nothing.allowed.size() == 2);
  CHECK(nothing.allowed[0].alertname == "Watch*");
  CHECK(nothing.allowed[1].alertname == "HighErrorRate");
  CHECK(plan.watch == Nanoseconds::zero());
}

TEST_CASE("The longest run is the sum of the stages at their latest") {
  Scenario wanted = scenario();
  const Plan plan = planned(wanted);
  REQUIRE(plan.longest);
  CHECK(*plan.longest == plan.settle + *find(plan, "alert.HighErrorRate.firing").budget +
                             *find(plan, "alert.HighErrorRate.inactive").budget);
}
