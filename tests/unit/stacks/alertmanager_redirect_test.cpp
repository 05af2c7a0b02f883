// What stays of an Alertmanager configuration, and what goes, when it is not to leave the machine.
#include "stacks/alertmanager_redirect.hpp"

#include <fmt/format.h>

#include "tests/support/catch.hpp"

using namespace obsctl::stacks;

namespace {

RedirectedConfig redirected(const std::string& yaml, const std::string& version = "0.25.0") {
  const auto made = redirect_alertmanager_config(yaml, "am.yml", "/etc/alertmanager",
                                                 {"http://127.0.0.1:1", "127.0.0.1:2", version});
  if (!made) FAIL(to_string(made.error()));
  return *made;
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

constexpr const char* kRoute = "route: {receiver: a}\n";

}  // namespace

TEST_CASE("routes keep all but their timers, templates are found where they were") {
  const RedirectedConfig config = redirected(R"yaml(
templates: ['t/*.tmpl', /abs/x.tmpl]
tracing: {endpoint: outside}
route:
  receiver: a
  group_wait: 30s
  routes: [{receiver: a, matchers: ['x="1"'], group_interval: 5m, continue: true}]
inhibit_rules: [{source_matchers: [a=b]}]
time_intervals: [{name: n}]
receivers: [{name: a}]
)yaml");
  CHECK(has(config.text, "- /etc/alertmanager/t/*.tmpl\n"));
  CHECK(has(config.text, "- /abs/x.tmpl\n"));
  CHECK(has(config.text, "group_wait: 250ms"));
  CHECK(has(config.text, "group_interval: 1s"));
  CHECK(has(config.text, "x=\"1\""));
  CHECK(has(config.text, "continue: true"));
  CHECK(has(config.text, "source_matchers"));
  CHECK(has(config.text, "time_intervals"));
  for (const char* gone : {"outside", "30s", "5m"}) CHECK_FALSE(has(config.text, gone));
  CHECK(config.notes == std::vector<std::string>{
                            "group_wait is 250ms and group_interval 1s in every route, so that it is quick"});
}

TEST_CASE("of a receiver what makes its message stays, and where it goes is ours") {
  const auto [yaml, kept, gone] = GENERATE(table<std::string, std::string, std::string>({
      {"webhook_configs: [{url: secret, max_alerts: 3, http_config: {proxy_url: secret}}]", "max_alerts: 3",
       "secret"},
      {"webhook_configs: [{url_file: secret}]", "url: http://127.0.0.1:1/webhook/a%20b", "secret"},
      {"slack_configs: [{api_url: secret, title: T}]", "title: T", "secret"},
      {"slack_configs: [{api_url_file: secret}]", "api_url: http://127.0.0.1:1/slack/a%20b", "secret"},
      {"discord_configs: [{webhook_url: secret}]", "webhook_url: http://127.0.0.1:1/discord/a%20b", "secret"},
      {"pagerduty_configs: [{routing_key: secret, severity: error}]", "severity: error", "secret"},
      {"pagerduty_configs: [{service_key_file: secret}]", "routing_key: obsctl", "secret"},
      {"email_configs: [{to: 'x@y', smarthost: secret, auth_password: secret, html: H}]", "To: x@y",
       "secret"},
      {"email_configs: [{to: 'x@y', headers: {to: z}}]", "to: a%20b@obsctl.invalid", "x@y"},
      {"sns_configs: [{topic_arn: secret, send_resolved: false}]", "send_resolved: false", "secret"},
      {"sns_configs: [{topic_arn: secret}]", "url: http://127.0.0.1:1/webhook/a%20b", "sns"},
      {"a_new_kind_configs: [{address: secret}]", "url: http://127.0.0.1:1/webhook/a%20b", "secret"},
      {"msteams_configs: [{webhook_url: secret}]", "url: http://127.0.0.1:1/webhook/a%20b", "msteams"},
  }));
  CAPTURE(yaml);
  const RedirectedConfig config =
      redirected(std::string(kRoute) + "receivers:\n  - name: a b\n    " + yaml + "\n");
  CAPTURE(config.text);
  CHECK(has(config.text, kept));
  CHECK_FALSE(has(config.text, gone));
}

TEST_CASE("Teams stays Teams where the Alertmanager that is installed has it") {
  const std::string yaml =
      std::string(kRoute) + "receivers: [{name: a, msteams_configs: [{webhook_url: x}]}]\n";
  CHECK(has(redirected(yaml, "0.26.0").text, "webhook_url: http://127.0.0.1:1/msteams/a"));
  CHECK(has(redirected(yaml, "1.0.0").text, "webhook_url: http://127.0.0.1:1/msteams/a"));
  CHECK(redirected(yaml, "0.25.0").notes.back() ==
        "msteams of a is proven as a webhook: its own text is not");
}

TEST_CASE("of what is global only what makes a message stays") {
  const RedirectedConfig config = redirected(
      "global: {smtp_from: f, resolve_timeout: 1m, slack_api_url: secret, http_config: {proxy_url: "
      "secret}}\n" +
      std::string(kRoute) + "receivers: [{name: a}]\n");
  CHECK(has(config.text, "smtp_from: f"));
  CHECK(has(config.text, "resolve_timeout: 1m"));
  CHECK_FALSE(has(config.text, "secret"));
}

TEST_CASE("what is no configuration is refused with its place") {
  const auto [yaml, error] = GENERATE(table<std::string, std::string>({
      {"[]", "am.yml:1:1: the configuration is not a map"},
      {"receivers: 1\n", "am.yml:1:12: receivers is not a list"},
      {"receivers: [{x_configs: 1}]\n", "am.yml:1:13: a receiver has no name"},
      {"receivers: [{name: a, x_configs: 1}]\n", "am.yml:1:34: x_configs is not a list"},
      {"receivers: [{name: a, x_configs: [1]}]\n", "am.yml:1:35: an entry of x_configs is not a map"},
      {"templates: 1\n", "am.yml:1:12: templates is not a list"},
      {"route: 1\n", "am.yml:1:8: a route is not a map"},
      {"route: {receiver: a, receiver: b}\n", "am.yml:1:22: receiver is there twice"},
      {"receivers: []\nreceivers: []\n", "am.yml:2:1: receivers is there twice"},
      {"receivers: [{name: a, x_configs: [{url: b, url: c}]}]\n", "am.yml:1:44: url is there twice"},
      {"route: {[a]: b}\n", "am.yml:1:9: a key is not a text"},
  }));
  const auto made = redirect_alertmanager_config(yaml, "am.yml", "", {"u", "s", "0.25.0"});
  REQUIRE_FALSE(made);
  CHECK(to_string(made.error()) == error);
}

TEST_CASE("aliases cannot make a short text a tree without end") {
  std::string yaml = "r0: &r0 {receiver: a}\n";
  for (int i = 1; i < 30; ++i)
    yaml += fmt::format("r{0}: &r{0} {{receiver: a, routes: [*r{1}, *r{1}]}}\n", i, i - 1);
  yaml += "receivers: [{name: a}]\nroute: *r";
  const RedirectTarget target{"http://127.0.0.1:1", "127.0.0.1:2", "0.25.0"};
  const auto refused = redirect_alertmanager_config(yaml + "29\n", "am.yml", "/", target);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message == "there are more than 10000 routes");
  CHECK(redirect_alertmanager_config(yaml + "3\n", "am.yml", "/", target));
}
