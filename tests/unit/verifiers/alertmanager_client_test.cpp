// Alertmanager's answers, whole and broken, through the client and a fake API.
#include "verifiers/alertmanager_client.hpp"

#include <fmt/format.h>

#include "tests/unit/verifiers/fake_api.hpp"

using namespace std::chrono_literals;
using namespace obsctl::verifiers;
using obsctl::core::ErrorKind;
using obsctl::core::parse_rfc3339;
using obsctl::tests::FakeApi;

TEST_CASE("held alerts are read with why they may be quiet") {
  FakeApi api;
  api.answer("/api/v2/alerts", R"([{"annotations":{"summary":"s"},"endsAt":"2026-11-21T04:34:12.000Z",
    "fingerprint":"0123456789abcdef","receivers":[{"name":"slack"},{"name":"discord"}],
    "startsAt":"2026-11-21T04:30:07.705Z","updatedAt":"2026-11-21T04:30:12.000+00:00",
    "status":{"inhibitedBy":["ffff"],"silencedBy":["id-1"],"mutedBy":["night"],"state":"suppressed"},
    "generatorURL":"http://p/graph","labels":{"alertname":"A","cluster":"eu"}}])");
  AlertmanagerClient client(api.url());
  const auto alerts = client.alerts();
  REQUIRE(alerts);
  REQUIRE(alerts->size() == 1);
  const HeldAlert& alert = alerts->front();
  CHECK(alert.labels == Labels{{"alertname", "A"}, {"cluster", "eu"}});
  CHECK(alert.starts_at == *parse_rfc3339("2026-11-21T04:30:07.705Z"));
  CHECK(alert.fingerprint == "0123456789abcdef");
  CHECK(alert.state == "suppressed");
  CHECK(alert.silenced_by == std::vector<std::string>{"id-1"});
  CHECK(alert.inhibited_by == std::vector<std::string>{"ffff"});
  CHECK(alert.muted_by == std::vector<std::string>{"night"});
  CHECK(alert.receivers == std::vector<std::string>{"slack", "discord"});
}

TEST_CASE("an alert without what it must have names the key") {
  FakeApi api;
  AlertmanagerClient client(api.url());
  const auto [body, complaint] = GENERATE(table<std::string, std::string>({
      {"{}", "the document is an object, not a list"},
      {R"([{"labels":{"a":1}}])", "[0].labels.a is a number, not a string"},
      {R"([{"labels":{}}])", "[0].startsAt is missing"},
      {R"([{"labels":{},"startsAt":"2026-11-21T04:30:07Z","endsAt":"2026-11-21T04:30:07Z","fingerprint":"f"}])",
       "[0].status is missing"},
  }));
  CAPTURE(body);
  api.answer("/api/v2/alerts", body);
  const auto alerts = client.alerts();
  REQUIRE_FALSE(alerts);
  CHECK(alerts.error().kind == ErrorKind::protocol);
  CHECK(alerts.error().message == fmt::format("GET {}/api/v2/alerts: {}", api.url(), complaint));
}

TEST_CASE("status, silences and receivers are read") {
  FakeApi api;
  AlertmanagerClient client(api.url());
  api.answer("/api/v2/status", R"({"cluster":{"status":"disabled"},"config":{"original":"route: {}\n"},
    "uptime":"2026-11-21T04:30:07Z","versionInfo":{"version":"0.25.0"}})");
  api.answer("/api/v2/receivers", R"([{"name":"a"},{"name":"b"}])");
  api.answer("/api/v2/silences", R"([{"id":"s1","status":{"state":"active"},"comment":"c","createdBy":"me",
    "startsAt":"2026-11-21T04:30:07Z","endsAt":"2026-11-21T05:30:07Z","updatedAt":"2026-11-21T04:30:07Z",
    "matchers":[{"name":"job","value":"a.*","isRegex":true,"isEqual":true},
                {"name":"env","value":"dev","isRegex":false,"isEqual":false},
                {"name":"old","value":"x","isRegex":false}]}])");
  const auto status = client.status();
  REQUIRE(status);
  CHECK(status->version == "0.25.0");
  CHECK(status->config == "route: {}\n");
  CHECK(status->cluster_status == "disabled");
  CHECK(*client.receivers() == std::vector<std::string>{"a", "b"});
  const auto silences = client.silences();
  REQUIRE(silences);
  REQUIRE(silences->size() == 1);
  const Silence& silence = silences->front();
  CHECK(silence.state == "active");
  REQUIRE(silence.matchers.size() == 3);
  CHECK(silence.matchers[0].text() == "job=~\"a.*\"");
  CHECK(silence.matchers[1].text() == "env!=\"dev\"");
  CHECK(silence.matchers[2].text() == "old=\"x\"");
}

TEST_CASE("alerts and silences are handed over as Alertmanager wants them") {
  FakeApi api;
  AlertmanagerClient client(api.url());
  api.answer("/api/v2/alerts", "");
  REQUIRE(client.post_alerts({{.labels = {{"alertname", "A"}}, .starts_at = WallTime(1'700'000'000'500ms)}}));
  CHECK(api.requests().back() == "POST /api/v2/alerts");
  CHECK(api.last_body() ==
        R"([{"annotations":{},"labels":{"alertname":"A"},"startsAt":"2023-11-14T22:13:20.500Z"}])");
  api.answer("/api/v2/silences", R"({"silenceID":"abc"})");
  const auto id = client.add_silence(LabelMatcher::parse("job=api").value(), WallTime(1'700'000'000s),
                                     WallTime(1'700'000'060s), "why");
  REQUIRE(id);
  CHECK(*id == "abc");
  CHECK(
      api.last_body() ==
      R"({"comment":"why","createdBy":"obsctl","endsAt":"2023-11-14T22:14:20.000Z","matchers":[{"isEqual":true,"isRegex":false,"name":"job","value":"api"}],"startsAt":"2023-11-14T22:13:20.000Z"})");
  api.answer("/api/v2/silence/abc", "");
  REQUIRE(client.delete_silence("abc"));
  CHECK(api.requests().back() == "DELETE /api/v2/silence/abc");
}

TEST_CASE("a refusal comes with Alertmanager's words, which are a bare string") {
  FakeApi api;
  api.answer("/api/v2/alerts", R"("bad matcher: x")", 400);
  AlertmanagerClient client(api.url());
  const auto posted = client.post_alerts({});
  REQUIRE_FALSE(posted);
  CHECK(posted.error().kind == ErrorKind::invalid_input);
  CHECK(posted.error().message ==
        fmt::format("POST {}/api/v2/alerts: answered 400: bad matcher: x", api.url()));
}
