// Reading Alertmanager's configuration. That routes and inhibition agree with Alertmanager itself is shown by
// tests/integration/, against amtool.
#include "verifiers/alertmanager_config.hpp"

#include <fmt/format.h>

#include "tests/support/catch.hpp"

using namespace std::chrono_literals;
using namespace obsctl::verifiers;
using obsctl::core::ErrorKind;

namespace {

constexpr const char* kConfig = R"yaml(
global:
  resolve_timeout: 5m
route:
  receiver: default
  group_by: [alertname, cluster]
  group_wait: 10s
  group_interval: 1m30s
  routes:
    - match: {severity: critical}
      match_re: {service: "api|web"}
      receiver: pager
      group_wait: 1s
      continue: true
      mute_time_intervals: [night]
      routes:
        - matchers: [team="core"]
          receiver: core
          group_by: []
    - matchers: ['severity =~ "warning|critical"', env!=dev]
      receiver: chat
      group_by: ['...']
      repeat_interval: 1h
    - receiver: quiet
      matchers:
        - '{job="x", instance=""}'
receivers:
  - name: default
  - name: pager
    pagerduty_configs: [{routing_key: x}]
  - name: core
    webhook_configs:
      - url: http://localhost:1/
        send_resolved: false
      - url: http://localhost:2/
  - name: chat
    slack_configs:
      - api_url: http://localhost:3/
        channel: a
  - name: quiet
    email_configs: [{to: x@example.org, send_resolved: true}]
inhibit_rules:
  - source_match: {severity: critical}
    target_match_re: {severity: warning|info}
    equal: [service]
  - source_matchers: [alertname="Down"]
    target_matchers: [alertname=~"Down|Slow"]
)yaml";

AlertmanagerConfig config() {
  auto read = parse_alertmanager_config(kConfig, "alertmanager.yml");
  REQUIRE(read);
  return std::move(*read);
}

/// "chat by ... after 10s every 1m30s".
std::string text(const Route& route) {
  std::string labels;
  for (const std::string& label : route.group_by) labels += (labels.empty() ? "" : ",") + label;
  return fmt::format("{} by {} after {} every {} repeat {}", route.receiver,
                     route.group_by_all ? "..." : labels, obsctl::core::format_duration(route.group_wait),
                     obsctl::core::format_duration(route.group_interval),
                     obsctl::core::format_duration(route.repeat_interval));
}

std::vector<std::string> ends(const Labels& labels) {
  const AlertmanagerConfig read = config();
  std::vector<std::string> all;
  for (const Route* route : routes_for(read, labels)) all.push_back(text(*route));
  return all;
}

}  // namespace

TEST_CASE("an alert ends in the routes that Alertmanager would choose, with inherited timers") {
  using Texts = std::vector<std::string>;
  CHECK(ends({{"alertname", "X"}}) == Texts{"default by alertname,cluster after 10s every 1m30s repeat 4h"});
  CHECK(ends({{"severity", "warning"}}) == Texts{"chat by ... after 10s every 1m30s repeat 1h"});
  CHECK(ends({{"severity", "warning"}, {"env", "dev"}}) ==
        Texts{"default by alertname,cluster after 10s every 1m30s repeat 4h"});
  // continue: both the pager and the next sibling that matches.
  CHECK(ends({{"severity", "critical"}, {"service", "web"}}) ==
        Texts{"pager by alertname,cluster after 1s every 1m30s repeat 4h",
              "chat by ... after 10s every 1m30s repeat 1h"});
  CHECK(ends({{"severity", "critical"}, {"service", "api"}, {"team", "core"}}) ==
        Texts{"core by  after 1s every 1m30s repeat 4h", "chat by ... after 10s every 1m30s repeat 1h"});
  // Regular expressions are anchored; an empty value matches an absent label.
  CHECK(ends({{"severity", "critical"}, {"service", "api2"}, {"env", "dev"}, {"job", "x"}}) ==
        Texts{"quiet by alertname,cluster after 10s every 1m30s repeat 4h"});
  CHECK(ends({{"job", "x"}, {"instance", "a"}}) ==
        Texts{"default by alertname,cluster after 10s every 1m30s repeat 4h"});
}

TEST_CASE("mute and active times are a route's own") {
  const AlertmanagerConfig read = config();
  CHECK(read.root.routes[0].mute_time_intervals == std::vector<std::string>{"night"});
  CHECK(read.root.routes[0].routes[0].mute_time_intervals.empty());
  CHECK(read.root.routes[0].continue_matching);
  CHECK_FALSE(read.root.routes[0].routes[0].continue_matching);
}

TEST_CASE("without a word Alertmanager's own defaults hold") {
  const auto read = parse_alertmanager_config("route: {receiver: a}\nreceivers: [{name: a}]\n", "x.yml");
  REQUIRE(read);
  CHECK(text(read->root) == "a by  after 30s every 5m repeat 4h");
  CHECK(group_labels(read->root, {{"alertname", "X"}}).empty());
}

TEST_CASE("receivers are read with what they send") {
  const AlertmanagerConfig read = config();
  const auto sends = [&](std::string_view name) { return read.receiver(name)->sends_resolved(); };
  CHECK_FALSE(sends("default"));  // nobody
  CHECK(sends("pager"));
  CHECK(sends("core"));  // one of two
  CHECK_FALSE(sends("chat"));
  CHECK(sends("quiet"));
  CHECK(read.receiver("nobody") == nullptr);
  REQUIRE(read.receiver("core")->integrations.size() == 2);
  CHECK(read.receiver("core")->integrations[0].type == "webhook");
  CHECK(read.receiver("core")->integrations[0].url == "http://localhost:1/");
  CHECK_FALSE(read.receiver("core")->integrations[0].send_resolved);
  CHECK(read.receiver("chat")->integrations[0].url == "http://localhost:3/");
}

TEST_CASE("send_resolved has Alertmanager's default for each kind of receiver") {
  const auto [type, sends] = GENERATE(table<std::string, bool>({{"webhook", true},
                                                                {"pagerduty", true},
                                                                {"discord", true},
                                                                {"opsgenie", true},
                                                                {"msteams", true},
                                                                {"telegram", true},
                                                                {"slack", false},
                                                                {"email", false},
                                                                {"wechat", false}}));
  CAPTURE(type);
  const auto read = parse_alertmanager_config(
      fmt::format("route: {{receiver: a}}\nreceivers: [{{name: a, {}_configs: [{{}}]}}]\n", type), "x.yml");
  REQUIRE(read);
  CHECK(read->receiver("a")->sends_resolved() == sends);
}

TEST_CASE("alerts are grouped by the labels of their route") {
  Route route;
  route.group_by = {"alertname", "cluster"};
  const Labels labels{{"alertname", "X"}, {"job", "a"}};
  CHECK(group_labels(route, labels) == Labels{{"alertname", "X"}});
  route.group_by_all = true;
  CHECK(group_labels(route, labels) == labels);
}

TEST_CASE("inhibition follows the rules of both syntaxes") {
  const AlertmanagerConfig read = config();
  REQUIRE(read.inhibit_rules.size() == 2);
  const InhibitRule& by_severity = read.inhibit_rules[0];
  const Labels critical{{"severity", "critical"}, {"service", "api"}};
  CHECK(by_severity.inhibits(critical, {{"severity", "warning"}, {"service", "api"}}));
  CHECK_FALSE(by_severity.inhibits(critical, {{"severity", "warning"}, {"service", "web"}}));
  CHECK_FALSE(by_severity.inhibits(critical, {{"severity", "none"}, {"service", "api"}}));
  CHECK_FALSE(by_severity.inhibits({{"severity", "warning"}, {"service", "api"}},
                                   {{"severity", "warning"}, {"service", "api"}}));
  SECTION("a label absent on both sides is equal") {
    CHECK(by_severity.inhibits({{"severity", "critical"}}, {{"severity", "info"}}));
  }
  SECTION("alerts that are both source and target do not mute each other") {
    const InhibitRule& both = read.inhibit_rules[1];
    CHECK(both.inhibits({{"alertname", "Down"}}, {{"alertname", "Slow"}}));
    CHECK_FALSE(both.inhibits({{"alertname", "Down"}, {"i", "1"}}, {{"alertname", "Down"}, {"i", "2"}}));
  }
}

TEST_CASE("a configuration that is wrong is refused with its place") {
  const auto [yaml, why] = GENERATE(table<std::string, std::string>({
      {"", "a.yml: the configuration is not a map"},
      {"[]", "a.yml:1:1: the configuration is not a map"},
      {"receivers: []", "a.yml:1:1: route is missing"},
      {"route: {}\nreceivers: []", "a.yml:1:8: the root route has no receiver"},
      {"route: {receiver: a}", "a.yml:1:1: receivers is missing or not a list"},
      {"route: {receiver: a}\nreceivers: [{name: b}]",
       "a.yml:1:8: a route leads to the receiver \"a\", which is not defined"},
      {"route: {receiver: [a]}\nreceivers: [{name: a}]", "a.yml:1:19: receiver is not a text"},
      {"route:\n  receiver: a\n  group_wait: soon\nreceivers: [{name: a}]",
       "a.yml:3:15: group_wait: \"soon\" is not a duration: a number was expected"},
      {"route:\n  receiver: a\n  routes: [{matchers: [severity]}]\nreceivers: [{name: a}]",
       "a.yml:3:24: \"severity\" is not a matcher: the operator is missing"},
      {"route:\n  receiver: a\n  routes: [{match_re: {a: '('}}]\nreceivers: [{name: a}]",
       "a.yml:3:27: a: \"(\" is not a regular expression: missing ): ("},
      {"route:\n  receiver: a\n  routes: {a: b}\nreceivers: [{name: a}]", "a.yml:3:11: routes is not a list"},
      {"route: {receiver: a}\nreceivers: [{name: a, slack_configs: {}}]",
       "a.yml:2:38: slack_configs is not a list"},
      {"route: {receiver: a}\nreceivers: [{}]", "a.yml:2:13: a receiver has no name"},
  }));
  CAPTURE(yaml);
  const auto read = parse_alertmanager_config(yaml, "a.yml");
  REQUIRE_FALSE(read);
  CHECK(read.error().kind == ErrorKind::invalid_input);
  CHECK(to_string(read.error()) == why);
}

TEST_CASE("what is not YAML is refused with its place") {
  const auto read = parse_alertmanager_config("route: [\n", "a.yml");
  REQUIRE_FALSE(read);
  REQUIRE(read.error().where);
  CHECK(read.error().where->file == "a.yml");
  CHECK(read.error().where->line == 2);
}

TEST_CASE("aliases cannot make a short text a tree without end") {
  std::string yaml = "r0: &r0 {receiver: a}\n";
  for (int i = 1; i < 30; ++i)
    yaml += fmt::format("r{0}: &r{0} {{receiver: a, routes: [*r{1}, *r{1}]}}\n", i, i - 1);
  yaml += "receivers: [{name: a}]\nroute: *r";
  const auto refused = parse_alertmanager_config(yaml + "29\n", "am.yml");
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message == "there are more than 10000 routes");
  const auto few = parse_alertmanager_config(yaml + "3\n", "am.yml");
  REQUIRE(few);
  CHECK(few->root.routes.at(1).routes.size() == 2);
}
