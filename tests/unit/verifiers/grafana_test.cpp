#include <cstdlib>

#include "core/file.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/fake_grafana.hpp"
#include "verifiers/grafana_check.hpp"

using namespace obsctl::verifiers;
using namespace std::chrono_literals;
using nlohmann::json;
using obsctl::core::Finding;
using obsctl::core::Findings;
using obsctl::core::to_string;
using obsctl::tests::FakeGrafana;

namespace {

/// "ok panel T: P A (1 series)" and so on, a line each.
std::string text_of(const Findings& findings) {
  std::string text;
  for (const Finding& one : findings) {
    const char* state = one.state == Finding::State::well     ? "ok"
                        : one.state == Finding::State::failed ? "FAILED"
                                                              : "skipped";
    text += std::string(state) + " " + one.kind + " " + one.name +
            (one.detail.empty() ? "" : " (" + one.detail + ")") + "\n";
  }
  return text;
}

std::string check(const FakeGrafana& server, const GrafanaQuestions& questions = {}) {
  GrafanaClient client({server.url()});
  const auto findings = check_grafana(client, questions);
  return findings ? text_of(*findings) : to_string(findings.error());
}

/// A dashboard with one panel that asks this.
std::string dashboard(const std::string& targets, const std::string& more = "") {
  return R"({"uid": "d", "title": "T", "time": {"from": "now-15m", "to": "now"}, "panels": [{"title": "P", "targets": [)" +
         targets + "]" + more + "}]}";
}

std::string well(const FakeGrafana& server) {
  return "ok grafana " + server.url() + " (version 11.4.0)\n" +
         "ok datasource Prometheus (Successfully queried the Prometheus API.)\n";
}

}  // namespace

TEST_CASE("a Grafana that is well: its database, its datasources, and every panel of its dashboards") {
  FakeGrafana server;
  server.dashboards["obsctl-http-api"] =
      obsctl::core::read_file("stacks/http-api/grafana/provisioning/dashboards/http-api.json").value();
  const std::string text = check(server);
  CHECK(text.starts_with(well(server) + "ok panel http-api: Service overview A (1 series)\n"));
  CHECK(text.find("FAILED") == std::string::npos);
  CHECK(std::count(text.begin(), text.end(), '\n') == 2 + 15);

  // Each panel is asked as Grafana's pages ask it: its own queries, over the dashboard's time, of its
  // datasource.
  REQUIRE(server.queries().size() == 9);
  const json first = server.queries().front();
  CHECK(first.at("from") == "now-15m");
  CHECK(first.at("to") == "now");
  REQUIRE(first.at("queries").size() == 5);
  CHECK(first.at("queries")[0].at("datasource") == json{{"uid", "prometheus"}, {"type", "prometheus"}});
  CHECK(first.at("queries")[0].at("expr") == R"(min(up{job="api", service="api"}))");
  // Grafana's own variables are left to it.
  CHECK(first.at("queries")[2].at("expr").get<std::string>().find("[$__rate_interval]") != std::string::npos);
}

TEST_CASE("what is wrong with a Grafana is named") {
  FakeGrafana server;
  server.dashboards["d"] = dashboard(R"({"refId": "A", "expr": "up"}, {"refId": "B", "expr": "down"})");
  SECTION("its database") {
    server.database = "failing";
    CHECK(check(server) == "FAILED grafana " + server.url() + " (its database is failing)\n");
  }
  SECTION("a datasource") {
    server.datasources[0].health = {{"status", "ERROR"}, {"message", "connection refused"}};
    CHECK(check(server) == "ok grafana " + server.url() +
                               " (version 11.4.0)\nFAILED datasource Prometheus (connection refused)\n"
                               "ok panel T: P A (1 series)\nok panel T: P B (1 series)\n");
  }
  SECTION("a panel without data: no series, no frame with a number, only NaN") {
    const auto nothing =
        GENERATE(json{{"status", 200}, {"frames", json::array()}}, FakeGrafana::series(json::array()),
                 FakeGrafana::series(json::array({nullptr})));
    server.results["down"] = nothing;
    CHECK(check(server) ==
          well(server) + "ok panel T: P A (1 series)\nFAILED panel T: P B (no data: is there any load?)\n");
  }
  SECTION("a panel with an error") {
    server.results["down"] = {{"status", 400}, {"error", "bad_data: parse error"}};
    CHECK(check(server) ==
          well(server) + "ok panel T: P A (1 series)\nFAILED panel T: P B (bad_data: parse error)\n");
  }
  SECTION("a panel of a datasource that is gone") {
    server.dashboards["d"] = dashboard(R"({"refId": "A", "expr": "up", "datasource": {"uid": "gone"}})");
    CHECK(check(server) == well(server) + "FAILED panel T: P A (there is no datasource gone)\n");
  }
  SECTION("a variable that has never had a value") {
    server.dashboards["d"] = dashboard(R"({"refId": "A", "expr": "up{a=\"$who\"}"})");
    CHECK(check(server) ==
          well(server) +
              "FAILED panel T: P (the variable $who has no value; give it one: --var NAME=VALUE)\n");
    CHECK(check(server, {.variables = {{"who", "me"}}, .range = 90s}) ==
          well(server) + "ok panel T: P A (1 series)\n");
    CHECK(server.queries().back().at("queries")[0].at("expr") == R"(up{a="me"})");
    CHECK(server.queries().back().at("from") == "now-90s");
  }
  SECTION("a dashboard that is not there") {
    CHECK(check(server, {.dashboards = {"none"}}) ==
          server.url() +
              " has no dashboard with the uid \"none\"\n  hint: the uid is "
              "in the dashboard's address: /d/UID/…");
  }
}

TEST_CASE(
    "what cannot be asked is skipped: kinds without a health check, data of Grafana's own, hidden queries") {
  FakeGrafana server;
  server.datasources.push_back({"t", "Tests", "testdata", false, nullptr});
  server.dashboards["d"] = dashboard(
      R"({"refId": "A", "expr": "up", "datasource": "Prometheus"}, {"refId": "B", "hide": true, "expr": "x"},
         {"refId": "C", "datasource": {"uid": "-- Dashboard --"}})");
  CHECK(check(server) ==
        well(server) +
            "skipped datasource Tests (Grafana has no health check for testdata)\n"
            "skipped panel T: P C (its data is Grafana's own)\nok panel T: P A (1 series)\n");
  CHECK(server.queries().back().at("queries").size() == 1);

  server.datasources[1].type = "browser-only";
  server.dashboards["d"] = dashboard(R"({"refId": "A", "datasource": {"uid": "t"}})");
  CHECK(check(server).ends_with(
      "\nskipped panel T: P A (only Grafana's pages can ask this kind of datasource)\n"));

  // What an expression computes with is asked, hidden or not; only what is shown has to have data.
  server.dashboards["d"] = dashboard(
      R"({"refId": "A", "hide": true, "expr": "up"}, {"refId": "B", "datasource": {"uid": "__expr__", "type": []}, "type": "math", "expression": "$A * ${A}"})");
  CHECK(check(server).ends_with("\nok panel T: P B (1 series)\n"));
  REQUIRE(server.queries().back().at("queries").size() == 2);
  CHECK(server.queries().back().at("queries")[1].at("expression") == "$A * $A");
}

TEST_CASE("a panel of several datasources asks each by itself") {
  FakeGrafana server;
  server.datasources.push_back({"other", "Other", "prometheus", false});
  server.dashboards["d"] = dashboard(
      R"({"refId": "A", "expr": "up", "datasource": {"uid": "prometheus"}},
         {"refId": "B", "expr": "up", "datasource": {"uid": "other"}}, {"refId": "C", "expr": ""},
         {"refId": "D", "datasource": {"uid": "other"}})",
      R"(, "datasource": {"uid": "-- Mixed --"})");
  const std::string text = check(server);
  CHECK(text.find("ok panel T: P A (1 series)") != std::string::npos);
  CHECK(text.find("ok panel T: P B (1 series)") != std::string::npos);
  CHECK(text.find("FAILED") == std::string::npos);
  CHECK(server.queries().size() == 2);
}

TEST_CASE("a query that names no datasource asks the default, or the first of its kind") {
  FakeGrafana server;
  const bool other_is_default = GENERATE(false, true);
  server.datasources = {{"l", "Logs", "loki", other_is_default},
                        {"p", "Prometheus", "prometheus", !other_is_default},
                        {"q", "Second", "prometheus", false}};
  const std::string target = GENERATE(R"({"refId": "A", "expr": "up", "datasource": {"type": "prometheus"}})",
                                      R"({"refId": "A", "expr": "up", "datasource":
                                          {"type": "prometheus", "uid": "${source}"}})");
  std::string text = dashboard(target);
  text.insert(
      1, R"("templating": {"list": [{"name": "source", "type": "datasource", "query": "prometheus"}]},)");
  server.dashboards["d"] = text;
  CHECK(check(server).ends_with("ok panel T: P A (1 series)\n"));
  REQUIRE(server.queries().size() == 1);
  CHECK(server.queries()[0].at("queries")[0].at("datasource").at("uid") == "p");
}

TEST_CASE("variables that a dashboard has no value saved for get the first value of their label, in turn") {
  FakeGrafana server;
  std::string text =
      dashboard(R"({"refId": "A", "expr": "up{job=\"$job\",node=\"$node\",cluster=\"$cluster\"}"})");
  text.insert(1, R"json("templating": {"list": [
    {"name": "source", "type": "datasource", "query": "prometheus"},
    {"name": "cluster", "type": "query", "datasource": "$source", "query": "label_values(cluster)"},
    {"name": "job", "type": "query", "datasource": {"type": "prometheus", "uid": "${source}"}, "current": {},
     "query": {"query": "label_values(up{a=\"x,y\"}, job)", "refId": "V"}},
    {"name": "node", "type": "query", "query": "label_values(up{job=\"$job\"},node)"}]},)json");
  server.dashboards["d"] = text;
  const std::string jobs_asked = R"(count by (job) (up{a="x,y"}))";
  json jobs = FakeGrafana::series(json::array({1}), {{"job", "web"}});
  jobs["frames"].push_back(FakeGrafana::series(json::array({1}), {{"job", "api"}})["frames"][0]);
  server.results[jobs_asked] = jobs;
  server.results[R"(count by (cluster) ({cluster!=""}))"] = {{"status", 200}, {"frames", json::array()}};
  server.results[R"(count by (node) (up{job="api"}))"] =
      FakeGrafana::series(json::array({1}), {{"node", "n"}});
  CHECK(check(server) == well(server) + "ok panel T: P A (1 series)\n");
  CHECK(server.queries().back().at("queries")[0].at("expr") == R"(up{job="api",node="n",cluster=""})");

  CHECK(check(server, {.variables = {{"job", "web"}, {"node", "m"}}})
            .ends_with("ok panel T: P A (1 series)\n"));
  CHECK(server.queries().back().at("queries")[0].at("expr") == R"(up{job="web",node="m",cluster=""})");

  server.results[jobs_asked] = {{"status", 500}, {"error", "no such thing"}};
  CHECK(check(server).ends_with(
      "FAILED panel T: P (the variable $job has no value; give it one: --var NAME=VALUE)\n"));
}

TEST_CASE("a dashboard that cannot be read, or a panel of the library, says nothing about the others") {
  FakeGrafana server;
  server.newer["v2"] = "dashboard api version not supported, use /apis/dashboard.grafana.app/v2 instead";
  server.dashboards["d"] = dashboard(R"({"refId": "A", "expr": "up"})",
                                     R"(}, {"title": "L", "libraryPanel": {"uid": "l", "name": "L"})");
  const std::string refusal =
      "GET " + server.url() +
      "/api/dashboards/uid/v2: answered 406: dashboard api version not supported, use "
      "/apis/dashboard.grafana.app/v2 instead";
  CHECK(check(server) ==
        well(server) +
            "ok panel T: P A (1 series)\n"
            "skipped panel T: L (it is a library panel, whose queries are not in the dashboard)\n"
            "skipped panel v2 (" +
            refusal + ")\n");
  CHECK(check(server, {.dashboards = {"v2"}}) == refusal);
}

TEST_CASE("credentials: a token, a user and password, or a word about which to give") {
  FakeGrafana server;
  server.authorization = "Bearer glsa_x";
  ::unsetenv("OBSCTL_GRAFANA_PASSWORD");
  const auto asked = [&](std::string_view password = {}) {
    const auto access = grafana_access(server.url(), "OBSCTL_TEST_GRAFANA_TOKEN", password);
    REQUIRE(access);
    GrafanaClient client(*access);
    CHECK(client.url() == server.url());
    const auto findings = check_grafana(client, {.panels = false});
    return findings ? text_of(*findings) : to_string(findings.error());
  };
  CHECK(asked() ==
        "GET " + server.url() +
            "/api/datasources: answered 401: Invalid username or password\n  hint: put a service "
            "account's token into OBSCTL_GRAFANA_TOKEN, or the password of OBSCTL_GRAFANA_USER (admin) "
            "into OBSCTL_GRAFANA_PASSWORD");
  ::setenv("OBSCTL_TEST_GRAFANA_TOKEN", "glsa_x", 1);
  CHECK(asked("unused") == well(server));
  ::unsetenv("OBSCTL_TEST_GRAFANA_TOKEN");
  server.authorization = "Basic YWRtaW46cDpAc3M=";  // admin:p:@ss
  CHECK(asked("p:@ss") == well(server));
  ::setenv("OBSCTL_GRAFANA_PASSWORD", "p:@ss", 1);
  CHECK(asked("other") == well(server));
  ::unsetenv("OBSCTL_GRAFANA_PASSWORD");
  // Wrong ones are not in the error either.
  CHECK(asked("wr0ng").find("wr0ng") == std::string::npos);
}

TEST_CASE("what is no Grafana is said to be none") {
  const auto body = GENERATE("404 page not found\n", "{\"status\":\"ok\"}", "[]");
  auto server = obsctl::core::HttpServer::start(
      {}, [&](const auto& exchange) { exchange->respond({.status = 200, .body = body}); });
  REQUIRE(server);
  GrafanaClient client({(*server)->url() + "/"});
  CHECK(to_string(check_grafana(client, {}).error()) ==
        "GET " + (*server)->url() +
            "/api/health: answered 200, which is not how a Grafana answers\n  hint: give the address of "
            "Grafana's "
            "pages, such as http://127.0.0.1:3000");
}

TEST_CASE("a dashboard that is nested without end does not take the whole stack") {
  const std::string deep = std::string(100'000, '[') + std::string(100'000, ']');
  auto server = obsctl::core::HttpServer::start({}, [&](const auto& exchange) {
    exchange->respond(
        {.status = 200, .body = R"({"dashboard": {"panels": [{"targets": [{"x": )" + deep + "}]}]}}"});
  });
  REQUIRE(server);
  GrafanaClient client({(*server)->url()});
  const auto text = client.dashboard("d");
  REQUIRE(text);
  const auto dashboard = read_dashboard(*text, "d", {});
  REQUIRE(dashboard);
  CHECK(dashboard->panels.size() == 1);
  CHECK(read_dashboard(R"({"panels": [{"targets": [{"x": )" + deep + "}]}]}", "d", {}).has_value());
}

TEST_CASE("where a Grafana is elsewhere, the error says where") {
  auto server = obsctl::core::HttpServer::start({}, [](const auto& exchange) {
    exchange->respond({.status = 301, .headers = {{"Location", "https://a:b@host/grafana/api/health"}}});
  });
  REQUIRE(server);
  GrafanaClient client({(*server)->url()});
  CHECK(
      check_grafana(client, {}).error().message ==
      "GET " + (*server)->url() +
          "/api/health: answered 301 to https://host/grafana/api/health, which is not how a Grafana answers");
}

TEST_CASE("an annotation is written as a moment, and ended as a region") {
  FakeGrafana server;
  GrafanaClient client({server.url()});
  const obsctl::core::WallTime from{1'700'000'000'250ms};
  const auto id = client.add_annotation({from, {}, {"obsctl", "fault"}, "errors", "d"});
  REQUIRE(id);
  REQUIRE(client.end_annotation(*id, from + 30s));
  REQUIRE(client.add_annotation({from, from + 1s, {"obsctl"}, "whole", ""}));
  const auto written = server.annotations();
  REQUIRE(written.size() == 3);
  CHECK(written[0].first == "POST /api/annotations");
  CHECK(written[0].second == json{{"time", 1700000000250},
                                  {"tags", {"obsctl", "fault"}},
                                  {"text", "errors"},
                                  {"dashboardUID", "d"}});
  CHECK(written[1].first == "PATCH /api/annotations/1");
  CHECK(written[1].second == json{{"timeEnd", 1700000030250}});
  CHECK(written[2].second ==
        json{{"time", 1700000000250}, {"timeEnd", 1700000001250}, {"tags", {"obsctl"}}, {"text", "whole"}});
}
