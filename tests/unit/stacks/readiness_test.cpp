#include "stacks/readiness.hpp"

#include <map>

#include "core/http_server.hpp"
#include "tests/support/catch.hpp"

using namespace obsctl::stacks;
using obsctl::core::HttpClient;
using obsctl::core::HttpExchange;
using obsctl::core::HttpServer;

namespace {

/// Answers with what each path is given; anything else with 404.
std::unique_ptr<HttpServer> serve(std::map<std::string, std::string, std::less<>> answers) {
  auto server = HttpServer::start({}, [answers](const std::shared_ptr<HttpExchange>& exchange) {
    const auto found = answers.find(exchange->path());
    exchange->respond(found == answers.end() ? obsctl::core::HttpResponse{.status = 404}
                                             : obsctl::core::HttpResponse{.body = found->second});
  });
  REQUIRE(server);
  return std::move(*server);
}

PrometheusView view_of(const std::string& targets, const std::string& alertmanagers) {
  const auto server = serve({{"/api/v1/targets", targets}, {"/api/v1/alertmanagers", alertmanagers}});
  HttpClient http;
  return view_of_prometheus(http, server->url());
}

}  // namespace

TEST_CASE("a service is ready when its probe is answered") {
  const auto server = serve({{"/-/ready", "ok"}});
  ReadinessProbe probe;
  CHECK(probe.is_ready({"/-/ready"}, server->port()));
  CHECK_FALSE(probe.is_ready({"/other"}, server->port()));
  CHECK(probe.last_problem() == "/other answered 404");
  CHECK(probe.is_ready({}, server->port()));
}

TEST_CASE("a service that is not there is not ready") {
  std::uint16_t port = 0;
  {
    const auto server = serve({});
    port = server->port();
  }
  ReadinessProbe probe;
  CHECK_FALSE(probe.is_ready({}, port));
  CHECK(probe.last_problem() == "it does not accept connections");
  CHECK_FALSE(probe.is_ready({"/-/ready"}, port));
}

TEST_CASE("what Prometheus sees is read from its API") {
  const PrometheusView view = view_of(
      R"({"status":"success","data":{"activeTargets":[
          {"health":"up","labels":{"job":"api","instance":"api:8080"},"lastError":""},
          {"health":"down","labels":{"job":"node","instance":"n:1"},"lastError":"connection refused"},
          {"health":"unknown","labels":{"job":"node","instance":"n:2"},"lastError":""}],
          "droppedTargets":[{}]}})",
      R"({"status":"success","data":{"activeAlertmanagers":[{"url":"http://a"}],"droppedAlertmanagers":[]}})");
  CHECK(view.answered);
  CHECK(view.targets == 3);
  CHECK(view.dropped == 1);
  CHECK(view.up == 1);
  CHECK(view.alertmanagers == 1);
  CHECK(view.problems ==
        std::vector<std::string>{"node n:1: connection refused", "node n:2: not scraped yet"});
}

TEST_CASE("answers that are none are no view") {
  const auto [targets, alertmanagers] = GENERATE(table<std::string, std::string>(
      {{"", ""}, {"[]", "[]"}, {"{\"data\":5}", "{\"data\":{}}"}, {"{\"data\":{}}", "not JSON"}}));
  CHECK_FALSE(view_of(targets, alertmanagers).answered);
}

TEST_CASE("enough is seen when every target is up and an Alertmanager is known, if there are to be any") {
  const PrometheusView complete{true, 2, 1, 2, 1, {}};
  CHECK(complete.satisfies({3, true}));
  CHECK_FALSE(complete.satisfies({4, true}));
  CHECK_FALSE(PrometheusView{true, 2, 1, 1, 1, {}}.satisfies({3, true}));
  CHECK_FALSE(PrometheusView{true, 2, 1, 2, 0, {}}.satisfies({3, true}));
  CHECK(PrometheusView{true, 2, 1, 2, 0, {}}.satisfies({3, false}));
  CHECK_FALSE(PrometheusView{}.satisfies({0, false}));
}
