// Payloads of all kinds, from well-formed to hostile.
#include "verifiers/notification.hpp"

#include <fmt/format.h>

#include "tests/support/catch.hpp"

using namespace std::chrono_literals;
using namespace obsctl::verifiers;
using obsctl::core::ErrorKind;
using obsctl::core::parse_rfc3339;
using obsctl::core::WallTime;

namespace {

constexpr WallTime kNow{1'700'000'000'123'456'789ns};

Result<Notification> parse(NotificationKind kind, const std::string& body) {
  return parse_notification(kind, "on-call", body, kNow);
}

/// "firing High {alertname="High"}", one for each alert.
std::vector<std::string> texts(const Notification& notification) {
  std::vector<std::string> all;
  for (const NotifiedAlert& alert : notification.alerts) {
    all.push_back(fmt::format("{} {} {}", to_string(alert.status), alert.name, to_text(alert.labels)));
  }
  return all;
}

/// As Alertmanager 0.25 sends it, with keys of newer versions and of Grafana.
constexpr const char* kWebhook = R"json({
  "receiver":"obsctl","status":"firing","version":"4","orgId":1,"title":"[FIRING:1]","state":"alerting","message":"m",
  "alerts":[
    {"status":"firing","labels":{"alertname":"HighErrorRate","severity":"critical"},"annotations":{"summary":"s"},
     "startsAt":"2026-11-21T04:30:07.705Z","endsAt":"0001-01-01T00:00:00Z","generatorURL":"http://p/graph?x",
     "fingerprint":"0123456789abcdef","silenceURL":"http://g","values":{"A":1.5},"imageURL":""},
    {"status":"resolved","labels":{"alertname":"InstanceDown"},"annotations":{},
     "startsAt":"2026-11-21T04:20:07.705Z","endsAt":"2026-11-21T04:31:07.705Z","generatorURL":"","fingerprint":"f2"}],
  "groupLabels":{"alertname":"HighErrorRate"},"commonLabels":{"severity":"critical"},"commonAnnotations":{"a":"b"},
  "externalURL":"http://alertmanager:9093","groupKey":"{}:{alertname=\"HighErrorRate\"}","truncatedAlerts":3})json";

}  // namespace

TEST_CASE("a webhook notification is read whole, and what is not known is passed over") {
  const auto read = parse(NotificationKind::webhook, kWebhook);
  REQUIRE(read);
  CHECK(read->kind == NotificationKind::webhook);
  CHECK(read->receiver == "on-call");
  CHECK(read->received_at == kNow);
  CHECK(read->status == NotifiedStatus::firing);
  CHECK(read->declared_receiver == "obsctl");
  CHECK(read->group_key == "{}:{alertname=\"HighErrorRate\"}");
  CHECK(read->group_labels == Labels{{"alertname", "HighErrorRate"}});
  CHECK(read->common_labels == Labels{{"severity", "critical"}});
  CHECK(read->common_annotations == Labels{{"a", "b"}});
  CHECK(read->external_url == "http://alertmanager:9093");
  CHECK(read->version == "4");
  CHECK(read->truncated_alerts == 3);
  REQUIRE(read->alerts.size() == 2);
  CHECK(texts(*read) ==
        std::vector<std::string>{"firing HighErrorRate {alertname=\"HighErrorRate\", severity=\"critical\"}",
                                 "resolved InstanceDown {alertname=\"InstanceDown\"}"});
  CHECK(read->alerts[0].annotations == Labels{{"summary", "s"}});
  CHECK(read->alerts[0].starts_at == *parse_rfc3339("2026-11-21T04:30:07.705Z"));
  CHECK(read->alerts[0].ends_at == WallTime::min());
  CHECK(read->alerts[0].fingerprint == "0123456789abcdef");
  CHECK(read->alerts[0].generator_url == "http://p/graph?x");
  CHECK(read->alerts[1].ends_at == *parse_rfc3339("2026-11-21T04:31:07.705Z"));
  CHECK(read->raw == kWebhook);
}

TEST_CASE("what is not a webhook notification is refused with the key") {
  const auto [body, why] = GENERATE(table<std::string, std::string>({
      {"", "the document is empty, not JSON"},
      {"payload={}", "the document is not JSON"},
      {"{", "the document is not JSON"},
      {"{} {}", "the document is not JSON"},
      {"null", "the document is null, not an object"},
      {"[]", "the document is a list, not an object"},
      {"{}", "status is missing"},
      {R"({"status":1})", "status is a number, not a string"},
      {R"({"status":"on"})", "the document has status = \"on\", not firing or resolved"},
      {R"({"status":"firing"})", "alerts is missing"},
      {R"({"status":"firing","alerts":{}})", "alerts is an object, not a list"},
      {R"({"status":"firing","alerts":["x"]})", "alerts[0] is a string, not an object"},
      {R"({"status":"firing","alerts":[{"status":"firing"}]})", "alerts[0].labels is missing"},
      {R"({"status":"firing","alerts":[{"status":"firing","labels":[]}]})",
       "alerts[0].labels is a list, not an object"},
      {R"({"status":"firing","alerts":[{"status":"firing","labels":{"a":null}}]})",
       "alerts[0].labels.a is null, not a string"},
      {R"({"status":"firing","alerts":[{"status":"firing","labels":{},"startsAt":"now"}]})",
       "alerts[0].startsAt is \"now\", not an RFC 3339 time"},
      {R"({"status":"firing","alerts":[],"groupKey":7})", "groupKey is a number, not a string"},
      {"{\"status\":\"firing\",\"alerts\":[],\"groupKey\":\"\xff\"}",
       "the document is not JSON"},  // not UTF-8
  }));
  CAPTURE(body);
  const auto read = parse(NotificationKind::webhook, body);
  REQUIRE_FALSE(read);
  CHECK(read.error().kind == ErrorKind::invalid_input);
  CHECK(read.error().message == why);
}

TEST_CASE("hostile documents are survived") {
  SECTION("a million brackets") {
    CHECK_FALSE(parse(NotificationKind::webhook, std::string(1'000'000, '[')));
    const std::string nested = std::string(100'000, '[') + std::string(100'000, ']');
    CHECK_FALSE(parse(NotificationKind::slack, nested));
    // Where nobody looks, anything may stand.
    CHECK(parse(NotificationKind::webhook, R"({"status":"firing","alerts":[],"x":)" + nested + "}"));
  }
  SECTION("numbers beyond all bounds") {
    const auto read =
        parse(NotificationKind::webhook, R"({"status":"firing","alerts":[],"truncatedAlerts":-1e300})");
    REQUIRE(read);
    CHECK(read->truncated_alerts == 0);
  }
  SECTION("a body of NULs") {
    CHECK_FALSE(parse(NotificationKind::discord, std::string(1000, '\0')));
  }
}

TEST_CASE("a Slack message tells names and states by its title") {
  struct Row {
    std::string what, body;
    std::vector<std::string> alerts;
    NotifiedStatus status;
    std::string title;
    int announced;
  };
  const auto row = GENERATE(values<Row>({
      {"Alertmanager's default",
       R"json({"channel":"#alerts","username":"Alertmanager","attachments":[{"title":"[FIRING:2] HighErrorRate api (critical)","title_link":"http://a","fallback":"[FIRING:2] HighErrorRate api | http://a","color":"danger","mrkdwn_in":["fallback","pretext","text"]}]})json",
       {"firing HighErrorRate {}"},
       NotifiedStatus::firing,
       "[FIRING:2] HighErrorRate api (critical)",
       2},
      {"resolved",
       R"({"attachments":[{"title":"[RESOLVED] HighErrorRate","color":"good"}]})",
       {"resolved HighErrorRate {}"},
       NotifiedStatus::resolved,
       "[RESOLVED] HighErrorRate",
       0},
      {"plain text with emoji and markup",
       R"({"text":":fire: *FIRING*: `HighErrorRate` since noon"})",
       {"firing HighErrorRate {}"},
       NotifiedStatus::firing,
       ":fire: *FIRING*: `HighErrorRate` since noon",
       0},
      {"a link around the name",
       R"({"text":"[FIRING:1] <http://runbook|HighErrorRate>"})",
       {"firing HighErrorRate {}"},
       NotifiedStatus::firing,
       "[FIRING:1] <http://runbook|HighErrorRate>",
       1},
      {"several in the text",
       R"({"attachments":[{"title":"Alerts","text":"[FIRING] A in eu\n[RESOLVED] B\n[FIRING] A in us","color":"#ff0000"}]})",
       {"firing A {}", "resolved B {}"},
       NotifiedStatus::firing,
       "Alerts",
       0},
      {"the colour alone",
       R"({"attachments":[{"title":"HighErrorRate","color":"#2eb886"}]})",
       {},
       NotifiedStatus::resolved,
       "HighErrorRate",
       0},
      {"no word about the state", R"({"text":"hello"})", {}, NotifiedStatus::unknown, "hello", 0},
      {"prose about firing",
       R"({"text":"Firing people is hard"})",
       {},
       NotifiedStatus::unknown,
       "Firing people is hard",
       0},
      {"a name that only the labels have",
       R"json({"text":"[FIRING:3]  (critical)"})json",
       {},
       NotifiedStatus::firing,
       "[FIRING:3]  (critical)",
       3},
      {"Grafana's title",
       R"json({"text":"[FIRING:1, RESOLVED:2] DiskFull (a b)"})json",
       {"firing DiskFull {}"},
       NotifiedStatus::firing,
       "[FIRING:1, RESOLVED:2] DiskFull (a b)",
       1},
      {"fields",
       R"({"attachments":[{"fallback":"[RESOLVED] X","fields":[{"title":"Severity","value":"critical"}]}]})",
       {"resolved X {}"},
       NotifiedStatus::resolved,
       "[RESOLVED] X",
       0},
      {"blocks",
       R"({"blocks":[{"type":"divider"},{"type":"header","text":{"type":"plain_text","text":"[FIRING:1] X"}}]})",
       {"firing X {}"},
       NotifiedStatus::firing,
       "[FIRING:1] X",
       1},
      {"nulls where nothing is",
       R"({"text":null,"attachments":[{"title":"[FIRING:1] X","text":null}],"blocks":null})",
       {"firing X {}"},
       NotifiedStatus::firing,
       "[FIRING:1] X",
       1},
  }));
  CAPTURE(row.what);
  const auto read = parse(NotificationKind::slack, row.body);
  REQUIRE(read);
  CHECK(texts(*read) == row.alerts);
  CHECK(read->status == row.status);
  CHECK(read->title == row.title);
  CHECK(read->announced == row.announced);
  CHECK(read->raw == row.body);
}

TEST_CASE("a Discord message with Alertmanager's default text tells every label") {
  const auto read = parse(NotificationKind::discord,
                          R"json({"content":"","embeds":[{"title":"[FIRING:1, RESOLVED:1] High (x)",
    "description":"Alerts Firing:\nLabels:\n - alertname = High\n - instance = a\nAnnotations:\n - summary = it is = high\nSource: http://p/1\n\n\nAlerts Resolved:\nLabels:\n - alertname = High\n - instance = b\nAnnotations:\nSource: http://p/2\n","color":10038562}]})json");
  REQUIRE(read);
  CHECK(texts(*read) == std::vector<std::string>{"firing High {alertname=\"High\", instance=\"a\"}",
                                                 "resolved High {alertname=\"High\", instance=\"b\"}"});
  CHECK(read->alerts[0].annotations == Labels{{"summary", "it is = high"}});
  CHECK(read->alerts[0].generator_url == "http://p/1");
  CHECK(read->status == NotifiedStatus::firing);
}

TEST_CASE("a list without sources, and a value of several lines, are read as they are meant") {
  const auto read = parse(
      NotificationKind::discord,
      R"json({"content":"Alerts Firing:\nLabels:\n - alertname = High\n - instance = a\nAnnotations:\n - summary = first\nx = second\n\nnot a part\nSource: \nLabels:\n - alertname = Low\nAnnotations:\nSource: http://p/2\n"})json");
  REQUIRE(read);
  CHECK(texts(*read) == std::vector<std::string>{"firing High {alertname=\"High\", instance=\"a\"}",
                                                 "firing Low {alertname=\"Low\"}"});
  CHECK(read->alerts[0].annotations == Labels{{"summary", "first\nx = second"}});
  CHECK(read->alerts[0].generator_url.empty());
  CHECK(read->alerts[1].generator_url == "http://p/2");
}

TEST_CASE("a Discord message without any words has its colour") {
  const auto [colour, status] = GENERATE(table<std::string, NotifiedStatus>({
      {"10038562", NotifiedStatus::firing},   // Alertmanager's red
      {"3066993", NotifiedStatus::resolved},  // its green
      {"9807270", NotifiedStatus::unknown},   // its grey
      {"0", NotifiedStatus::unknown},
      {"-5", NotifiedStatus::unknown},
      {"1e300", NotifiedStatus::unknown},
  }));
  CAPTURE(colour);
  const auto read =
      parse(NotificationKind::discord, R"({"embeds":[{"title":"High","color":)" + colour + "}]}");
  REQUIRE(read);
  CHECK(read->status == status);
}

TEST_CASE("a chat message that is none is refused") {
  const auto slack = parse(NotificationKind::slack, R"({"channel":"#x"})");
  REQUIRE_FALSE(slack);
  CHECK(slack.error().message == "the document has neither text nor attachments nor blocks");
  const auto discord = parse(NotificationKind::discord, R"({"username":"x"})");
  REQUIRE_FALSE(discord);
  CHECK(discord.error().message == "the document has neither content nor embeds");
  const auto wrong = parse(NotificationKind::slack, R"({"attachments":[{"title":5}]})");
  REQUIRE_FALSE(wrong);
  CHECK(wrong.error().message == "attachments[0].title is a number, not a string");
}

TEST_CASE("what a notification says about an alert is asked by name") {
  SECTION("a webhook knows, and firing beats resolved") {
    const auto read = parse(NotificationKind::webhook, kWebhook);
    REQUIRE(read);
    CHECK(status_of(*read, "HighErrorRate") == NotifiedStatus::firing);
    CHECK(status_of(*read, "InstanceDown") == NotifiedStatus::resolved);
    CHECK(status_of(*read, "High") == std::nullopt);
  }
  SECTION("a chat message is searched for the name as a word") {
    const auto read =
        parse(NotificationKind::slack, R"json({"text":"[FIRING:3] api (HighErrorRate critical)"})json");
    REQUIRE(read);
    CHECK(status_of(*read, "HighErrorRate") == NotifiedStatus::firing);
    CHECK(status_of(*read, "ErrorRate") == std::nullopt);
    CHECK(status_of(*read, "") == std::nullopt);
  }
}

TEST_CASE("a notification survives being written as JSON and read again") {
  const auto [kind, body] = GENERATE(table<NotificationKind, std::string>({
      {NotificationKind::webhook, kWebhook},
      {NotificationKind::slack,
       R"({"channel":"#a","attachments":[{"title":"[FIRING:2] Ünïcode \u0000 \"x\""}]})"},
      {NotificationKind::discord, R"({"content":"[RESOLVED] X","embeds":[]})"},
  }));
  auto original = parse(kind, body);
  REQUIRE(original);
  original->sequence = 42;
  const auto again = notification_from_json(notification_to_json(*original));
  REQUIRE(again);
  CHECK(again->sequence == 42);
  CHECK(again->kind == original->kind);
  CHECK(again->receiver == original->receiver);
  CHECK(again->received_at == original->received_at);
  CHECK(again->status == original->status);
  CHECK(texts(*again) == texts(*original));
  for (std::size_t i = 0; i < original->alerts.size(); ++i) {
    CHECK(again->alerts[i].starts_at == original->alerts[i].starts_at);
    CHECK(again->alerts[i].ends_at == original->alerts[i].ends_at);
    CHECK(again->alerts[i].fingerprint == original->alerts[i].fingerprint);
    CHECK(again->alerts[i].annotations == original->alerts[i].annotations);
  }
  CHECK(again->declared_receiver == original->declared_receiver);
  CHECK(again->group_key == original->group_key);
  CHECK(again->group_labels == original->group_labels);
  CHECK(again->common_annotations == original->common_annotations);
  CHECK(again->truncated_alerts == original->truncated_alerts);
  CHECK(again->title == original->title);
  CHECK(again->channel == original->channel);
  CHECK(again->announced == original->announced);
  CHECK(again->text == original->text);
  CHECK(again->raw == body);
  CHECK(notification_to_json(*again) == notification_to_json(*original));
}

TEST_CASE("a notification's JSON of another schema is refused") {
  auto original = parse(NotificationKind::slack, R"({"text":"x"})");
  REQUIRE(original);
  std::string text = notification_to_json(*original);
  text.replace(text.find("\"schema\":1"), 10, "\"schema\":2");
  const auto again = notification_from_json(text);
  REQUIRE_FALSE(again);
  CHECK(again.error().kind == ErrorKind::protocol);
  CHECK(again.error().message == "notification: the document has schema 2, and only 1 is understood");
}
