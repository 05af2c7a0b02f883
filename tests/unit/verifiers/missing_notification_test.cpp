// Each cause of a missing notification is told from the evidence that shows it, and the first on an alert's
// way wins.
#include "verifiers/missing_notification.hpp"

#include "tests/support/catch.hpp"

namespace {

using namespace obsctl::verifiers;
using namespace std::chrono_literals;
using obsctl::core::WallTime;

const WallTime kFired = *obsctl::core::parse_rfc3339("2026-11-21T10:00:00Z");
const Labels kLabels{{"alertname", "HighErrorRate"}, {"severity", "critical"}};

const std::string kConfig = R"(
route:
  receiver: rest
  group_by: [alertname]
  group_wait: 10s
  group_interval: 1m
  routes:
    - receiver: pager
      matchers: [severity="critical"]
      mute_time_intervals: [night]
receivers:
  - name: rest
  - name: pager
    slack_configs:
      - api_url: http://127.0.0.1:9099/slack/on-call
time_intervals:
  - name: night
    time_intervals: [{times: [{start_time: '22:00', end_time: '24:00'}]}]
)";

/// An alert that has fired for two minutes, that Alertmanager holds and whose notification has not come.
struct Story {
  MissingNotification missing{"HighErrorRate",         "on-call", false, kFired + 2min,
                              {{kLabels, kFired, {}}}, false};
  DeliveryEvidence evidence;

  Story() {
    evidence.config = *parse_alertmanager_config(kConfig, "a.yml");
    evidence.alertmanagers = 1;
    HeldAlert held;
    held.labels = kLabels;
    held.labels["cluster"] = "demo";  // an external label
    held.fingerprint = "f1";
    evidence.held.push_back(held);
  }

  Explanation why() const { return explain(missing, evidence); }
  std::string cause() const { return std::string(to_string(why().cause)); }
};

TEST_CASE("nothing that is known explains it") {
  const Story story;
  CHECK(story.cause() == "unknown");
  CHECK(story.why().text ==
        "Alertmanager holds it and routes it to on-call; nothing shows why it has not come: its log may say");
}

TEST_CASE("an alert that has not fired is not told of") {
  Story story;
  story.missing.instances.clear();
  CHECK(story.cause() == "not_firing");
  CHECK(story.why().text == "HighErrorRate has not fired");
}

TEST_CASE("an alert that ends before its group's first flush is not told of") {
  Story story;
  story.evidence.held.clear();
  story.missing.instances[0].inactive_at = kFired + 4s;
  CHECK(story.cause() == "resolved_before_flush");
  CHECK(story.why().text ==
        "it fired for 4.00s only: Alertmanager first flushes a group 10s (group_wait) after its first "
        "alert, and "
        "does not tell of one that has ended by then");

  SECTION("also when it fires again, not yet for long enough") {
    story.missing.instances.push_back({kLabels, kFired + 115s, {}});
    CHECK(story.cause() == "resolved_before_flush");
  }
  SECTION("not when another time was long enough") {
    story.missing.instances.push_back({kLabels, kFired + 60s, kFired + 80s});
    CHECK(story.cause() == "unknown");
  }
}

TEST_CASE("the routes and receivers of the configuration can keep it away") {
  Story story;
  SECTION("no route leads there") {
    story.missing.receiver = "mail";
    CHECK(story.cause() == "not_routed");
    CHECK(story.why().text ==
          "Alertmanager's routes lead {alertname=\"HighErrorRate\", cluster=\"demo\", severity=\"critical\"} "
          "to pager, "
          "not to mail");
  }
  SECTION("the receiver tells nobody") {
    story.missing.receiver = "rest";
    story.missing.instances[0].labels["severity"] = "info";
    story.evidence.held[0].labels["severity"] = "info";
    CHECK(story.cause() == "no_integration");
    CHECK(story.why().text == "Alertmanager's receiver rest has no integration and tells nobody");
  }
  SECTION("the route is muted at that time") {
    story.missing.now = kFired + 13h;
    CHECK(story.cause() == "muted");
    CHECK(story.why().text == "its route is muted: it is in the time interval \"night\"");
  }
}

TEST_CASE("what Prometheus fires and Alertmanager does not hold was not sent") {
  Story story;
  story.evidence.held.clear();
  CHECK(story.cause() == "not_sent");
  CHECK(story.why().text ==
        "Prometheus fires it, but Alertmanager does not hold it: alert_relabel_configs drop or rename it, or "
        "Prometheus "
        "cannot reach Alertmanager (prometheus_notifications_errors_total)");
  story.evidence.alertmanagers = 0;
  CHECK(story.cause() == "not_sent");
  CHECK(story.why().text == "Prometheus knows no Alertmanager to send it to");
}

TEST_CASE("Alertmanager says what suppresses an alert") {
  Story story;
  HeldAlert& held = story.evidence.held[0];
  SECTION("a silence") {
    held.silenced_by = {"s1"};
    Silence silence;
    silence.id = "s1";
    silence.created_by = "ann";
    silence.comment = "maintenance";
    silence.ends_at = kFired + 1h;
    story.evidence.silences = {silence};
    CHECK(story.cause() == "silenced");
    CHECK(story.why().text == "silenced until 2026-11-21T11:00:00.000Z by ann: \"maintenance\" (silence s1)");
    story.evidence.silences.clear();
    CHECK(story.why().text == "silenced (silence s1)");
  }
  SECTION("another alert") {
    held.inhibited_by = {"f2"};
    CHECK(story.cause() == "inhibited");
    CHECK(story.why().text == "inhibited by the alert with the fingerprint f2");
    HeldAlert other;
    other.labels = {{"alertname", "InstanceDown"}};
    other.fingerprint = "f2";
    story.evidence.held.push_back(other);
    CHECK(story.why().text == "inhibited by {alertname=\"InstanceDown\"}");
  }
  SECTION("a time interval, by newer versions") {
    story.evidence.held[0].muted_by = {"night"};
    CHECK(story.cause() == "muted");
    CHECK(story.why().text == "muted by the time interval night");
  }
}

TEST_CASE("a delivery that failed is told with what is known of it") {
  Story story;
  SECTION("our receiver refused it") {
    story.evidence.refused = {{"on-call", 500}, {"mail", 400}, {"on-call", 503}};
    CHECK(story.cause() == "delivery_failed");
    CHECK(story.why().text == "on-call refused it 2 times: it answered 503, and Alertmanager tries again");
    story.evidence.refused = {{"on-call", 404}};
    CHECK(story.why().text ==
          "on-call refused it: it answered 404, and Alertmanager does not try again before the next flush");
    story.evidence.refused = {{"on-call", 429}};
    CHECK(story.why().text ==
          "on-call refused it: it answered 429, after which only some integrations try again");
    story.evidence.refused = {{"on-call", 0}};
    CHECK(story.why().text == "on-call refused it: it got no answer, and Alertmanager tries again");
  }
  SECTION("Alertmanager's log tells of it") {
    story.evidence.log = {
        "ts=1 level=warn component=dispatcher receiver=pager integration=slack[0] msg=\"Notify attempt "
        "failed\" "
        "err=\"Post \\\"<redacted>\\\": connection refused\"",
        "ts=2 level=warn component=dispatcher receiver=rest err=\"of another\""};
    CHECK(story.cause() == "delivery_failed");
    CHECK(story.why().text == "Alertmanager could not deliver it: Post \"<redacted>\": connection refused");
    story.evidence.log->emplace_back(
        "ts=3 level=error msg=\"Notify for alerts failed\" err=\"pager/slack[0]: no retry\"");
    CHECK(story.why().text == "Alertmanager could not deliver it: pager/slack[0]: no retry");
  }
  SECTION("where its log cannot be read, its metrics give a hint") {
    story.evidence.failed_requests = {{"webhook", 5}, {"slack", 2}};
    CHECK(story.cause() == "delivery_failed");
    CHECK(story.why().text ==
          "2 of Alertmanager's requests to slack receivers failed since the run began, its own perhaps among "
          "them");
    story.evidence.log.emplace();
    CHECK(story.cause() == "unknown");
  }
}

TEST_CASE("a flush that is still to come is waited for") {
  Story story;
  story.missing.now = kFired + 3s;
  CHECK(story.cause() == "waiting");
  CHECK(story.why().text ==
        "it waits for its group's flush: HighErrorRate has been firing for 3.00s, and group_wait is 10s");
  story.missing.now = kFired + 30s;
  CHECK(story.why().text ==
        "it waits for its group's flush: HighErrorRate has been firing for 30.0s, and group_interval, for a "
        "group that "
        "was there before, is 1m");
}

TEST_CASE("that an alert is resolved is not told for reasons of its own") {
  Story story;
  story.missing.resolved = true;
  story.missing.notified_firing = true;
  story.missing.instances[0].inactive_at = kFired + 1min;
  story.missing.now = kFired + 5min;
  story.evidence.held.clear();
  const auto send_resolved = [&] {
    story.evidence.config->receivers[1].integrations[0].send_resolved = true;
  };

  SECTION("send_resolved is off") {
    CHECK(story.cause() == "send_resolved_off");
    CHECK(story.why().text ==
          "send_resolved is off for Alertmanager's receiver pager (the default of slack)");
  }
  SECTION("nobody was told that it fires") {
    send_resolved();
    story.missing.notified_firing = false;
    CHECK(story.cause() == "never_notified");
    CHECK(story.why().text == "on-call was not told that it fires, and so is not told that it is resolved");
  }
  SECTION("it still fires") {
    send_resolved();
    story.missing.instances[0].inactive_at.reset();
    CHECK(story.cause() == "still_firing");
    CHECK(story.why().text == "HighErrorRate still fires");
  }
  SECTION("it fires again") {
    send_resolved();
    story.missing.instances.push_back({kLabels, kFired + 70s, {}});
    CHECK(story.cause() == "fired_again");
    CHECK(story.why().text == "HighErrorRate was inactive and fired again before its group's next flush");
  }
  SECTION("its group's next flush is still to come") {
    send_resolved();
    story.missing.now = kFired + 90s;
    CHECK(story.cause() == "waiting");
    CHECK(story.why().text ==
          "it waits for its group's flush: HighErrorRate has been inactive for 30.0s, and group_interval is "
          "1m");
  }
}

TEST_CASE("what could not be asked is left out") {
  Story story;
  story.evidence = DeliveryEvidence();
  story.missing.instances[0].inactive_at = kFired + 1s;
  CHECK(story.cause() == "unknown");
}

}  // namespace
