// A real Grafana, started with the stack's own provisioning: its panels have data, obsctl says so, and a run
// is written into it.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <optional>

#include <nlohmann/json.hpp>

#include "core/clock.hpp"
#include "core/file.hpp"
#include "core/http_client.hpp"
#include "core/process.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/peers.hpp"
#include "tests/support/running_stack.hpp"

using namespace std::chrono_literals;
using nlohmann::json;
using obsctl::core::HttpClient;
using obsctl::tests::RunningStack;
namespace fs = std::filesystem;

namespace {

constexpr const char* kPassword = "sesame";

class Grafana {
 public:
  /// With the stack's datasource and dashboards, but for where Prometheus is and where the files are.
  Grafana(const fs::path& program, const std::string& prometheus) {
    const fs::path provisioning = folder_ / "provisioning";
    fs::copy("stacks/http-api/grafana/provisioning", provisioning, fs::copy_options::recursive);
    replace_in(provisioning / "datasources/prometheus.yml", "http://prometheus:9090", prometheus);
    replace_in(provisioning / "dashboards/dashboards.yml", "/etc/grafana/provisioning", provisioning);
    const std::string address = obsctl::tests::free_address();
    url_ = "http://" + address;
    process_ = obsctl::tests::start_peer(
        {program, "server", "--homepath", obsctl::tests::peers_folder() / "grafana-home"},
        {"GF_SERVER_HTTP_ADDR=127.0.0.1", "GF_SERVER_HTTP_PORT=" + obsctl::tests::port_of(address),
         "GF_PATHS_DATA=" + (folder_ / "data").string(), "GF_PATHS_LOGS=" + (folder_ / "log").string(),
         "GF_PATHS_PROVISIONING=" + provisioning.string(),
         std::string("GF_SECURITY_ADMIN_PASSWORD=") + kPassword, "GF_ANALYTICS_REPORTING_ENABLED=false",
         "GF_ANALYTICS_CHECK_FOR_UPDATES=false", "GF_ANALYTICS_CHECK_FOR_PLUGIN_UPDATES=false"});
    REQUIRE(obsctl::tests::answers(url_ + "/api/health", 60s));
  }
  const std::string& url() const { return url_; }

  /// GET, as the admin.
  json get(const std::string& path) const {
    HttpClient http;
    const auto reply = http.call(
        {.url = "http://admin:" + std::string(kPassword) + "@" + url_.substr(7) + path, .timeout = 10s});
    REQUIRE(reply);
    REQUIRE(reply->status == 200);
    return json::parse(reply->body);
  }

 private:
  static void replace_in(const fs::path& file, const std::string& old, const std::string& now) {
    std::string text = obsctl::core::read_file(file).value();
    REQUIRE(text.find(old) != std::string::npos);
    text.replace(text.find(old), old.size(), now);
    std::ofstream(file) << text;
  }

  obsctl::tests::TemporaryDirectory folder_;
  std::string url_;
  std::optional<obsctl::core::ChildProcess> process_;
};

/// Whether this is when the first event of the kind was, by the journal.
bool is_at(const json& run, const std::string& kind, const json& milliseconds) {
  const obsctl::core::WallTime time(std::chrono::milliseconds(milliseconds.get<std::int64_t>()));
  const json& events = run.at("events");
  const auto found =
      std::find_if(events.begin(), events.end(), [&](const json& event) { return event.at("kind") == kind; });
  return found != events.end() && found->at("at") == obsctl::core::format_utc(time);
}

}  // namespace

TEST_CASE("a real Grafana has data for every panel of http-api, and is told of a run", "[integration]") {
  const auto program = obsctl::tests::peer("grafana");
  if (!program || !obsctl::tests::monitoring_is_here()) return;
  RunningStack stack(fs::absolute("stacks/http-api"), {"--time-scale", "0.2"},
                     {{"OBSCTL_GRAFANA_PASSWORD", kPassword}});
  const Grafana grafana(*program, stack.url("prometheus"));

  const auto ran = stack.obsctl(
      {"scenario", "run", "http-api/error-spike", "--attach", "it", "--grafana", grafana.url(), "--json"},
      180s);
  INFO(ran.standard_error);
  REQUIRE(ran.status.ok());
  const json run = json::parse(ran.standard_output);
  const json annotations = grafana.get("/api/annotations?tags=obsctl");
  INFO(annotations.dump(1));
  REQUIRE(annotations.size() == 2);
  struct Row {
    const char *what, *begins, *ends;
  };
  for (const Row& row :
       {Row{"fault", "fault.injected", "fault.cleared"}, Row{"alert", "alert.firing", "alert.inactive"}}) {
    const auto one = std::find_if(annotations.begin(), annotations.end(), [&](const json& annotation) {
      return annotation.at("tags").at(1) == row.what;
    });
    REQUIRE(one != annotations.end());
    CHECK(is_at(run, row.begins, one->at("time")));
    CHECK(is_at(run, row.ends, one->at("timeEnd")));
  }

  const auto verified = stack.obsctl({"verify", "grafana", "--url", grafana.url(), "--json"});
  INFO(verified.standard_output);
  INFO(verified.standard_error);
  CHECK(verified.status.ok());
  const json findings = json::parse(verified.standard_output).at("findings");
  CHECK(std::count_if(findings.begin(), findings.end(), [](const json& finding) {
          return finding.at("kind") == "panel" && finding.at("ok") == true;
        }) == 15);

  // Not a token of its own.
  const auto refused = stack.obsctl({"verify", "grafana", "--url", grafana.url(), "--token-env", "PATH"});
  INFO(refused.standard_error);
  CHECK(refused.status.code == 5);
  CHECK(refused.standard_error.find("answered 401") != std::string::npos);
}
