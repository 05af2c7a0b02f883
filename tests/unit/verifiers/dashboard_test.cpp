#include "verifiers/dashboard.hpp"

#include <set>

#include <nlohmann/json.hpp>

#include "core/file.hpp"
#include "tests/support/catch.hpp"

using namespace obsctl::verifiers;
using nlohmann::json;
using obsctl::core::to_string;

namespace {

constexpr const char* kDashboard = "stacks/http-api/grafana/provisioning/dashboards/http-api.json";

}  // namespace

TEST_CASE("a dashboard's queries are read with their variables filled in, those in rows too") {
  const auto dashboard = read_dashboard(R"json({"uid": "u", "title": "T",
    "templating": {"list": [{"name": "job", "current": {"value": "api"}}]},
    "panels": [{"title": "One", "targets": [{"refId": "A", "expr": "rate(x{job=\"$job\"}[$__rate_interval])"}]},
               {"type": "text", "title": "Left over", "targets": [{"refId": "A", "expr": "up"}]},
               {"type": "row", "targets": [{"refId": "A"}], "panels": [{"title": "Two", "targets": [
                 {"refId": "B", "expr": "x{a=~\"b$\"}[${__range}]", "instant": true}, {"refId": "C"}]}]}]})json",
                                        "d.json", {{"__rate_interval", "20s"}, {"__range", "1m"}});
  REQUIRE(dashboard);
  CHECK(dashboard->uid == "u");
  REQUIRE(dashboard->panels.size() == 2);
  const Panel& one = dashboard->panels[0];
  CHECK(one.title == "One");
  REQUIRE(one.queries.size() == 1);
  CHECK(one.queries[0].expr == "rate(x{job=\"api\"}[20s])");
  CHECK_FALSE(one.queries[0].instant);
  const Panel& two = dashboard->panels[1];
  CHECK(two.title == "Two");
  REQUIRE(two.queries.size() == 2);
  CHECK(two.queries[0].expr == "x{a=~\"b$\"}[1m]");
  CHECK(two.queries[0].instant);
  CHECK(two.queries[1].expr.empty());
}

TEST_CASE("panels are read from the rows of a dashboard of before Grafana 5; those in a library are named") {
  const auto dashboard = read_dashboard(R"({"title": "T", "rows": [{"panels": [
    {"title": "One", "targets": [{"refId": "A", "expr": "up"}]},
    {"libraryPanel": {"uid": "l", "name": "Two"}}, {"type": "text"}]}]})",
                                        "d.json", {});
  REQUIRE(dashboard);
  REQUIRE(dashboard->panels.size() == 2);
  CHECK(dashboard->panels[0].queries.at(0).expr == "up");
  CHECK_FALSE(dashboard->panels[0].in_library);
  CHECK(dashboard->panels[1].title == "Two");
  CHECK(dashboard->panels[1].in_library);
}

TEST_CASE("a variable's value is the saved one, all of them, or what its definition says") {
  struct Row {
    const char* variable;
    const char* value;
  };
  const auto row = GENERATE(values<Row>({
      {R"("current": {"value": "a"})", "a"},
      {R"("current": {"value": ["a"]})", "a"},
      {R"("current": {"value": ["a", "b"]})", "(a|b)"},
      {R"("current": {"value": "$__all"}, "options": [{"value": "$__all"}, {"value": "a"}, {"value": "b"}])",
       "(a|b)"},
      {R"("current": {"value": ["$__all"]}, "allValue": "a.+")", "a.+"},
      {R"("current": {"value": "$__all"}, "type": "query")", ".*"},
      {R"("type": "constant", "query": "c")", "c"},
      {R"("type": "custom", "query": "x, y")", "x"},
      {R"("type": "interval", "query": "1m,5m")", "1m"},
      {R"("type": "query", "includeAll": true)", ".*"},
      {R"("type": "custom", "query": "x, y", "includeAll": true, "options": [{"value": "x"}, {"value": "y"}])",
       "(x|y)"},
  }));
  const auto text = std::string(R"({"templating": {"list": [{"name": "v", )") + row.variable +
                    R"(}]}, "panels": [{"targets": [{"expr": "$v ${v} ${v:regex} $1 $__interval"}]}]})";
  const auto dashboard = read_dashboard(text, "d.json", {});
  REQUIRE(dashboard);
  const std::string value = row.value;
  CHECK(dashboard->panels[0].queries[0].expr == value + " " + value + " " + value + " $1 $__interval");
}

TEST_CASE("what is no dashboard is an error; a variable without a value is a panel that cannot be asked") {
  CHECK(to_string(read_dashboard("{}", "d.json", {}).error()) ==
        "d.json is not a Grafana dashboard\n  hint: export it as JSON: it has a list \"panels\"");
  const auto text = R"({"panels": [{"title": "P", "targets": [{"expr": "x{a=\"$no\"}"}]}]})";
  const auto dashboard = read_dashboard(text, "d.json", {});
  REQUIRE(dashboard);
  CHECK(dashboard->panels[0].unreadable == "the variable $no has no value");
  CHECK(read_dashboard(text, "d.json", {{"no", "yes"}})->panels[0].queries[0].expr == "x{a=\"yes\"}");
}

TEST_CASE(
    "the dashboard of http-api has every panel that it should, described, with a unit and a fixed uid") {
  CHECK(dashboards_in("stacks/http-api") == std::vector<std::filesystem::path>{kDashboard});
  const auto text = obsctl::core::read_file(kDashboard);
  REQUIRE(text);
  const json document = json::parse(*text);
  CHECK(document.at("uid") == "obsctl-http-api");
  std::set<std::string> titles;
  std::set<int> ids;
  for (const json& panel : document.at("panels")) {
    INFO(panel.at("title"));
    titles.insert(panel.at("title").get<std::string>());
    CHECK(ids.insert(panel.at("id").get<int>()).second);
    CHECK(panel.at("description").get<std::string>().size() > 20);
    CHECK(panel.at("datasource").at("uid") == "${datasource}");
    CHECK_FALSE(panel.at("targets").empty());
    const json& field = panel.at("fieldConfig");
    CHECK((field.at("defaults").contains("unit") || field.at("defaults").contains("mappings") ||
           !field.at("overrides").empty()));
  }
  CHECK(titles == std::set<std::string>{"Service overview", "Request rate", "Error rate", "Latency",
                                        "Probe status", "Alert history", "Top routes", "Node CPU",
                                        "Node memory"});
  CHECK(document.at("annotations").at("list").size() == 2);
  const auto source =
      obsctl::core::read_file("stacks/http-api/grafana/provisioning/datasources/prometheus.yml");
  REQUIRE(source);
  CHECK(source->find("url: http://prometheus:9090") != std::string::npos);
  CHECK(source->find("uid: prometheus") != std::string::npos);
}
