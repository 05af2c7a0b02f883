#include "stacks/dashboard.hpp"

#include <set>

#include <nlohmann/json.hpp>

#include "core/file.hpp"
#include "tests/support/catch.hpp"

using namespace obsctl::stacks;
using nlohmann::json;
using obsctl::core::to_string;

namespace {

constexpr const char* kDashboard = "stacks/http-api/grafana/provisioning/dashboards/http-api.json";

}  // namespace

TEST_CASE("a dashboard's queries are read with their variables filled in, those in rows too") {
  const auto dashboard = read_dashboard(R"json({"uid": "u", "title": "T",
    "templating": {"list": [{"name": "job", "current": {"value": "api"}}]},
    "panels": [{"title": "One", "targets": [{"refId": "A", "expr": "rate(x{job=\"$job\"}[$__rate_interval])"}]},
               {"type": "row", "panels": [{"title": "Two", "targets": [
                 {"refId": "B", "expr": "x{a=~\"b$\"}[${__range}]", "instant": true}, {"refId": "C"}]}]}]})json",
                                        "d.json", {"20s", "1m"});
  REQUIRE(dashboard);
  CHECK(dashboard->uid == "u");
  REQUIRE(dashboard->queries.size() == 2);
  CHECK(dashboard->queries[0].expr == "rate(x{job=\"api\"}[20s])");
  CHECK_FALSE(dashboard->queries[0].instant);
  CHECK(dashboard->queries[1].panel == "Two");
  CHECK(dashboard->queries[1].expr == "x{a=~\"b$\"}[1m]");
  CHECK(dashboard->queries[1].instant);
}

TEST_CASE("what is no dashboard, or has an unknown variable, is an error that says so") {
  CHECK(to_string(read_dashboard("{}", "d.json", {}).error()) ==
        "d.json is not a Grafana dashboard\n  hint: export it as JSON: it has a list \"panels\"");
  CHECK(to_string(read_dashboard(R"({"panels": [{"title": "P", "targets": [{"expr": "x{a=\"$no\"}"}]}]})",
                                 "d.json", {})
                      .error()) == "d.json: the panel \"P\": the variable $no has no value");
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
