// obsctl verify routes as a user types it, against the real Alertmanager: a private one with a file whose
// real receivers must not hear of it, and one that runs already.
#include <csignal>
#include <regex>
#include <thread>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <sys/socket.h>
#include <unistd.h>

#include "core/file.hpp"
#include "stacks/private_alertmanager.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/monitoring.hpp"
#include "tests/support/run_program.hpp"
#include "tests/support/temporary_directory.hpp"
#include "verifiers/alertmanager_client.hpp"
#include "verifiers/receiver.hpp"

using namespace std::chrono_literals;
using namespace obsctl;
using nlohmann::json;
using tests::TemporaryDirectory;
using verifiers::AlertmanagerClient;
using verifiers::Labels;
using verifiers::NotificationKind;

namespace {

bool is_missing() {
  return !tests::is_installed({"prometheus-alertmanager", "alertmanager"}, "prometheus-alertmanager");
}

/// Stands for the world: listens, and remembers whether anybody came.
class Outside {
 public:
  Outside() : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    REQUIRE(::bind(socket_, reinterpret_cast<sockaddr*>(&address), size) == 0);
    REQUIRE(::listen(socket_, 100) == 0);
    REQUIRE(::getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    port_ = ntohs(address.sin_port);
  }
  ~Outside() { ::close(socket_); }
  Outside(const Outside&) = delete;
  Outside& operator=(const Outside&) = delete;

  std::string address() const { return fmt::format("127.0.0.1:{}", port_); }
  bool was_contacted() const {
    const int peer = ::accept(socket_, nullptr, nullptr);
    if (peer >= 0) ::close(peer);
    return peer >= 0;
  }

 private:
  int socket_;
  std::uint16_t port_ = 0;
};

/// Every receiver that Alertmanager 0.25 has, all of them at `outside`, by every way an address can be given.
std::string config(const Outside& outside) {
  return std::regex_replace(std::string(R"yaml(
global:
  http_config: {proxy_url: 'http://OUTSIDE'}
  slack_api_url: http://OUTSIDE/slack
  smtp_smarthost: OUTSIDE
  smtp_from: alertmanager@example.org
  opsgenie_api_url: http://OUTSIDE/
  opsgenie_api_key: key
  victorops_api_url: http://OUTSIDE/
  victorops_api_key: key
  wechat_api_url: http://OUTSIDE/
  wechat_api_secret: secret
  wechat_api_corp_id: id
  pagerduty_url: http://OUTSIDE/
templates: ['*.tmpl']
route:
  receiver: "null"
  group_by: [alertname, cluster]
  routes:
    - receiver: pager
      matchers: [severity="critical"]
      continue: true
    - receiver: chat
      matchers: [severity=~"critical|warning"]
    - receiver: night
      matchers: [severity="info"]
      mute_time_intervals: [always]
      group_by: ['...']
    - receiver: "all the others"
      matchers: [team="odd"]
inhibit_rules:
  - source_matchers: [alertname="Down"]
    target_matchers: [severity="warning"]
    equal: [cluster]
time_intervals:
  - name: always
    time_intervals: [{times: [{start_time: '00:00', end_time: '24:00'}]}]
receivers:
  - name: "null"
  - name: pager
    pagerduty_configs: [{routing_key: key, severity: critical}]
    email_configs: [{to: on-call@example.org, headers: {Subject: 'Page: {{ .CommonLabels.alertname }}'}}]
  - name: chat
    slack_configs:
      - {channel: '#a', title: '{{ template "title" . }}', http_config: {proxy_url: 'http://OUTSIDE'}}
    discord_configs: [{webhook_url: 'http://OUTSIDE/discord'}]
  - name: night
    webhook_configs: [{url: 'http://OUTSIDE/webhook'}]
  - name: all the others
    opsgenie_configs: [{}]
    victorops_configs: [{routing_key: key}]
    pushover_configs: [{user_key: key, token: token}]
    wechat_configs: [{}]
    telegram_configs: [{api_url: 'http://OUTSIDE', bot_token: token, chat_id: 1}]
    webex_configs: [{api_url: 'http://OUTSIDE', room_id: id, http_config: {authorization: {credentials: c}}}]
    sns_configs: [{api_url: 'http://OUTSIDE', topic_arn: arn, sigv4: {region: x}}]
)yaml"),
                            std::regex("OUTSIDE"), outside.address());
}

constexpr const char* kChecks = R"toml(
schema = 1

[[route]]
labels = { alertname = "Slow", severity = "critical", cluster = "a" }
receivers = ["pager", "chat"]
group_by = ["alertname", "cluster"]
text = { slack = "^BAM Slow$", email = "Page: Slow", discord = "cluster = a" }

[[route]]
name = "a warning goes to the chat alone"
labels = { alertname = "Slow", severity = "warning", cluster = "a" }
receivers = ["chat"]

[[route]]
name = "a dead cluster hushes its warnings"
labels = { alertname = "Slow", severity = "warning", cluster = "a" }
beside = [ { alertname = "Down", cluster = "a" } ]
suppressed_by = "inhibition"

[[route]]
labels = { alertname = "Note", severity = "info" }
receivers = ["night"]
group_by = ["..."]
suppressed_by = "time"

[[route]]
labels = { alertname = "Odd", team = "odd" }
receivers = ["all the others"]

[[route]]
labels = { alertname = "Else" }
receivers = ["null"]

[[route]]
labels = { alertname = "Silent", severity = "critical" }
suppressed_by = "silence"

[[silence]]
matchers = ['alertname="Silent"']
)toml";

class Verify {
 public:
  Verify() {
    write("title.tmpl", R"({{ define "title" }}BAM {{ .CommonLabels.alertname }}{{ end }})");
    write("routes.toml", kChecks);
  }
  void write(const std::string& name, const std::string& text) {
    REQUIRE(core::write_file(folder_ / name, text));
  }
  tests::ProgramOutput run(std::vector<std::string> args) const {
    args.insert(args.begin(), {"verify", "routes"});
    return tests::run_program(
        {.program = OBSCTL_TEST_BINARY, .args = std::move(args), .folder = folder_.path(), .timeout = 60s});
  }
  /// What a private Alertmanager would have left behind.
  bool left_anything() const {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_.path())) {
      if (entry.path().string().find("obsctl-alertmanager-") != std::string::npos) return true;
    }
    return false;
  }
  const TemporaryDirectory& folder() const { return folder_; }

 private:
  TemporaryDirectory folder_;
};

/// "pagerduty" of every notification of a route, sorted.
std::vector<std::string> kinds_of(const json& route) {
  std::vector<std::string> kinds;
  for (const json& one : route.at("notifications")) kinds.push_back(one.at("kind"));
  std::sort(kinds.begin(), kinds.end());
  return kinds;
}

/// An Alertmanager that runs, with a receiver of its own that must not be told unless it is meant to be.
struct Running {
  explicit Running(const std::string& timers = "group_wait: 1s, group_interval: 1s") {
    receiver = verifiers::Receiver::start({}, clock, log).value();
    const std::string text = fmt::format(
        "route:\n  receiver: base\n  group_by: [alertname]\n  routes:\n"
        "    - {{receiver: pager, matchers: [severity=\"critical\"], continue: true, {0}}}\n"
        "    - {{receiver: chat, matchers: [severity=~\"critical|warning\"], {0}}}\n"
        "    - {{receiver: night, matchers: [severity=\"info\"], mute_time_intervals: [always], {0}}}\n"
        "inhibit_rules:\n"
        "  - {{source_matchers: [alertname=\"Down\"], target_matchers: [severity=\"warning\"]}}\n"
        "time_intervals:\n"
        "  - {{name: always, time_intervals: [{{times: [{{start_time: '00:00', end_time: '24:00'}}]}}]}}\n"
        "receivers:\n  - name: base\n  - {{name: pager, webhook_configs: [{{url: '{1}'}}]}}\n"
        "  - {{name: chat, slack_configs: [{{api_url: '{2}', channel: '#a'}}]}}\n"
        "  - {{name: night, webhook_configs: [{{url: '{3}'}}]}}\n",
        timers, receiver->url_for(NotificationKind::webhook, "pager"),
        receiver->url_for(NotificationKind::slack, "chat"),
        receiver->url_for(NotificationKind::webhook, "night"));
    auto started = stacks::PrivateAlertmanager::start(text, {});
    if (!started) FAIL(to_string(started.error()));
    alertmanager = std::move(*started);
    client.emplace(alertmanager->url());
  }

  /// Nothing of obsctl's is left: no alert, no silence that still counts.
  void check_clean() {
    CHECK(client->alerts()->empty());
    const auto silences = client->silences();
    REQUIRE(silences);
    for (const verifiers::Silence& silence : *silences) {
      if (silence.comment.starts_with("obsctl")) CHECK(silence.state == "expired");
    }
  }

  core::SystemClock clock;
  core::Logger log{core::LogLevel::off};
  std::unique_ptr<verifiers::Receiver> receiver;
  std::unique_ptr<stacks::PrivateAlertmanager> alertmanager;
  std::optional<AlertmanagerClient> client;
};

}  // namespace

TEST_CASE("a configuration file is proven whole, templates and all, and its real receivers hear nothing") {
  if (is_missing()) return;
  const Outside outside;
  Verify verify;
  verify.write("alertmanager.yml", config(outside));
  const auto output = verify.run({"--config", "alertmanager.yml", "--file", "routes.toml", "--json"});
  INFO(output.standard_output << output.standard_error);
  REQUIRE(output.status.code == 0);
  CHECK_FALSE(outside.was_contacted());
  CHECK_FALSE(verify.left_anything());
  const json document = json::parse(output.standard_output);
  CHECK(document.at("schema") == 1);
  CHECK(document.at("verdict") == "passed");
  CHECK(document.at("private") == true);
  CHECK(document.at("receivers_not_reached").empty());
  const json& routes = document.at("routes");
  REQUIRE(routes.size() == 7);
  CHECK(kinds_of(routes[0]) == std::vector<std::string>{"discord", "email", "pagerduty", "slack"});
  CHECK(routes[0].at("groups")[0].at("labels") == json{{"alertname", "Slow"}, {"cluster", "a"}});
  CHECK(kinds_of(routes[1]) == std::vector<std::string>{"discord", "slack"});
  CHECK(routes[2].at("notifications").empty());
  CHECK(std::string(routes[2].at("inhibited_by")[0]).find("alertname=\"Down\"") != std::string::npos);
  CHECK(routes[3].at("muted_by") == json{"always"});
  CHECK(kinds_of(routes[4]) == std::vector<std::string>(7, "webhook"));
  CHECK(routes[5].at("notifications").empty());
  CHECK(std::string(routes[6].at("silenced_by")[0]).find("(obsctl verify routes)") != std::string::npos);
  CHECK(output.standard_error.find(
            "note: sns of all the others is proven as a webhook: its own text is not\n") !=
        std::string::npos);
}

TEST_CASE("a wrong expectation fails with what was seen instead") {
  if (is_missing()) return;
  const Outside outside;
  Verify verify;
  verify.write("alertmanager.yml", config(outside));
  verify.write("wrong.toml", R"toml(
schema = 1
[[route]]
name = "receivers"
labels = { alertname = "A", severity = "critical" }
receivers = ["pager"]
[[route]]
name = "group"
labels = { alertname = "B", severity = "warning", cluster = "b" }
group_by = ["alertname"]
[[route]]
name = "text"
labels = { alertname = "C", severity = "warning" }
text = { slack = "^CRASH" }
[[route]]
name = "not inhibited"
labels = { alertname = "D", severity = "warning" }
suppressed_by = "inhibition"
[[route]]
name = "inhibited"
labels = { alertname = "E", severity = "warning" }
beside = [ { alertname = "Down" } ]
[[route]]
name = "muted"
labels = { alertname = "F", severity = "info" }
[[route]]
name = "no interval"
labels = { alertname = "G", severity = "warning" }
suppressed_by = "time"
[[route]]
name = "nobody"
labels = { alertname = "H" }
)toml");
  const auto output =
      verify.run({"--config", "alertmanager.yml", "--file", "wrong.toml", "--json", "--junit", "junit.xml"});
  INFO(output.standard_output << output.standard_error);
  REQUIRE(output.status.code == 1);
  const json document = json::parse(output.standard_output);
  std::map<std::string, std::string> problems;
  for (const json& route : document.at("routes")) {
    CHECK(route.at("verdict") == "failed");
    problems[route.at("name")] = route.at("problems").at(0);
  }
  CHECK(problems["receivers"] == "reaches chat, pager, not pager");
  CHECK(problems["group"] ==
        "is in the group {alertname=\"B\", cluster=\"b\"} for chat, not {alertname=\"B\"}");
  CHECK(problems["text"].starts_with("the slack notification at chat does not match \"^CRASH\": BAM C"));
  CHECK(problems["not inhibited"] == "is not suppressed by inhibition");
  CHECK(problems["inhibited"].starts_with(
      "is suppressed by inhibition: {alertname=\"Down\", obsctl_synthetic="));
  CHECK(problems["muted"] == "is suppressed by time: always");
  CHECK(problems["no interval"] == "is not suppressed by time: none of its routes has time intervals");
  CHECK(problems["nobody"] == "reaches null, which tells nobody");
  CHECK_FALSE(outside.was_contacted());
  const auto junit = core::read_file(verify.folder() / "junit.xml");
  REQUIRE(junit);
  CHECK(junit->find("tests=\"8\" failures=\"8\" errors=\"0\"") != std::string::npos);
  CHECK(junit->find("<failure type=\"failed\" message=\"reaches chat, pager, not pager\"/>") !=
        std::string::npos);
}

TEST_CASE("a file that Alertmanager refuses is a usage error in its own words") {
  if (is_missing()) return;
  Verify verify;
  verify.write("alertmanager.yml",
               "route: {receiver: a, mute_time_intervals: [x]}\nreceivers: [{name: a}]\n");
  const auto output = verify.run({"--config", "alertmanager.yml", "alertname=A"});
  CHECK(output.status.code == 2);
  CHECK(
      output.standard_error ==
      "obsctl: alertmanager.yml: Alertmanager refuses the configuration: \"root route must not have any mute "
      "time intervals\"\n");
}

TEST_CASE("an Alertmanager that runs proves routes without telling anybody") {
  if (is_missing()) return;
  Running running;
  const auto silence =
      running.client->add_silence(verifiers::LabelMatcher::parse("team=db").value(), running.clock.wall_now(),
                                  running.clock.wall_now() + 1h, "maintenance");
  REQUIRE(silence);
  Verify verify;
  verify.write("running.toml", R"toml(
schema = 1
[[route]]
labels = { alertname = "A", severity = "critical" }
receivers = ["pager", "chat"]
group_by = ["alertname"]
[[route]]
labels = { alertname = "B", severity = "warning" }
beside = [ { alertname = "Down" } ]
suppressed_by = "inhibition"
[[route]]
labels = { alertname = "C", severity = "warning" }
receivers = ["chat"]
[[route]]
labels = { alertname = "D", severity = "critical", team = "db" }
suppressed_by = "silence"
)toml");
  const auto output =
      verify.run({"--alertmanager", running.alertmanager->url(), "--file", "running.toml", "--json"});
  INFO(output.standard_output << output.standard_error);
  REQUIRE(output.status.code == 0);
  const json document = json::parse(output.standard_output);
  CHECK(document.at("silenced") == true);
  CHECK_FALSE(document.at("routes")[0].contains("notifications"));
  CHECK(document.at("routes")[3].at("silenced_by") == json{*silence + " (maintenance)"});
  CHECK(document.at("receivers_not_reached") == json{"base", "night"});
  running.check_clean();
  // Long enough for every group to have been flushed.
  std::this_thread::sleep_for(2s);
  CHECK(running.receiver->counts().accepted == 0);
}

TEST_CASE("muting by time is proven where Alertmanager tells of it, and is inconclusive where it does not") {
  if (is_missing()) return;
  Running running;
  const Verify verify;
  const auto output = verify.run({"--alertmanager", running.alertmanager->url(), "alertname=A,severity=info",
                                  "--expect", "suppressed_by=time", "--json"});
  const json route = json::parse(output.standard_output).at("routes")[0];
  const auto held = running.client->status();
  REQUIRE(held);
  if (route.at("muted_by").empty()) {
    CHECK(held->version < "0.28");
    CHECK(output.status.code == 3);
    CHECK(route.at("problems") == json{"Alertmanager does not say whether it is muted by time (0.28 and "
                                       "later do); prove it with --config"});
  } else {
    CHECK(output.status.code == 0);
  }
  running.check_clean();
}

TEST_CASE("a receiver of ours behind an Alertmanager that runs proves the notifications too") {
  if (is_missing()) return;
  Running running;
  const Verify verify;
  const auto output =
      verify.run({"--alertmanager", running.alertmanager->url(), "--receiver", running.receiver->url(),
                  "alertname=A,severity=critical", "alertname=B,severity=warning", "--json"});
  INFO(output.standard_output << output.standard_error);
  REQUIRE(output.status.code == 0);
  const json document = json::parse(output.standard_output);
  CHECK(document.at("silenced") == false);
  CHECK(kinds_of(document.at("routes")[0]) == std::vector<std::string>{"slack", "webhook"});
  CHECK(kinds_of(document.at("routes")[1]) == std::vector<std::string>{"slack"});
  running.check_clean();
}

TEST_CASE("Ctrl-C resolves the synthetic alerts") {
  if (is_missing()) return;
  Running running("group_wait: 1h, group_interval: 1h");
  const TemporaryDirectory folder;
  const auto log = folder / "output";
  auto child = core::ChildProcess::start(
      {.argv = {OBSCTL_TEST_BINARY, "verify", "routes", "--alertmanager", running.alertmanager->url(),
                "--receiver", running.receiver->url(), "alertname=A,severity=critical"},
       .log_file = log});
  REQUIRE(child);
  const auto deadline = std::chrono::steady_clock::now() + 20s;
  while (running.client->alerts()->empty() && std::chrono::steady_clock::now() < deadline)
    std::this_thread::sleep_for(20ms);
  REQUIRE_FALSE(running.client->alerts()->empty());
  child->signal(SIGINT);
  std::optional<core::ExitStatus> status;
  while (!(status = child->poll()) && std::chrono::steady_clock::now() < deadline)
    std::this_thread::sleep_for(20ms);
  REQUIRE(status);
  CHECK(status->code == 130);
  running.check_clean();
}
