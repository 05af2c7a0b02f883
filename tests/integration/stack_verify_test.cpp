// A live stack is verified as a user does it: under load every query of its dashboard has data, and what
// breaks is named.
#include <csignal>
#include <filesystem>
#include <map>

#include <nlohmann/json.hpp>

#include "core/http_server.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/running_stack.hpp"

using namespace std::chrono_literals;
using nlohmann::json;
using obsctl::core::HttpServer;
using obsctl::tests::monitoring_is_here;
using obsctl::tests::RunningStack;

TEST_CASE(
    "under load every panel of http-api has data, targets of one's own are probed, and what is gone is "
    "named") {
  if (!monitoring_is_here()) return;
  auto elsewhere = HttpServer::start({}, [](const auto& exchange) {
    exchange->respond({.status = exchange->path() == "/well" ? 200 : 500});
  });
  REQUIRE(elsewhere);
  const std::string well = (*elsewhere)->url() + "/well";
  const std::string ill = (*elsewhere)->url() + "/ill";
  RunningStack stack(std::filesystem::absolute("stacks/http-api"), {"--time-scale", "0.2"},
                     {{"OBSCTL_SERVICE_PROBE_TARGETS", well + " " + ill}});
  const auto load = stack.obsctl({"load", "run", "--rate", "50/s", "--duration", "12s",
                                  stack.url("api") + "/api/v1/work?ms=20&jitter=10"},
                                 40s);
  REQUIRE(load.status.ok());

  const auto verified = stack.obsctl({"stack", "verify", "it", "--json"});
  INFO(verified.standard_output);
  INFO(verified.standard_error);
  CHECK(verified.status.ok());
  const json document = json::parse(verified.standard_output);
  CHECK(document.at("ok") == true);
  std::map<std::string, int> kinds;
  for (const json& finding : document.at("findings")) ++kinds[finding.at("kind").get<std::string>()];
  CHECK(kinds == std::map<std::string, int>{{"service", 6}, {"target", 8}, {"rule", 5}, {"panel", 15}});

  // What the environment names is probed from outside, as the service itself is.
  for (const auto& [url, outcome] : {std::pair{well, "1"}, {ill, "0"}}) {
    const auto probed = stack.obsctl({"verify", "query", "probe_success{instance=\"" + url + "\"}",
                                      "--equals", outcome, "--prometheus", stack.url("prometheus")});
    INFO(probed.standard_output << probed.standard_error);
    CHECK(probed.status.ok());
  }

  const auto services =
      json::parse(stack.obsctl({"stack", "status", "it", "--json"}).standard_output).at("services");
  for (const json& service : services) {
    if (service.at("name") == "blackbox") ::kill(service.at("pid").get<pid_t>(), SIGKILL);
  }
  const auto broken = stack.obsctl({"stack", "verify", "it", "--no-panels"});
  CHECK(broken.status.code == 1);
  CHECK_THAT(broken.standard_output, Catch::Matchers::Contains("FAILED  service  blackbox"));
}
