// The kinds of faults that work through a stack of obsctl's own, by hand: what they break is broken, what
// they do not is not, and all of it comes back.
#include <filesystem>
#include <thread>

#include "core/clock.hpp"
#include "core/file.hpp"
#include "core/http_client.hpp"
#include "core/text.hpp"
#include "tests/support/running_stack.hpp"

using namespace std::chrono_literals;
using nlohmann::json;
using obsctl::tests::monitoring_is_here;
using obsctl::tests::RunningStack;
namespace fs = std::filesystem;

namespace {

/// The least value of a query's series once it is what it should be, or after ten seconds.
double least(RunningStack& stack, const std::string& query, double wanted) {
  obsctl::core::HttpClient http;
  const std::string url =
      stack.url("prometheus") + "/api/v1/query?query=" + obsctl::core::percent_encoded(query);
  double value = -1;
  const auto deadline = std::chrono::steady_clock::now() + 10s;
  while (value != wanted && std::chrono::steady_clock::now() < deadline) {
    const auto reply = http.call({.url = url});
    const json answer = reply ? json::parse(reply->body, nullptr, false) : json();
    const json result = answer.value(json::json_pointer("/data/result"), json::array());
    value = result.empty() ? -1 : std::stod(result[0].at("value").at(1).get<std::string>());
    std::this_thread::sleep_for(100ms);
  }
  return value;
}

pid_t pid_of(RunningStack& stack, const std::string& service) {
  const json status = json::parse(stack.obsctl({"stack", "status", "it", "--json"}).standard_output);
  for (const json& one : status.at("services")) {
    if (one.at("name") == service) return one.at("pid").get<pid_t>();
  }
  return -1;
}

}  // namespace

TEST_CASE("a scrape outage hides one job from Prometheus while its targets are well") {
  if (!monitoring_is_here()) return;
  RunningStack stack(fs::absolute("stacks/http-api"), {"--time-scale", "0.2"});
  const fs::path file = stack.home() / "obsctl/stacks/it/config/prometheus/prometheus.yml";
  const std::string before = obsctl::core::read_file(file).value();

  const auto wrong = stack.obsctl({"fault", "set", "scrape-outage", "prometheus", "job=web"});
  CHECK_FALSE(wrong.status.ok());
  CHECK_THAT(wrong.standard_error, Catch::Matchers::Contains("there is no job \"web\""));

  const auto set = stack.obsctl({"fault", "set", "scrape-outage", "prometheus", "job=api"});
  INFO(set.standard_error);
  REQUIRE(set.status.ok());
  CHECK(set.standard_output == "no scrapes of job api on prometheus\n");
  CHECK(least(stack, "min(up{job=\"api\"})", 0) == 0);
  CHECK(least(stack, "min(up{job!=\"api\"})", 1) == 1);
  obsctl::core::HttpClient http;
  CHECK(http.call({.url = stack.url("api") + "/readyz"})->ok());

  CHECK_FALSE(stack.obsctl({"fault", "set", "scrape-outage", "prometheus", "job=api"}).status.ok());
  CHECK(stack.obsctl({"fault", "set", "scrape-outage", "prometheus", "job=node"}).status.ok());

  const auto cleared = stack.obsctl({"fault", "clear", "--all"});
  INFO(cleared.standard_error);
  CHECK(cleared.status.ok());
  CHECK(least(stack, "min(up)", 1) == 1);
  CHECK(obsctl::core::read_file(file).value() == before);
}

TEST_CASE("a restarted service is gone while the fault lasts and another process afterwards") {
  if (!monitoring_is_here()) return;
  RunningStack stack(fs::absolute("stacks/http-api"), {"--time-scale", "0.2"});
  const pid_t before = pid_of(stack, "api");
  REQUIRE(stack.obsctl({"fault", "set", "restart", "api"}).status.ok());
  CHECK(pid_of(stack, "api") == 0);
  REQUIRE(stack.obsctl({"fault", "clear", "--all"}).status.ok());
  const pid_t after = pid_of(stack, "api");
  CHECK(after > 0);
  CHECK(after != before);
  CHECK(least(stack, "min(up)", 1) == 1);
}
