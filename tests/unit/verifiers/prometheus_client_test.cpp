// Prometheus' answers, whole and broken, through the client and a fake API.
#include "verifiers/prometheus_client.hpp"

#include <cmath>

#include <fmt/format.h>

#include "tests/unit/verifiers/fake_api.hpp"
#include "verifiers/rule_timing.hpp"

using namespace std::chrono_literals;
using namespace obsctl::verifiers;
using obsctl::core::ErrorKind;
using obsctl::core::parse_rfc3339;
using obsctl::tests::FakeApi;

namespace {

/// As Prometheus 2.42 answers, with what newer versions add left in one group.
constexpr const char* kRules = R"json({"status":"success","data":{"groups":[
 {"name":"http-api","file":"/etc/prometheus/alerts.yml","interval":5,"limit":0,"queryOffset":1.5,
  "evaluationTime":0.000812,"lastEvaluation":"2026-11-21T04:30:12.706123456Z",
  "rules":[
   {"state":"firing","name":"HighErrorRate","query":"a / b > 0.05","duration":30,"keepFiringFor":15,
    "labels":{"severity":"critical"},"annotations":{"summary":"x"},
    "alerts":[{"labels":{"alertname":"HighErrorRate","severity":"critical","service":"api"},
               "annotations":{"summary":"api"},"state":"firing","activeAt":"2026-11-21T04:29:37.705Z",
               "keepFiringSince":"2026-11-21T04:30:07.705Z","value":"2.985e-01"}],
    "health":"ok","evaluationTime":0.0004,"lastEvaluation":"2026-11-21T04:30:12.706Z","type":"alerting"},
   {"name":"job:errors:rate1m","query":"sum(rate(e[1m]))","health":"err","lastError":"boom",
    "evaluationTime":0,"lastEvaluation":"0001-01-01T00:00:00Z","type":"recording"}]},
 {"name":"empty","file":"b.yml","interval":0.25,"rules":[],"evaluationTime":0,
  "lastEvaluation":"0001-01-01T00:00:00Z"}
]}})json";

WallTime at(const char* text) {
  return *parse_rfc3339(text);
}

}  // namespace

TEST_CASE("rules are read with their groups, instances and times") {
  FakeApi api;
  api.answer("/api/v1/rules", kRules);
  PrometheusClient client(api.url() + "/");
  const auto groups = client.rules();
  REQUIRE(groups);
  REQUIRE(groups->size() == 2);
  const RuleGroup& group = groups->front();
  CHECK(group.name == "http-api");
  CHECK(group.file == "/etc/prometheus/alerts.yml");
  CHECK(group.interval == 5s);
  CHECK(group.query_offset == 1500ms);
  CHECK(group.last_evaluation == at("2026-11-21T04:30:12.706123456Z"));
  REQUIRE(group.rules.size() == 2);
  const Rule& rule = group.rules[0];
  CHECK(rule.alerting);
  CHECK(rule.name == "HighErrorRate");
  CHECK(rule.query == "a / b > 0.05");
  CHECK(rule.hold == 30s);
  CHECK(rule.keep_firing_for == 15s);
  CHECK(rule.state == AlertState::firing);
  CHECK(rule.health == RuleHealth::ok);
  CHECK(rule.labels == Labels{{"severity", "critical"}});
  REQUIRE(rule.alerts.size() == 1);
  CHECK(rule.alerts[0].labels ==
        Labels{{"alertname", "HighErrorRate"}, {"severity", "critical"}, {"service", "api"}});
  CHECK(rule.alerts[0].active_at == at("2026-11-21T04:29:37.705Z"));
  CHECK(rule.alerts[0].value == Approx(0.2985));
  const Rule& recording = group.rules[1];
  CHECK_FALSE(recording.alerting);
  CHECK(recording.health == RuleHealth::err);
  CHECK(recording.last_error == "boom");
  CHECK(recording.last_evaluation == WallTime::min());
  CHECK((*groups)[1].interval == 250ms);
  CHECK((*groups)[1].query_offset == 0s);
}

TEST_CASE("an answer that is not what it should be names the URL and the key") {
  FakeApi api;
  PrometheusClient client(api.url());
  struct Row {
    std::string body, complaint;
  };
  const auto row = GENERATE(values<Row>({
      {"", "the document is empty, not JSON"},
      {"<html>", "the document is not JSON"},
      {"[]", "the document is a list, not an object"},
      {"{}", "status is missing"},
      {R"({"status":"error"})", "the document has status = \"error\", not success"},
      {R"({"status":"success"})", "data is missing"},
      {R"({"status":"success","data":[]})", "data is a list, not an object"},
      {R"({"status":"success","data":{"groups":null}})", "data.groups is missing"},
      {R"({"status":"success","data":{"groups":[7]}})", "data.groups[0] is a number, not an object"},
      {R"({"status":"success","data":{"groups":[{"name":5}]}})",
       "data.groups[0].name is a number, not a string"},
      {R"({"status":"success","data":{"groups":[{"name":"g","file":"f","rules":[]}]}})",
       "data.groups[0] has interval = -1, not a duration in seconds"},
      {R"({"status":"success","data":{"groups":[{"name":"g","file":"f","interval":1,"lastEvaluation":"noon","rules":[]}]}})",
       "data.groups[0].lastEvaluation is \"noon\", not an RFC 3339 time"},
      {R"({"status":"success","data":{"groups":[{"name":"g","file":"f","interval":1,"rules":[{"type":"alerting","name":"r","query":"q","health":"good"}]}]}})",
       "data.groups[0].rules[0] has health = \"good\", not ok, err or unknown"},
  }));
  CAPTURE(row.body);
  api.answer("/api/v1/rules", row.body);
  const auto groups = client.rules();
  REQUIRE_FALSE(groups);
  CHECK(groups.error().kind == ErrorKind::protocol);
  CHECK(groups.error().message == fmt::format("GET {}/api/v1/rules: {}", api.url(), row.complaint));
}

TEST_CASE("a query gives the samples of a vector or a scalar") {
  FakeApi api;
  PrometheusClient client(api.url());
  SECTION("a vector, infinities and NaN included") {
    api.answer("/api/v1/query", R"({"status":"success","data":{"resultType":"vector","result":[
      {"metric":{"__name__":"up","job":"api"},"value":[1700000000.123,"1"]},
      {"metric":{},"value":[1700000000,"+Inf"]},{"metric":{},"value":[1700000000.5,"NaN"]}]}})");
    const auto samples = client.query("up{job=\"api\"} + 1");
    REQUIRE(samples);
    REQUIRE(samples->size() == 3);
    CHECK((*samples)[0].labels == Labels{{"__name__", "up"}, {"job", "api"}});
    CHECK((*samples)[0].value == 1);
    CHECK((*samples)[0].at == WallTime(1'700'000'000'123ms));
    CHECK((*samples)[1].value == INFINITY);
    CHECK(std::isnan((*samples)[2].value));
    CHECK(api.requests().back() == "GET /api/v1/query?query=up%7Bjob%3D%22api%22%7D%20%2B%201");
  }
  SECTION("a scalar, at a time") {
    api.answer("/api/v1/query", R"({"status":"success","data":{"resultType":"scalar","result":[5,"0.25"]}})");
    const auto samples = client.query_at("1/4", WallTime(5250ms));
    REQUIRE(samples);
    REQUIRE(samples->size() == 1);
    CHECK((*samples)[0].labels.empty());
    CHECK((*samples)[0].value == 0.25);
    CHECK(api.requests().back() == "GET /api/v1/query?time=5.250&query=1%2F4");
  }
  SECTION("nothing at all") {
    api.answer("/api/v1/query", R"({"status":"success","data":{"resultType":"vector","result":[]}})");
    const auto samples = client.query("x");
    REQUIRE(samples);
    CHECK(samples->empty());
  }
  SECTION("a matrix is no answer to it") {
    api.answer("/api/v1/query", R"({"status":"success","data":{"resultType":"matrix","result":[]}})");
    const auto samples = client.query("x[1m]");
    REQUIRE_FALSE(samples);
    CHECK(samples.error().kind == ErrorKind::invalid_input);
    CHECK(samples.error().message ==
          fmt::format("GET {}/api/v1/query: the expression gives a matrix, not numbers", api.url()));
  }
  SECTION("a sample that is none") {
    api.answer(
        "/api/v1/query",
        R"({"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1,"x"]}]}})");
    const auto samples = client.query("x");
    REQUIRE_FALSE(samples);
    CHECK(samples.error().message ==
          fmt::format("GET {}/api/v1/query: data.result[0].value[1] is \"x\", not a number", api.url()));
  }
  SECTION("an expression that Prometheus refuses comes back with its words") {
    api.answer("/api/v1/query",
               R"({"status":"error","errorType":"bad_data","error":"invalid parameter: parse error"})", 400);
    const auto samples = client.query("(");
    REQUIRE_FALSE(samples);
    CHECK(samples.error().kind == ErrorKind::invalid_input);
    CHECK(samples.error().message ==
          fmt::format("GET {}/api/v1/query?query=%28: answered 400: invalid parameter: parse error",
                      api.url()));
  }
}

TEST_CASE("raw samples and ranges are read as series") {
  FakeApi api;
  PrometheusClient client(api.url());
  constexpr const char* matrix = R"({"status":"success","data":{"resultType":"matrix","result":[
    {"metric":{"alertname":"A"},"values":[[1.5,"1"],[2.5,"0"]]}]}})";
  api.answer("/api/v1/query", matrix);
  api.answer("/api/v1/query_range", matrix);
  const auto raw = client.raw_samples("ALERTS", 90s);
  REQUIRE(raw);
  REQUIRE(raw->size() == 1);
  CHECK((*raw)[0].labels == Labels{{"alertname", "A"}});
  REQUIRE((*raw)[0].points.size() == 2);
  CHECK((*raw)[0].points[1].at == WallTime(2500ms));
  CHECK(api.requests().back() == "GET /api/v1/query?query=ALERTS%5B1m30s%5D");
  REQUIRE(client.query_range("x", WallTime(1s), WallTime(9s), 500ms));
  CHECK(api.requests().back() == "GET /api/v1/query_range?start=1.000&end=9.000&step=0.500&query=x");
}

TEST_CASE("targets are read with their intervals") {
  FakeApi api;
  api.answer("/api/v1/targets", R"({"status":"success","data":{"activeTargets":[
    {"labels":{"job":"api","instance":"api:8080"},"discoveredLabels":{},"scrapePool":"api","globalUrl":"g",
     "scrapeUrl":"http://api:8080/metrics","lastError":"refused","lastScrape":"2026-11-21T04:30:12Z",
     "lastScrapeDuration":0.1,"health":"down","scrapeInterval":"5s","scrapeTimeout":"4s500ms"}],"droppedTargets":[]}})");
  PrometheusClient client(api.url());
  const auto targets = client.targets();
  REQUIRE(targets);
  REQUIRE(targets->size() == 1);
  CHECK_FALSE((*targets)[0].up);
  CHECK((*targets)[0].health == "down");
  CHECK((*targets)[0].last_error == "refused");
  CHECK((*targets)[0].scrape_interval == 5s);
  CHECK((*targets)[0].scrape_timeout == 4500ms);
}

TEST_CASE("the small calls are read too") {
  FakeApi api;
  PrometheusClient client(api.url());
  api.answer(
      "/api/v1/alertmanagers",
      R"({"status":"success","data":{"activeAlertmanagers":[{"url":"http://a/api/v2/alerts"}],"droppedAlertmanagers":[]}})");
  api.answer("/api/v1/status/flags", R"({"status":"success","data":{"web.listen-address":"0.0.0.0:9090"}})");
  api.answer("/api/v1/status/config", R"({"status":"success","data":{"yaml":"global: {}\n"}})");
  api.answer("/api/v1/status/buildinfo",
             R"({"status":"success","data":{"version":"2.42.0","revision":"abc"}})");
  api.answer(
      "/api/v1/alerts",
      R"({"status":"success","data":{"alerts":[{"labels":{"alertname":"A"},"annotations":{},"state":"pending","activeAt":"2026-11-21T04:30:12Z","value":"1e+00"}]}})");
  api.answer("/-/ready", "Prometheus Server is Ready.\n");
  CHECK(*client.alertmanagers() == std::vector<std::string>{"http://a/api/v2/alerts"});
  CHECK(client.flags()->at("web.listen-address") == "0.0.0.0:9090");
  CHECK(*client.config() == "global: {}\n");
  CHECK(client.build_info()->version == "2.42.0");
  CHECK(client.alerts()->at(0).state == AlertState::pending);
  CHECK(client.ready());
}

TEST_CASE("a Prometheus that is starting is unavailable, in its own words") {
  FakeApi api;
  api.answer("/-/ready", "Service Unavailable\nmore", 503);
  PrometheusClient client(api.url());
  const auto ready = client.ready();
  REQUIRE_FALSE(ready);
  CHECK(ready.error().kind == ErrorKind::unavailable);
  CHECK(ready.error().message == fmt::format("GET {}/-/ready: answered 503: Service Unavailable", api.url()));
}

TEST_CASE("credentials in the URL are not in errors about answers") {
  FakeApi api;
  api.answer("/api/v1/rules", "{}");
  std::string with = api.url();
  with.insert(7, "user:secret@");
  PrometheusClient client(with);
  const auto groups = client.rules();
  REQUIRE_FALSE(groups);
  CHECK(groups.error().message == fmt::format("GET {}/api/v1/rules: status is missing", api.url()));
}

TEST_CASE("a histogram's bounds are asked for") {
  FakeApi api;
  api.answer("/api/v1/query", R"({"status":"success","data":{"resultType":"vector","result":[
    {"metric":{"le":"+Inf"},"value":[1,"1"]},{"metric":{"le":"0.5"},"value":[1,"1"]},{"metric":{"le":"0.25"},"value":[1,"1"]},
    {"metric":{},"value":[1,"1"]}]}})");
  PrometheusClient client(api.url());
  const auto bounds = bucket_bounds(client, "latency_bucket");
  REQUIRE(bounds);
  CHECK(*bounds == std::vector<double>{0.25, 0.5, INFINITY});
  CHECK(api.requests().back() == "GET /api/v1/query?query=group%20by%20%28le%29%20%28latency_bucket%29");
}
