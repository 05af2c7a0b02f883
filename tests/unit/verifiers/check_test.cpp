// Each question, against answers of Prometheus, Alertmanager and an endpoint that make it hold, fail or say
// nothing.
#include "verifiers/check.hpp"

#include <fmt/format.h>

#include "tests/unit/verifiers/fake_api.hpp"

using namespace std::chrono_literals;
using namespace obsctl::verifiers;
using obsctl::tests::FakeApi;

namespace {

/// A Prometheus and an Alertmanager that answer what a test says, at a time that it says.
struct World {
  FakeApi api;
  obsctl::core::ManualClock clock{*obsctl::core::parse_rfc3339("2026-11-21T10:00:00Z")};
  PrometheusClient prometheus{api.url()};
  AlertmanagerClient alertmanager{api.url()};
  obsctl::core::HttpClient http;

  std::string ask(const Question& question) {
    const Sources sources{&prometheus, &alertmanager, nullptr, &http, &clock};
    const auto answer = obsctl::verifiers::ask(question, sources, {});
    if (!answer) return to_string(answer.error());
    std::string text = fmt::format("{}: {}", to_string(answer->state), answer->evidence);
    for (const std::string& detail : answer->details) text += "\n" + detail;
    return text;
  }
};

std::string data(const std::string& json) {
  return R"({"status":"success","data":)" + json + "}";
}

std::string vector(const std::string& samples) {
  return data(R"({"resultType":"vector","result":[)" + samples + "]}");
}

std::string sample(const std::string& labels, double value) {
  return fmt::format(R"({{"metric":{{{}}},"value":[1795341600,"{}"]}})", labels, value);
}

std::string target(const std::string& job, bool up) {
  return fmt::format(
      R"({{"labels":{{"job":"{}"}},"scrapeUrl":"http://{}/metrics","health":"{}","lastError":"{}",)"
      R"("lastScrape":"2026-11-21T09:59:59Z","scrapeInterval":"5s","scrapeTimeout":"5s"}})",
      job, job, up ? "up" : "down", up ? "" : "connection refused");
}

std::string rule(const std::string& fields, const std::string& evaluated = "2026-11-21T09:59:58Z") {
  return R"({"status":"success","data":{"groups":[{"name":"g","file":"a.yml","interval":5,"rules":[{)" +
         fields + R"(,"lastEvaluation":")" + evaluated + R"("}],"lastEvaluation":")" + evaluated + R"("}]}})";
}

const std::string kAlertRule =
    R"("name":"High","query":"x","duration":0,"labels":{},"annotations":{},"type":"alerting",)";
const std::string kFiring =
    R"("state":"firing","health":"ok","alerts":[{"labels":{"alertname":"High","job":"a"},"annotations":{},)"
    R"("state":"firing","activeAt":"2026-11-21T09:59:00Z","value":"1"}])";

TEST_CASE("targets are up, and enough of them") {
  World world;
  world.api.answer("/api/v1/targets",
                   data(R"({"activeTargets":[)" + target("api", true) + "," + target("node", false) + "]}"));
  CHECK(world.ask(TargetsUp{"a*", 1}) == "holds: 1 target up");
  CHECK(world.ask(TargetsUp{}) ==
        "fails: 1 of 2 targets not up\nhttp://node/metrics (node) is down: connection refused");
  CHECK(world.ask(TargetsUp{"a*", 2}) == "fails: 1 target, not 2");
  CHECK(world.ask(TargetsUp{"b*", 0}) == "holds: 0 targets up");
}

TEST_CASE("rules are healthy and evaluated in time") {
  World world;
  const auto asked = [&](const std::string& health, const std::string& evaluated) {
    world.api.answer("/api/v1/rules",
                     rule(kAlertRule + R"("state":"inactive","alerts":[],)" + health, evaluated));
    return world.ask(RulesHealthy{});
  };
  CHECK(asked(R"("health":"ok")", "2026-11-21T09:59:58Z") == "holds: 1 rule healthy and evaluated");
  CHECK(asked(R"("health":"err","lastError":"boom")", "2026-11-21T09:59:58Z") ==
        "fails: 1 of 1 rule not\nHigh: boom");
  CHECK(asked(R"("health":"unknown")", "0001-01-01T00:00:00Z") ==
        "fails: 1 of 1 rule not\nHigh has not been evaluated yet");
  CHECK(asked(R"("health":"ok")", "2026-11-21T09:59:30Z") ==
        "fails: 1 of 1 rule not\nHigh was last evaluated 30.0s ago, its group's interval is 5s");
  CHECK(world.ask(RulesHealthy{"other"}) == "no_data: no rule is loaded");
}

TEST_CASE("a query's series are in bounds, or absent") {
  World world;
  const QueryWithin within{"up", {.at_least = 1}};
  world.api.answer("/api/v1/query", vector(sample(R"("__name__":"up","job":"a")", 1)));
  CHECK(world.ask(within) == "holds: it is 1");
  CHECK(world.ask(SeriesAbsent{"up"}) == "fails: the query returns 1 series\nup{job=\"a\"} 1");
  world.api.answer("/api/v1/query",
                   vector(sample(R"("__name__":"up","job":"a")", 1) + "," + sample(R"("__name__":"up")", 0)));
  CHECK(world.ask(within) == "fails: 1 of 2 series are in bounds\nup 0");
  CHECK(world.ask(QueryWithin{"up", {}}) == "holds: 2 of 2 series are there");
  world.api.answer("/api/v1/query", vector(""));
  CHECK(world.ask(within) == "no_data: the query returns nothing");
  CHECK(world.ask(SeriesAbsent{"up"}) == "holds: the query returns nothing");
}

TEST_CASE("a recording rule agrees with its expression at the time of its evaluation") {
  World world;
  world.api.answer(
      "/api/v1/rules",
      rule(
          R"json("name":"job:up","query":"sum(up)","labels":{"by":"rule"},"health":"ok","type":"recording")json"));
  const auto asked = [&](const std::string& recorded, const std::string& computed) {
    world.api.answer("/api/v1/query?time=1795255198.000&query=job%3Aup", vector(recorded));
    world.api.answer("/api/v1/query?time=1795255198.000&query=sum%28up%29", vector(computed));
    return world.ask(RecordingAgrees{"job:up", 0.01});
  };
  const std::string recorded = R"("__name__":"job:up","by":"rule","job":"a")";
  CHECK(asked(sample(recorded, 100), sample(R"("job":"a")", 100.5)) == "holds: 1 series agree");
  CHECK(asked(sample(recorded, 100), sample(R"("job":"a")", 102)) ==
        "fails: 1 series differ\njob:up{by=\"rule\", job=\"a\"} 100, the expression gives 102");
  CHECK(asked(sample(recorded, 100), sample(R"("job":"b")", 100)) ==
        "fails: 2 series differ\njob:up{by=\"rule\", job=\"a\"} 100 is recorded, the expression does not "
        "give it\n"
        "{job=\"b\"} 100 is not recorded");
  CHECK(asked("", "") == "no_data: neither gives a series");
  CHECK(world.ask(RecordingAgrees{"nope"}) == "Prometheus has no recording rule \"nope\"");
}

TEST_CASE("an alert is in a state") {
  World world;
  world.api.answer("/api/v1/rules", rule(kAlertRule + kFiring));
  CHECK(world.ask(AlertIs{"High"}) ==
        "holds: 1 instance active, 1 of them firing\n{alertname=\"High\", job=\"a\"} firing since "
        "2026-11-21T09:59:00.000Z");
  CHECK(world.ask(AlertIs{"High", {{"job", "b"}}}) == "fails: it is inactive");
  CHECK(world.ask(AlertIs{"High", {{"job", "b"}}, AlertState::inactive}) == "holds: it is inactive");
  CHECK(world.ask(AlertIs{"High", {}, AlertState::inactive})
            .starts_with("fails: 1 instance active, 0 of them inactive"));
  CHECK(world.ask(AlertIs{"Low"}) == "Prometheus has no alerting rule \"Low\"");
}

TEST_CASE("nothing else fires") {
  World world;
  world.api.answer("/api/v1/alerts",
                   data(R"({"alerts":[{"labels":{"alertname":"High"},"annotations":{},)"
                        R"("state":"firing","activeAt":"2026-11-21T09:59:00Z","value":"1"},)"
                        R"({"labels":{"alertname":"Low"},"annotations":{},)"
                        R"("state":"pending","activeAt":"2026-11-21T09:59:00Z","value":"1"}]})"));
  CHECK(world.ask(NothingFires{}) ==
        "fails: 1 alert firing\n{alertname=\"High\"} fires since 2026-11-21T09:59:00.000Z");
  CHECK(world.ask(NothingFires{{"H*"}}) == "holds: nothing else fires");
}

TEST_CASE("an alert is suppressed by what was asked for") {
  World world;
  const auto held = [](const std::string& name, const std::string& silenced) {
    return R"({"labels":{"alertname":")" + name +
           R"("},"annotations":{},"startsAt":"2026-11-21T09:59:00Z","endsAt":"2026-11-21T10:03:00Z",)"
           R"("updatedAt":"2026-11-21T09:59:00Z","fingerprint":"f","receivers":[],)"
           R"("status":{"state":"suppressed","inhibitedBy":[],"silencedBy":[)" +
           silenced + "]}}";
  };
  world.api.answer("/api/v2/alerts", "[" + held("High", R"("s1")") + "," + held("Low", "") + "]");
  CHECK(world.ask(AlertSuppressed{"High"}) ==
        "holds: 1 instance suppressed\n{alertname=\"High\"}: by silence s1");
  CHECK(world.ask(AlertSuppressed{"High", "inhibition"}) ==
        "fails: not every instance is suppressed\n{alertname=\"High\"}: not suppressed");
  CHECK(world.ask(AlertSuppressed{"Low"}).starts_with("fails: "));
  CHECK(world.ask(AlertSuppressed{"Other"}) == "no_data: Alertmanager does not hold it");
}

TEST_CASE("an endpoint answers with a status and a body") {
  World world;
  world.api.answer("/health", R"({"status":"ok"})");
  CHECK(world.ask(HttpAnswers{world.api.url() + "/health"}).starts_with("holds: it answered 200 after "));
  CHECK(world.ask(HttpAnswers{world.api.url() + "/health", 0, "\"ok\""}).starts_with("holds: "));
  CHECK(
      world.ask(HttpAnswers{world.api.url() + "/health", 503}).starts_with("fails: it answered 200 after "));
  const std::string wrong = world.ask(HttpAnswers{world.api.url() + "/health", 200, "down"});
  CHECK(wrong.starts_with("fails: "));
  CHECK(wrong.ends_with("\n\"down\" is not in its body: {\"status\":\"ok\"}"));
}

TEST_CASE("a question without anybody to ask is refused") {
  obsctl::core::ManualClock clock;
  obsctl::core::HttpClient http;
  const Sources nobody{nullptr, nullptr, nullptr, &http, &clock};
  const auto refusal = [&](const Question& question) {
    const auto answer = ask(question, nobody, {});
    return answer ? "none" : to_string(answer.error());
  };
  CHECK(
      refusal(TargetsUp{}) ==
      "there is no Prometheus to ask\n  hint: add --prometheus URL, or --attach NAME for a stack that is up");
  CHECK(refusal(AlertSuppressed{"A"}) == "there is no Alertmanager to ask\n  hint: add --alertmanager URL");
  CHECK(refusal(NotificationArrived{"slack"}) == "there is no receiver to ask\n  hint: add --receiver URL");
}

TEST_CASE("what is asked is described") {
  CHECK(describe(TargetsUp{"api", 1}) == "every target of api is up");
  CHECK(describe(QueryWithin{"up", {.equals = 1}}) == "up is equal to 1");
  CHECK(describe(AlertIs{"High", {{"job", "a"}}, AlertState::pending}) == "High{job=\"a\"} is pending");
  CHECK(describe(NotificationArrived{"slack", "High"}) == "a firing notification of High has reached slack");
  CHECK(describe(HttpAnswers{"http://a/", 0, ""}) == "http://a/ answers 2xx");
}

}  // namespace
