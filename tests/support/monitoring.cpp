// Starts the real programs and waits for what a run would wait for.
#include "tests/support/monitoring.hpp"

#include <chrono>
#include <cstdlib>
#include <thread>

#include <fmt/format.h>

#include "core/file.hpp"
#include "tests/support/catch.hpp"
#include "verifiers/alertmanager_client.hpp"
#include "verifiers/prometheus_client.hpp"

using namespace std::chrono_literals;

namespace obsctl::tests {

bool is_installed(const std::vector<std::string>& program, std::string_view package) {
  if (core::find_program(program)) return true;
  const char* ci = std::getenv("CI");
  if (ci != nullptr && std::string_view(ci) == "true")
    FAIL(fmt::format("{} is not installed and CI=true", package));
  WARN(fmt::format("skipped: {} is not installed", package));
  return false;
}

namespace {

template <class Ready>
void wait_for(const std::string& what, core::Nanoseconds patience, const std::filesystem::path& log,
              Ready ready) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (!ready()) {
    if (std::chrono::steady_clock::now() > deadline) {
      FAIL(fmt::format("{} did not happen within {}:\n{}", what, core::format_duration(patience),
                       core::tail_of_file(log, 20)));
    }
    std::this_thread::sleep_for(20ms);
  }
}

}  // namespace

Monitoring::Monitoring(const Config& config)
    : prometheus_port_(stacks::PortReservation::any().value()),
      alertmanager_port_(stacks::PortReservation::any().value()) {
  const auto write = [&](const char* name, const std::string& text) {
    REQUIRE(core::write_file(directory_ / name, text));
    return (directory_ / name).string();
  };
  write("rules.yml", config.rules);
  const std::string alerting = fmt::format(
      "\nrule_files: [rules.yml]\nalerting:\n  alertmanagers:\n    - static_configs: [{{targets: "
      "['127.0.0.1:{}']}}]\n",
      alertmanager_port_.port());
  const auto start = [&](const std::vector<std::string>& program, std::vector<std::string> arguments,
                         const char* log) {
    arguments.insert(arguments.begin(), core::find_program(program).value().string());
    auto child = core::ChildProcess::start({.argv = std::move(arguments), .log_file = directory_ / log});
    REQUIRE(child);
    return std::move(*child);
  };
  alertmanager_ = start({"prometheus-alertmanager", "alertmanager"},
                        {"--config.file=" + write("alertmanager.yml", config.alertmanager),
                         "--storage.path=" + (directory_ / "am-data").string(), "--cluster.listen-address=",
                         fmt::format("--web.listen-address=127.0.0.1:{}", alertmanager_port_.port())},
                        "alertmanager.log");
  prometheus_ = start({"prometheus"},
                      {"--config.file=" + write("prometheus.yml", config.prometheus + alerting),
                       "--storage.tsdb.path=" + (directory_ / "data").string(),
                       fmt::format("--web.listen-address=127.0.0.1:{}", prometheus_port_.port())},
                      "prometheus.log");
  verifiers::AlertmanagerClient alertmanager(alertmanager_url());
  verifiers::PrometheusClient prometheus(prometheus_url());
  wait_for("Alertmanager's readiness", 20s, directory_ / "alertmanager.log",
           [&] { return alertmanager.ready().has_value(); });
  wait_for("Prometheus' readiness", 20s, directory_ / "prometheus.log",
           [&] { return prometheus.ready().has_value(); });
  wait_for("the discovery of Alertmanager", 20s, directory_ / "prometheus.log", [&] {
    const auto urls = prometheus.alertmanagers();
    return urls && !urls->empty();
  });
}

}  // namespace obsctl::tests
