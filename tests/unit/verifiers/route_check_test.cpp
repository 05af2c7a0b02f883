// Routes as they are judged and read; how they are seen is tests/integration/verify_routes_test.cpp's.
#include "verifiers/route_check.hpp"

#include "tests/support/catch.hpp"
#include "verifiers/route_checks_file.hpp"
#include "verifiers/route_waves.hpp"
#include "verifiers/synthetic_alerts.hpp"

using namespace obsctl::verifiers;
using namespace std::chrono_literals;
using Outcome = RouteFinding::Outcome;

namespace {

AlertmanagerConfig config() {
  return parse_alertmanager_config(R"yaml(
route:
  receiver: "null"
  group_by: [alertname]
  routes:
    - {receiver: pager, matchers: [severity="critical"]}
    - {receiver: chat, matchers: [severity="warning"], group_by: ['...']}
    - {receiver: night, matchers: [severity="info"], mute_time_intervals: [night]}
inhibit_rules:
  - {source_matchers: [severity="critical"], target_matchers: [severity="warning"], equal: [cluster]}
receivers:
  - {name: "null"}
  - {name: pager, webhook_configs: [{url: u}], slack_configs: [{channel: c}]}
  - {name: chat, webhook_configs: [{url: u}]}
  - {name: night, webhook_configs: [{url: u}]}
)yaml",
                                   "alertmanager.yml")
      .value();
}

Labels critical(const std::string& name = "A") {
  return {{"alertname", name}, {"severity", "critical"}};
}

RouteCheck check(Labels labels) {
  return {.name = to_text(labels), .labels = std::move(labels)};
}

/// What Alertmanager makes of a check of ours when all is well.
RouteObservation seen(const RouteCheck& one, const std::string& receiver) {
  RouteObservation seen;
  seen.held = true;
  seen.sent = one.labels;
  seen.sent[std::string(kSyntheticLabel)] = "run-1";
  seen.receivers = {receiver};
  seen.groups = {{receiver, {{"alertname", one.labels.at("alertname")}}}};
  return seen;
}

Notification notification(NotificationKind kind, const std::string& receiver, const std::string& text) {
  Notification one;
  one.kind = kind;
  one.receiver = receiver;
  one.text = text;
  one.status = NotifiedStatus::firing;
  return one;
}

}  // namespace

TEST_CASE("a route that is as expected passes, seen at the API alone") {
  RouteCheck one = check(critical());
  one.receivers = {"pager"};
  one.group_by = {"alertname", "absent"};
  const RouteFinding finding = judge_route(one, seen(one, "pager"), config());
  CHECK(finding.outcome == Outcome::passed);
  CHECK(finding.problems.empty());
}

TEST_CASE("every problem of a route is told, and a contradiction outranks what could not be told") {
  RouteCheck one = check(critical());
  one.receivers = {"chat"};
  one.group_by = std::vector<std::string>{};
  one.text.push_back({NotificationKind::slack, "x", obsctl::core::Regex::parse("x").value()});
  const RouteFinding finding = judge_route(one, seen(one, "pager"), config());
  CHECK(finding.outcome == Outcome::failed);
  CHECK(finding.problems == std::vector<std::string>{
                                "reaches pager, not chat",
                                "is in the group {alertname=\"A\"} for pager, not {}",
                                "no notification was looked at, so its text is not proven",
                            });
}

TEST_CASE("an alert that Alertmanager never lists is inconclusive") {
  const RouteCheck one = check(critical());
  const RouteFinding finding = judge_route(one, {}, config());
  CHECK(finding.outcome == Outcome::inconclusive);
  CHECK(finding.problems == std::vector<std::string>{"Alertmanager took the alert but never listed it"});
}

TEST_CASE("where every integration is watched, every one has to tell") {
  const RouteCheck one = check(critical());
  RouteObservation all = seen(one, "pager");
  all.proof = NotificationProof::complete;
  all.waited = 2s;
  all.notifications = {notification(NotificationKind::webhook, "pager", "A")};
  CHECK(judge_route(one, all, config()).problems ==
        std::vector<std::string>{"no notification arrived within 2.00s: slack at pager"});
  all.proof = NotificationProof::some;
  const RouteFinding some = judge_route(one, all, config());
  CHECK(some.outcome == Outcome::passed);
  CHECK(some.remarks ==
        std::vector<std::string>{"not seen at the receiver that was watched: slack at pager"});
  all.notifications.clear();
  CHECK(judge_route(one, all, config()).outcome == Outcome::failed);
}

TEST_CASE("a suppressed alert that somebody hears of fails") {
  RouteCheck one = check(critical());
  one.suppressed_by = Suppression::silence;
  RouteObservation told = seen(one, "pager");
  told.silenced_by = {"id (why)"};
  told.proof = NotificationProof::complete;
  CHECK(judge_route(one, told, config()).outcome == Outcome::passed);
  told.notifications = {notification(NotificationKind::slack, "pager", "A")};
  CHECK(judge_route(one, told, config()).problems ==
        std::vector<std::string>{"a slack notification reached pager, where none was wanted"});
  told.notifications.clear();
  told.inhibited_by = {"{alertname=\"B\"}"};
  CHECK(judge_route(one, told, config()).problems ==
        std::vector<std::string>{"is suppressed by inhibition: {alertname=\"B\"}"});
}

TEST_CASE("muting by time that Alertmanager does not tell of is no proof without notifications") {
  RouteCheck one = check({{"alertname", "A"}, {"severity", "info"}});
  one.suppressed_by = Suppression::time;
  RouteObservation quiet = seen(one, "night");
  CHECK(judge_route(one, quiet, config()).outcome == Outcome::inconclusive);
  quiet.proof = NotificationProof::some;
  quiet.waited = 3s;
  const RouteFinding finding = judge_route(one, quiet, config());
  CHECK(finding.outcome == Outcome::passed);
  CHECK(finding.remarks ==
        std::vector<std::string>{"muted by time as far as can be told: no notification within 3.00s"});
}

TEST_CASE("a notification is known by the mark, by its labels or by its name") {
  const Labels sent = {{"alertname", "High"}, {std::string(kSyntheticLabel), "run-1"}};
  Notification listed = notification(NotificationKind::webhook, "x", "");
  listed.alerts = {{.name = "High", .status = NotifiedStatus::firing, .labels = sent}};
  CHECK(is_about(listed, sent));
  listed.alerts[0].labels[std::string(kSyntheticLabel)] = "run-2";
  CHECK_FALSE(is_about(listed, sent));
  listed.alerts[0].labels = sent;
  listed.alerts[0].status = NotifiedStatus::resolved;
  CHECK_FALSE(is_about(listed, sent));
  CHECK(is_about(notification(NotificationKind::slack, "x", "something run-1"), sent));
  CHECK(is_about(notification(NotificationKind::slack, "x", "[FIRING:1] High (a)"), sent));
  CHECK_FALSE(is_about(notification(NotificationKind::slack, "x", "[FIRING:1] Higher"), sent));
}

TEST_CASE("a receiver is known by its name, its path or its address") {
  Notification one = notification(NotificationKind::webhook, "all%20others", "");
  CHECK(is_for_receiver(one, "all others"));
  CHECK_FALSE(is_for_receiver(one, "others"));
  one.declared_receiver = "others";
  CHECK(is_for_receiver(one, "others"));
}

TEST_CASE("checks that would disturb each other are made one after the other") {
  const AlertmanagerConfig routes = config();
  using Waves = std::vector<std::vector<std::size_t>>;
  const Labels warning = {{"alertname", "W"}, {"severity", "warning"}};
  const Labels info = {{"alertname", "I"}, {"severity", "info"}},
               info2 = {{"alertname", "J"}, {"severity", "info"}};
  SECTION("by inhibition, whichever is the source") {
    CHECK(waves_of({check(critical()), check(warning), check(critical("B"))}, routes, false) ==
          Waves{{0, 2}, {1}});
  }
  SECTION("by inhibition from an alert beside") {
    RouteCheck one = check(critical());
    one.labels["severity"] = "info";
    one.beside = {critical()};
    CHECK(waves_of({one, check(warning)}, routes, false) == Waves{{0}, {1}});
  }
  SECTION("by a group, where groups have to be apart") {
    const std::vector<RouteCheck> same = {check(critical()), check(critical()), check(critical("B"))};
    CHECK(waves_of(same, routes, false) == Waves{{0, 1, 2}});
    CHECK(waves_of(same, routes, true) == Waves{{0, 2}, {1}});
  }
  SECTION("by time intervals, where groups have to be apart") {
    CHECK(waves_of({check(info), check(info2)}, routes, true) == Waves{{0}, {1}});
  }
}

TEST_CASE("a file of routes is read whole") {
  std::vector<obsctl::core::Error> errors;
  const RouteChecks read = read_route_checks(R"toml(
schema = 1
[[route]]
name = "n"
labels = { alertname = "A" }
annotations = { summary = "s" }
beside = [ { alertname = "B", team = "t" } ]
receivers = ["x", "y"]
group_by = []
suppressed_by = "time"
[[route]]
labels = { alertname = "C" }
text = { email = "a+" }
[[silence]]
matchers = ['team="t"', 'x=~"1|2"']
comment = "c"
)toml",
                                             "routes.toml", errors);
  REQUIRE(errors.empty());
  REQUIRE(read.checks.size() == 2);
  const RouteCheck& first = read.checks[0];
  CHECK(first.name == "n");
  CHECK(first.labels == Labels{{"alertname", "A"}});
  CHECK(first.annotations == Labels{{"summary", "s"}});
  CHECK(first.beside == std::vector<Labels>{{{"alertname", "B"}, {"team", "t"}}});
  CHECK(first.receivers == std::vector<std::string>{"x", "y"});
  CHECK(first.group_by == std::vector<std::string>{});
  CHECK(first.suppressed_by == Suppression::time);
  CHECK(read.checks[1].name == "{alertname=\"C\"}");
  CHECK_FALSE(read.checks[1].receivers);
  CHECK_FALSE(read.checks[1].group_by);
  REQUIRE(read.checks[1].text.size() == 1);
  CHECK(read.checks[1].text[0].kind == NotificationKind::email);
  REQUIRE(read.silences.size() == 1);
  CHECK(read.silences[0].matchers.size() == 2);
  CHECK(read.silences[0].comment == "c");
}

TEST_CASE("a file that is no TOML is one mistake") {
  std::vector<obsctl::core::Error> errors;
  read_route_checks("[[route]\n", "routes.toml", errors);
  REQUIRE(errors.size() == 1);
  CHECK(errors[0].where->line == 1);
}

TEST_CASE("label sets and expectations are read from the command line") {
  CHECK(parse_label_set("a=b, c=\"d,e\"").value() == Labels{{"a", "b"}, {"c", "d,e"}});
  CHECK_FALSE(parse_label_set(""));
  CHECK_FALSE(parse_label_set("a="));
  RouteCheck one = check(critical());
  for (const char* text : {"receiver=x", "receiver=y", "group_by=a, b", "suppressed_by=inhibition"})
    REQUIRE(add_expectation(one, text));
  CHECK(one.receivers == std::vector<std::string>{"x", "y"});
  CHECK(one.group_by == std::vector<std::string>{"a", "b"});
  CHECK(one.suppressed_by == Suppression::inhibition);
  REQUIRE(add_expectation(one, "group_by="));
  CHECK(one.group_by == std::vector<std::string>{});
  for (const char* text : {"receiver=", "receiver", "suppressed_by=none", "x=y"})
    CHECK_FALSE(add_expectation(one, text));
}
