// What the real senders send (tests/unit/verifiers/payloads/), kind by kind, and what is refused of each.
#include <fmt/format.h>

#include "core/file.hpp"
#include "tests/support/catch.hpp"
#include "verifiers/notification.hpp"

using namespace std::chrono_literals;
using namespace obsctl::verifiers;
using obsctl::core::ErrorKind;
using obsctl::core::WallTime;

namespace {

constexpr WallTime kNow{1'700'000'000'123'456'789ns};

Result<Notification> parse(NotificationKind kind, const std::string& body) {
  return parse_notification(kind, "on-call", body, kNow);
}

std::string payload(const std::string& file) {
  const auto text = obsctl::core::read_file("tests/unit/verifiers/payloads/" + file);
  REQUIRE(text);
  return *text;
}

const char* const kApi =
    "{alertname=\"HighErrorRate\", instance=\"api:8080\", service=\"api\", severity=\"critical\"}";
const char* const kWorker =
    "{alertname=\"HighErrorRate\", instance=\"worker:8080\", service=\"worker\", severity=\"critical\"}";

/// "firing {…} | resolved {…}", in the order of the label sets.
std::string alerts_of(const Notification& notification) {
  std::vector<std::string> all;
  for (const NotifiedAlert& alert : notification.alerts) {
    CHECK(alert.name == "HighErrorRate");
    all.push_back(to_text(alert.labels) + "\n" + std::string(to_string(alert.status)));
  }
  std::sort(all.begin(), all.end());
  std::string text;
  for (const std::string& one : all) {
    const std::size_t end = one.find('\n');
    text += fmt::format("{}{} {}", text.empty() ? "" : " | ", one.substr(end + 1), one.substr(0, end));
  }
  return text;
}

const NotifiedAlert& alert_of(const Notification& notification, const std::string& service) {
  for (const NotifiedAlert& alert : notification.alerts) {
    if (label_of(alert.labels, "service") == service) return alert;
  }
  FAIL("no alert of " << service);
  return notification.alerts.front();
}

}  // namespace

TEST_CASE("what Alertmanager sends by default tells every alert with its labels and state") {
  const auto [kind, file] = GENERATE(table<NotificationKind, std::string>({
      {NotificationKind::webhook, "webhook"},
      {NotificationKind::discord, "discord"},
      {NotificationKind::pagerduty, "pagerduty"},
      {NotificationKind::email, "email_text"},
  }));
  CAPTURE(file);
  const std::string end = kind == NotificationKind::email ? ".eml" : ".json";
  const auto firing = parse(kind, payload(file + "_firing" + end));
  const auto mixed = parse(kind, payload(file + "_mixed" + end));
  const auto resolved = parse(kind, payload(file + "_resolved" + end));
  REQUIRE(firing);
  REQUIRE(mixed);
  REQUIRE(resolved);
  CHECK(alerts_of(*firing) == fmt::format("firing {} | firing {}", kApi, kWorker));
  CHECK(alerts_of(*mixed) == fmt::format("resolved {} | firing {}", kApi, kWorker));
  CHECK(alerts_of(*resolved) == fmt::format("resolved {}", kWorker));
  CHECK(firing->status == NotifiedStatus::firing);
  CHECK(mixed->status == NotifiedStatus::firing);
  CHECK(resolved->status == NotifiedStatus::resolved);
  CHECK(firing->raw == payload(file + "_firing" + end));

  const NotifiedAlert& api = alert_of(*firing, "api");
  CHECK(api.annotations.at("summary") == "29.85% of the requests fail");
  CHECK(api.annotations.at("description") == "More than 5% = too many\nfor <3 minutes> & \"counting\"");
  CHECK(api.generator_url == "http://prometheus:9090/graph?g0.expr=up&g0.tab=1");
  CHECK(alert_of(*firing, "worker").annotations.at("summary") == "Störung – 31%");
  CHECK(status_of(*mixed, "HighErrorRate") == NotifiedStatus::firing);
}

TEST_CASE("Slack's default message tells the name, the state and how many fire") {
  const auto firing = parse(NotificationKind::slack, payload("slack_firing.json"));
  const auto resolved = parse(NotificationKind::slack, payload("slack_resolved.json"));
  REQUIRE(firing);
  REQUIRE(resolved);
  CHECK(firing->title == "[FIRING:2] HighErrorRate (critical)");
  CHECK(firing->announced == 2);
  CHECK(firing->channel == "#alerts");
  CHECK(alerts_of(*firing) == "firing {}");
  CHECK(alerts_of(*resolved) == "resolved {}");
}

TEST_CASE("an email of HTML alone is read as a person would") {
  const auto mixed = parse(NotificationKind::email, payload("email_html_mixed.eml"));
  const auto firing = parse(NotificationKind::email, payload("email_html_firing.eml"));
  REQUIRE(mixed);
  REQUIRE(firing);
  CHECK(alerts_of(*mixed) == fmt::format("resolved {} | firing {}", kApi, kWorker));
  CHECK(mixed->status == NotifiedStatus::firing);
  CHECK(mixed->title == "[FIRING:1] HighErrorRate (critical)");
  CHECK(mixed->announced == 1);
  CHECK(mixed->sender == "alertmanager@example.org");
  CHECK(mixed->recipients == std::vector<std::string>{"on-call@example.org"});
  CHECK(mixed->text.find("\nView in Alertmanager <http://alertmanager:19093/#/alerts?receiver=all>\n") !=
        std::string::npos);
  CHECK(mixed->text.find("\n[1] Resolved\nLabels\nalertname = HighErrorRate\ninstance = api:8080\n") !=
        std::string::npos);
  // White space is not kept by HTML.
  CHECK(alert_of(*firing, "api").annotations.at("description") ==
        "More than 5% = too many for <3 minutes> & \"counting\"");
  CHECK(alert_of(*firing, "worker").generator_url == "http://prometheus:9090/graph?g0.expr=up&g0.tab=1");
}

TEST_CASE("an email's encoded subject is its title") {
  const auto read = parse(NotificationKind::email, payload("email_text_firing.eml"));
  REQUIRE(read);
  CHECK(read->title == "FIRING: HighErrorRate — Übersicht");
  CHECK(read->recipients == std::vector<std::string>{"text-too@example.org", "second@example.org"});
  CHECK(read->text.starts_with("FIRING: HighErrorRate — Übersicht\n"));
}

TEST_CASE("PagerDuty's event keeps what identifies it, and is shown without its routing key") {
  const auto read = parse(NotificationKind::pagerduty, payload("pagerduty_mixed.json"));
  REQUIRE(read);
  CHECK(read->dedup_key == "cbc7a356b874c7d0332c73753d5082204bea3c18a5cb2a9a50e75f6687ffb86b");
  CHECK(read->action == "trigger");
  CHECK(read->title == "[FIRING:1] HighErrorRate (critical)");
  CHECK(read->announced == 1);
  CHECK(read->raw.find("\"routing_key\":\"0123456789abcdef0123456789abcdef\"") != std::string::npos);
  CHECK(shown_body(*read).starts_with("{\"routing_key\":\"<secret>\",\"dedup_key\":\"cbc7"));
}

TEST_CASE("a routing key stays hidden however it is written") {
  const auto shown = [](const std::string& routing) {
    const auto read =
        parse(NotificationKind::pagerduty, "{" + routing + R"(,"event_action":"resolve","dedup_key":"d"})");
    REQUIRE(read);
    return shown_body(*read);
  };
  CHECK(shown(R"("routing_key" : "a\"SECRET")").find("SECRET") == std::string::npos);
  CHECK(shown("\"routing_key\"\n:\t\"SECRET\\\\\"").find("SECRET") == std::string::npos);
  CHECK(shown(R"("routing_key":"SECRET","routing_key":"SECRET2")").find("SECRET") == std::string::npos);
}

TEST_CASE("what PagerDuty would refuse is refused") {
  const auto [body, why] = GENERATE(table<std::string, std::string>({
      {"{}", "routing_key is missing"},
      {R"({"routing_key":"k"})", "event_action is missing"},
      {R"({"routing_key":"k","event_action":"fire"})",
       "the document has event_action = \"fire\", which is none of trigger, acknowledge, resolve"},
      {R"({"routing_key":"k","event_action":"resolve"})", "dedup_key is missing"},
      {R"({"routing_key":"k","event_action":"trigger"})", "payload is missing"},
      {R"({"routing_key":"k","event_action":"trigger","payload":{"source":"s","severity":"page","summary":"x"}})",
       "payload has severity = \"page\", which is none of critical, warning, error, info"},
      {R"({"routing_key":"k","event_action":"trigger","payload":{"source":"s","severity":"error"}})",
       "payload.summary is missing"},
  }));
  CAPTURE(body);
  const auto read = parse(NotificationKind::pagerduty, body);
  REQUIRE_FALSE(read);
  CHECK(read.error().kind == ErrorKind::invalid_input);
  CHECK(read.error().message == why);
}

TEST_CASE("PagerDuty's custom details may be anything") {
  const auto read =
      parse(NotificationKind::pagerduty,
            R"({"routing_key":"k","event_action":"trigger","payload":{"summary":"[FIRING:1] X","source":"s",
      "severity":"error","custom_details":{"runbook":"http://r","deep":{"a":[1,true,null,"x"]},"firing":{"odd":1}}}})");
  REQUIRE(read);
  CHECK(read->text == "[FIRING:1] X\na: 1\na: true\na: x\nodd: 1\nrunbook: http://r");
  REQUIRE(read->alerts.size() == 1);
  CHECK(read->alerts[0].name == "X");
  CHECK(read->alerts[0].status == NotifiedStatus::firing);
}

TEST_CASE("Teams' messages are read from connectors and from workflows") {
  const std::string file = GENERATE("msteams_card.json", "msteams_workflow.json");
  CAPTURE(file);
  const auto read = parse(NotificationKind::msteams, payload(file));
  REQUIRE(read);
  CHECK(read->title == "[FIRING:1] HighErrorRate (critical)");
  CHECK(read->announced == 1);
  CHECK(read->status == NotifiedStatus::firing);
  CHECK(alerts_of(*read) == fmt::format("resolved {} | firing {}", kApi, kWorker));
  CHECK(alert_of(*read, "worker").annotations.at("summary") == "Störung – 31%");
  CHECK(alert_of(*read, "worker").generator_url == "http://prometheus:9090/graph?g0.expr=up&g0.tab=1");
}

TEST_CASE("Teams' cards with sections, facts and containers are read too") {
  const auto [body, text, status] = GENERATE(table<std::string, std::string, NotifiedStatus>({
      {R"({"summary":"[RESOLVED] X","sections":[{"activityTitle":"t","facts":[{"name":"a","value":"b"}]}]})",
       "[RESOLVED] X\nt\na\nb", NotifiedStatus::resolved},
      {R"({"title":"X","themeColor":"2DC72D"})", "X", NotifiedStatus::resolved},
      {R"({"attachments":[{"content":{"body":[{"type":"Container","items":[{"type":"TextBlock","text":"X","color":"attention"},
          {"type":"ColumnSet","columns":[{"items":[{"text":"deep"}]}]},{"facts":[{"title":"a","value":"b"}]}]}]}}]})",
       "X\ndeep\na\nb", NotifiedStatus::firing},
  }));
  CAPTURE(body);
  const auto read = parse(NotificationKind::msteams, body);
  REQUIRE(read);
  CHECK(read->text == text);
  CHECK(read->status == status);
  CHECK(read->raw == body);
}

TEST_CASE("what is no message to Teams is refused") {
  const auto read = parse(NotificationKind::msteams, R"({"type":"message"})");
  REQUIRE_FALSE(read);
  CHECK(read.error().message ==
        "the document has neither attachments (a workflow's message) nor title, summary, text or sections (a "
        "MessageCard)");
  std::string nested = R"({"attachments":[{"content":{"body":[)";
  for (int i = 0; i < 10'000; ++i) nested += R"({"items":[)";
  for (int i = 0; i < 10'000; ++i) nested += "]}";
  CHECK(parse(NotificationKind::msteams, nested + "]}}]}"));
}

TEST_CASE("anything else is read as far as it tells") {
  struct Row {
    std::string body, title;
    NotifiedStatus status;
    std::string alerts;
  };
  const auto row = GENERATE(values<Row>({
      {"[FIRING:1] HighErrorRate", "[FIRING:1] HighErrorRate", NotifiedStatus::firing, "firing {}"},
      {"RESOLVED: HighErrorRate is over\nsince noon", "RESOLVED: HighErrorRate is over",
       NotifiedStatus::resolved, "resolved {}"},
      {"", "", NotifiedStatus::unknown, ""},
      {"nothing to see", "nothing to see", NotifiedStatus::unknown, ""},
      {"[\"a\", {\"b\": \"[FIRING] HighErrorRate\"}]", "a", NotifiedStatus::firing, "firing {}"},
      {R"({"state":"alerting","title":"HighErrorRate is bad","message":"m"})", "HighErrorRate is bad",
       NotifiedStatus::firing, ""},
      {R"({"event_action":"resolve","summary":"x","status":7})", "x", NotifiedStatus::resolved, ""},
      {R"({"text":"Alerts Resolved:\nLabels:\n - alertname = HighErrorRate\n - a = b\nSource: s"})",
       "Alerts Resolved:", NotifiedStatus::resolved, "resolved {a=\"b\", alertname=\"HighErrorRate\"}"},
      {R"({"status":"firing","alerts":[{"labels":{"alertname":"HighErrorRate","n":1,"x":{}}},{"name":"HighErrorRate","status":"OK"},7]})",
       "alertname: HighErrorRate", NotifiedStatus::firing,
       "firing {alertname=\"HighErrorRate\", n=\"1\"} | resolved {}"},
      {R"({"alerts":[{"labels":{"alertname":"HighErrorRate"},"status":"resolved"}]})",
       "alertname: HighErrorRate", NotifiedStatus::resolved, "resolved {alertname=\"HighErrorRate\"}"},
  }));
  CAPTURE(row.body);
  const auto read = parse(NotificationKind::generic, row.body);
  REQUIRE(read);
  CHECK(read->title == row.title);
  CHECK(read->status == row.status);
  CHECK(alerts_of(*read) == row.alerts);
  CHECK(read->raw == row.body);
}

TEST_CASE("a webhook's payload sent to the generic path says the same") {
  const auto read = parse(NotificationKind::generic, payload("webhook_mixed.json"));
  REQUIRE(read);
  CHECK(alerts_of(*read) == fmt::format("resolved {} | firing {}", kApi, kWorker));
  CHECK(read->alerts[0].starts_at != WallTime::min());
  CHECK(read->alerts[0].fingerprint.size() == 16);
}

TEST_CASE("bytes that are no text are kept, and survive being written as JSON") {
  const std::string bytes("\xff\xfe\x00 [FIRING:1] High\x80", 20);
  const auto read = parse(NotificationKind::generic, bytes);
  REQUIRE(read);
  CHECK(read->raw == bytes);
  CHECK(read->status == NotifiedStatus::firing);
  const auto again = notification_from_json(notification_to_json(*read));
  REQUIRE(again);
  CHECK(again->raw == bytes);
  CHECK(again->text == read->text);
  const std::string broken =
      R"({"schema":1,"sequence":1,"kind":"generic","receiver":"a","received_at":"2026-01-01T00:00:00Z",)"
      R"("status":"firing","alerts":[],"raw_base64":"?"})";
  const auto refused = notification_from_json(broken);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message == "notification: the document has a raw_base64 that is not base64");
}

TEST_CASE("every field of every kind survives being written as JSON") {
  const auto [kind, file] = GENERATE(table<NotificationKind, std::string>({
      {NotificationKind::webhook, "webhook_mixed.json"},
      {NotificationKind::slack, "slack_firing.json"},
      {NotificationKind::discord, "discord_mixed.json"},
      {NotificationKind::pagerduty, "pagerduty_mixed.json"},
      {NotificationKind::msteams, "msteams_workflow.json"},
      {NotificationKind::generic, "webhook_firing.json"},
      {NotificationKind::email, "email_text_mixed.eml"},
  }));
  auto read = parse(kind, payload(file));
  REQUIRE(read);
  read->sequence = 7;
  read->recurrence = Recurrence::retry;
  read->recurrence_of = 5;
  read->misbehaviour = "500";
  read->refused = true;
  read->answer = 500;
  const std::string text = notification_to_json(*read);
  const auto again = notification_from_json(text);
  REQUIRE(again);
  CHECK(notification_to_json(*again) == text);
  CHECK(again->kind == kind);
  CHECK(again->recurrence == Recurrence::retry);
  CHECK(again->recurrence_of == 5);
  CHECK(again->misbehaviour == "500");
  CHECK(again->refused);
  CHECK(again->answer == 500);
  CHECK(again->dedup_key == read->dedup_key);
  CHECK(again->action == read->action);
  CHECK(again->sender == read->sender);
  CHECK(again->recipients == read->recipients);
  CHECK(again->title == read->title);
  CHECK(again->text == read->text);
  CHECK(again->raw == read->raw);
  // A journal of before these fields still reads.
  CHECK(text.find("\"schema\":1,") != std::string::npos);
}

TEST_CASE("a refused notification has told nobody anything") {
  auto read = parse(NotificationKind::webhook, payload("webhook_firing.json"));
  REQUIRE(read);
  CHECK(status_of(*read, "HighErrorRate") == NotifiedStatus::firing);
  read->refused = true;
  CHECK(status_of(*read, "HighErrorRate") == std::nullopt);
}
