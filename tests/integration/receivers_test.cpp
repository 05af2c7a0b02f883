// The receiver against the real Alertmanager: every kind of receiver that it has, and its retries when
// receivers misbehave.
#include <algorithm>
#include <cstdio>
#include <thread>

#include <fmt/format.h>

#include "core/file.hpp"
#include "core/process.hpp"
#include "stacks/ports.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/mail_sender.hpp"
#include "tests/support/monitoring.hpp"
#include "verifiers/alertmanager_client.hpp"
#include "verifiers/receiver.hpp"

using namespace std::chrono_literals;
using namespace obsctl::verifiers;
using obsctl::core::ChildProcess;
using obsctl::core::Nanoseconds;
using obsctl::tests::is_installed;
using obsctl::tests::TemporaryDirectory;

namespace {

/// Alertmanager alone, and a receiver of ours that takes mail over STARTTLS with credentials.
class Pager {
 public:
  explicit Pager(std::map<std::string, std::vector<Misbehaviour>> misbehaviours = {})
      : port_(obsctl::stacks::PortReservation::any().value()) {
    obsctl::tests::make_certificate(certificate(), directory_ / "key.pem");
    ReceiverOptions options;
    options.smtp.emplace();
    options.smtp->certificate = certificate().string();
    options.smtp->key = (directory_ / "key.pem").string();
    options.smtp->auth = SmtpAuth::required;
    options.misbehaviours = std::move(misbehaviours);
    auto started = Receiver::start(options, clock_, log_);
    REQUIRE(started);
    receiver_ = std::move(*started);
  }

  Receiver& receiver() { return *receiver_; }
  AlertmanagerClient& alertmanager() { return *client_; }
  std::filesystem::path certificate() const { return directory_ / "certificate.pem"; }

  std::string url(NotificationKind kind, const std::string& name) const {
    return receiver_->url_for(kind, name);
  }
  /// One entry of email_configs.
  std::string email(const std::string& name) const {
    return fmt::format(
        "{{smarthost: '{}', from: 'Alertmanager <am@example.org>', to: {}@example.org, send_resolved: true, "
        "auth_username: u, auth_password: p, tls_config: {{ca_file: '{}', server_name: 127.0.0.1}}}}",
        receiver_->smarthost(), name, certificate().string());
  }

  void start(const std::string& config) {
    REQUIRE(obsctl::core::write_file(directory_ / "alertmanager.yml", config));
    const auto program = obsctl::core::find_program({"prometheus-alertmanager", "alertmanager"});
    REQUIRE(program);
    auto child = ChildProcess::start(
        {.argv = {program->string(), "--config.file=" + (directory_ / "alertmanager.yml").string(),
                  "--storage.path=" + (directory_ / "data").string(), "--cluster.listen-address=",
                  fmt::format("--web.listen-address=127.0.0.1:{}", port_.port())},
         .log_file = directory_ / "alertmanager.log"});
    REQUIRE(child);
    process_ = std::move(*child);
    client_.emplace(fmt::format("http://127.0.0.1:{}", port_.port()));
    const auto deadline = std::chrono::steady_clock::now() + 20s;
    while (!client_->ready()) {
      if (std::chrono::steady_clock::now() > deadline) FAIL(log());
      std::this_thread::sleep_for(20ms);
    }
  }

  void post(const std::vector<Labels>& alerts, bool resolved) {
    const auto now = clock_.wall_now();
    if (!resolved) started_ = now;
    std::vector<PostedAlert> posted;
    for (const Labels& labels : alerts) {
      posted.push_back(
          {.labels = labels,
           .annotations = {{"summary", "Störung of " + std::string(label_of(labels, "instance"))}},
           .starts_at = started_,
           .ends_at = resolved ? now : WallTime{}});
    }
    REQUIRE(client_->post_alerts(posted));
  }

  /// What has been recorded once `enough` says so, or after `patience`.
  template <class Enough>
  std::vector<Notification> wait(Nanoseconds patience, Enough enough) {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    std::vector<Notification> all = receiver_->after(0);
    while (!enough(all) && std::chrono::steady_clock::now() < deadline) {
      receiver_->wait_after(all.empty() ? 0 : all.back().sequence, std::chrono::steady_clock::now() + 100ms);
      all = receiver_->after(0);
    }
    return all;
  }
  std::string log() const { return obsctl::core::tail_of_file(directory_ / "alertmanager.log", 20); }

 private:
  TemporaryDirectory directory_;
  obsctl::stacks::PortReservation port_;
  obsctl::core::SystemClock clock_;
  obsctl::core::Logger log_{obsctl::core::LogLevel::off};
  std::unique_ptr<Receiver> receiver_;
  std::optional<ChildProcess> process_;
  std::optional<AlertmanagerClient> client_;
  WallTime started_;
};

/// Before 0.28 Alertmanager does not look at the answer to a mail (its issue 4006): a refused one is lost.
bool loses_refused_mail(Pager& pager) {
  const auto status = pager.alertmanager().status();
  REQUIRE(status);
  int minor = 0;
  return std::sscanf(status->version.c_str(), "0.%d.", &minor) == 1 && minor < 28;
}

bool is_missing() {
  return !is_installed({"prometheus-alertmanager", "alertmanager"}, "prometheus-alertmanager");
}

const std::vector<NotificationKind> kSpoken = {NotificationKind::webhook, NotificationKind::slack,
                                               NotificationKind::discord, NotificationKind::pagerduty,
                                               NotificationKind::email};

std::string configuration(const Pager& pager) {
  using Kind = NotificationKind;
  return fmt::format(
      "route: {{receiver: all, group_by: [alertname], group_wait: 0s, group_interval: 1s}}\n"
      "receivers:\n"
      "  - name: all\n"
      "    webhook_configs: [{{url: '{}'}}]\n"
      "    slack_configs: [{{api_url: '{}', channel: '#alerts', send_resolved: true}}]\n"
      "    discord_configs: [{{webhook_url: '{}'}}]\n"
      "    pagerduty_configs: [{{url: '{}', routing_key: key}}]\n"
      "    email_configs: [{}]\n",
      pager.url(Kind::webhook, "on-call"), pager.url(Kind::slack, "on-call"),
      pager.url(Kind::discord, "on-call"), pager.url(Kind::pagerduty, "on-call"), pager.email("on-call"));
}

const Notification* find(const std::vector<Notification>& all, NotificationKind kind, NotifiedStatus status) {
  const auto found = std::find_if(all.begin(), all.end(), [&](const Notification& one) {
    return one.kind == kind && one.status == status;
  });
  return found == all.end() ? nullptr : &*found;
}

bool has_all(const std::vector<Notification>& all, NotifiedStatus status) {
  return std::all_of(kSpoken.begin(), kSpoken.end(),
                     [&](NotificationKind kind) { return find(all, kind, status) != nullptr; });
}

/// A receiver that misbehaves, and what must have been recorded of it in the end.
struct Case {
  std::string name;
  NotificationKind kind;
  std::string misbehaviour;
  std::string group_interval;
  std::vector<std::string> expected;
};

const std::vector<Case>& all_cases() {
  using Kind = NotificationKind;
  static const std::vector<Case> all = {
      {"flaky", Kind::webhook, "500x2", "1h", {"refused 500 first", "refused 500 retry", "taken retry"}},
      {"flaky-slack", Kind::slack, "503x1", "1h", {"refused 503 first", "taken retry"}},
      {"flaky-discord", Kind::discord, "502x1", "1h", {"refused 502 first", "taken retry"}},
      {"limited", Kind::pagerduty, "429:1sx1", "1h", {"refused 429 first", "taken retry"}},
      {"limited-webhook", Kind::webhook, "429:1s", "1h", {"refused 429 first"}},
      {"wrong", Kind::webhook, "400", "1h", {"refused 400 first"}},
      {"reset", Kind::webhook, "closex2", "1h", {"refused 0 first", "refused 0 retry", "taken retry"}},
      {"slow", Kind::webhook, "slow:1s", "1h", {"taken first"}},
      {"busy-mail", Kind::email, "451x1", "1h", {"refused 451 first", "taken retry"}},
      // Alertmanager waits for ten seconds, then tries again with the group's next flush.
      {"hanging", Kind::webhook, "hangx1", "1s", {"refused 0 first", "taken retry"}},
  };
  return all;
}

std::string integration_of(const Pager& pager, const Case& one) {
  if (one.kind == NotificationKind::email) return fmt::format("email_configs: [{}]", pager.email(one.name));
  const std::string url = pager.url(one.kind, one.name);
  switch (one.kind) {
    case NotificationKind::slack:
      return fmt::format("slack_configs: [{{api_url: '{}', channel: '#a'}}]", url);
    case NotificationKind::discord:
      return fmt::format("discord_configs: [{{webhook_url: '{}'}}]", url);
    case NotificationKind::pagerduty:
      return fmt::format("pagerduty_configs: [{{url: '{}', routing_key: key}}]", url);
    default:
      return fmt::format("webhook_configs: [{{url: '{}'}}]", url);
  }
}

std::string misbehaving_configuration(const Pager& pager) {
  std::string routes, receivers;
  for (const Case& one : all_cases()) {
    routes += fmt::format("    - {{receiver: {}, continue: true, group_interval: {}}}\n", one.name,
                          one.group_interval);
    receivers += fmt::format("  - name: {}\n    {}\n", one.name, integration_of(pager, one));
  }
  return "route:\n  receiver: rest\n  group_by: [alertname]\n  group_wait: 0s\n  routes:\n" + routes +
         "receivers:\n  - name: rest\n" + receivers;
}

std::vector<std::string> recorded_of(const std::vector<Notification>& all, const std::string& receiver) {
  std::vector<std::string> texts;
  for (const Notification& one : all) {
    if (one.receiver != receiver) continue;
    texts.push_back(one.refused ? fmt::format("refused {} {}", one.answer, to_string(one.recurrence))
                                : fmt::format("taken {}", to_string(one.recurrence)));
  }
  return texts;
}

}  // namespace

TEST_CASE("every kind of receiver that Alertmanager has tells of firing and resolved") {
  if (is_missing()) return;
  Pager pager;
  pager.start(configuration(pager));
  const std::vector<Labels> alerts = {{{"alertname", "HighErrorRate"}, {"instance", "a"}},
                                      {{"alertname", "HighErrorRate"}, {"instance", "b"}}};
  pager.post(alerts, false);
  const auto firing = pager.wait(20s, [](const auto& all) { return has_all(all, NotifiedStatus::firing); });
  for (const NotificationKind kind : kSpoken) {
    CAPTURE(to_string(kind), pager.log());
    const Notification* one = find(firing, kind, NotifiedStatus::firing);
    REQUIRE(one != nullptr);
    CHECK(one->receiver == "on-call");
    CHECK_FALSE(one->refused);
    CHECK(one->recurrence == Recurrence::first);
    CHECK(status_of(*one, "HighErrorRate") == NotifiedStatus::firing);
    if (kind == NotificationKind::slack) continue;  // tells no labels
    REQUIRE(one->alerts.size() == 2);
    for (const char* instance : {"a", "b"}) {
      CHECK(std::count_if(one->alerts.begin(), one->alerts.end(), [&](const NotifiedAlert& alert) {
              return alert.labels == Labels{{"alertname", "HighErrorRate"}, {"instance", instance}} &&
                     alert.annotations.at("summary") == std::string("Störung of ") + instance;
            }) == 1);
    }
  }
  pager.post(alerts, true);
  const auto resolved =
      pager.wait(20s, [](const auto& all) { return has_all(all, NotifiedStatus::resolved); });
  for (const NotificationKind kind : kSpoken) {
    CAPTURE(to_string(kind), pager.log());
    const Notification* one = find(resolved, kind, NotifiedStatus::resolved);
    REQUIRE(one != nullptr);
    CHECK(status_of(*one, "HighErrorRate") == NotifiedStatus::resolved);
    for (const NotifiedAlert& alert : one->alerts) CHECK(alert.status == NotifiedStatus::resolved);
  }
  CHECK(pager.receiver().counts().rejected == 0);
}

TEST_CASE("Alertmanager tries again where that can help, and nothing is lost") {
  if (is_missing()) return;
  std::map<std::string, std::vector<Misbehaviour>> misbehaviours;
  for (const Case& one : all_cases()) misbehaviours[one.name] = parse_misbehaviours(one.misbehaviour).value();
  Pager pager(misbehaviours);
  pager.start(misbehaving_configuration(pager));
  std::vector<Case> cases = all_cases();
  for (Case& one : cases) {
    if (one.kind == NotificationKind::email && loses_refused_mail(pager)) one.expected.resize(1);
  }
  pager.post({{{"alertname", "HighErrorRate"}}}, false);
  pager.wait(40s, [&cases](const auto& all) {
    return std::all_of(cases.begin(), cases.end(), [&](const Case& one) {
      return recorded_of(all, one.name).size() >= one.expected.size();
    });
  });
  // What is not tried again would have come by now: the first pause between two tries is half a second.
  std::this_thread::sleep_for(2s);
  const std::vector<Notification> all = pager.receiver().after(0);
  for (const Case& one : cases) {
    CAPTURE(one.name, pager.log());
    CHECK(recorded_of(all, one.name) == one.expected);
  }
  // What was refused had arrived whole.
  for (const Notification& one : all) {
    CAPTURE(one.receiver, one.sequence);
    REQUIRE(one.alerts.size() == 1);
    CHECK(one.alerts[0].name == "HighErrorRate");
    CHECK(one.alerts[0].status == NotifiedStatus::firing);
  }
}
