#include "verifiers/panel_check.hpp"

#include "core/http_client.hpp"
#include "tests/support/catch.hpp"
#include "tests/unit/verifiers/fake_api.hpp"

using namespace obsctl::verifiers;
using namespace std::chrono_literals;
using obsctl::core::Finding;
using obsctl::core::Findings;
using obsctl::core::percent_encoded;
using obsctl::tests::FakeApi;

namespace {

constexpr const char* kDashboard = R"json({"title": "T", "templating": {"list": [
    {"name": "job", "type": "query", "query": "label_values(up, job)"},
    {"name": "node", "type": "query", "query": "label_values(up{job=\"$job\"}, node)"}]},
  "panels": [{"title": "P", "targets": [
    {"refId": "A", "instant": true, "expr": "up{job=\"$job\",node=\"$node\"}"},
    {"refId": "B", "expr": "{app=\"x\"}", "datasource": {"type": "loki", "uid": "l"}}]}]})json";

/// A vector of these label sets, as JSON.
std::string vector_of(const std::vector<std::string>& series) {
  std::string all;
  for (const std::string& labels : series)
    all += (all.empty() ? "" : ",") + ("{\"metric\":" + labels) + ",\"value\":[1700000000,\"1\"]}";
  return R"({"status":"success","data":{"resultType":"vector","result":[)" + all + "]}}";
}

}  // namespace

TEST_CASE("a dashboard's variables are asked of Prometheus in turn, and what is not PromQL is skipped") {
  FakeApi api;
  PrometheusClient prometheus(api.url());
  const WallTime now(1'700'000'000s);
  const auto answer = [&](const std::string& query, const std::string& body) {
    api.answer("/api/v1/query?time=1700000000.000&query=" + percent_encoded(query), body);
  };
  answer("count by (job) (up)", vector_of({R"({"job":"web"})", R"({"job":"api"})"}));
  answer(R"(count by (node) (up{job="api"}))", vector_of({"{}"}));
  answer(R"(up{job="api",node=""})", vector_of({"{}"}));
  const VariableValues values = opened_with(kDashboard, {{"given", "g"}}, prometheus, now);
  CHECK(values == VariableValues{{"given", "g"}, {"job", "api"}, {"node", ""}});

  const auto dashboard = read_dashboard(kDashboard, "d.json", values);
  REQUIRE(dashboard);
  const Findings findings = check_panels(*dashboard, prometheus, now, 5min);
  REQUIRE(findings.size() == 2);
  CHECK(findings[0].name == "T: P A");
  CHECK(findings[0].detail == "1 series");
  CHECK(findings[1].state == Finding::State::skipped);
  CHECK(findings[1].detail == "it asks loki, not Prometheus");
}
