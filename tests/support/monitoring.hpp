// A real Prometheus and a real Alertmanager on private loopback ports, for as long as an object lives.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "core/process.hpp"
#include "stacks/ports.hpp"
#include "tests/support/temporary_directory.hpp"

namespace obsctl::tests {

/// Whether the programs are installed. One that is not skips the test with a line that says so, or fails it
/// where CI=true. `program` is a name to look for, `package` what Debian calls its package.
bool is_installed(const std::vector<std::string>& program, std::string_view package);

class Monitoring {
 public:
  struct Config {
    /// scrape_configs and whatever else goes in front of it; alerting and rule_files are added.
    std::string prometheus;
    std::string rules;
    std::string alertmanager;
  };

  /// Starts both and waits until Prometheus has discovered Alertmanager. Main thread only.
  explicit Monitoring(const Config& config);

  std::string prometheus_url() const { return url(prometheus_port_); }
  std::string alertmanager_url() const { return url(alertmanager_port_); }
  core::ChildProcess& prometheus() { return *prometheus_; }

 private:
  static std::string url(const stacks::PortReservation& port) {
    return "http://127.0.0.1:" + std::to_string(port.port());
  }

  TemporaryDirectory directory_;
  stacks::PortReservation prometheus_port_;
  stacks::PortReservation alertmanager_port_;
  std::optional<core::ChildProcess> alertmanager_;
  std::optional<core::ChildProcess> prometheus_;
};

}  // namespace obsctl::tests
