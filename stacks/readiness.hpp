// Whether a stack is ready: its services answer their probes, and Prometheus sees every target and its
// Alertmanager.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/http_client.hpp"
#include "stacks/manifest.hpp"
#include "stacks/prometheus_config.hpp"

namespace obsctl::stacks {

class ReadinessProbe {
 public:
  /// One try on 127.0.0.1; at most a second.
  bool is_ready(const Probe& probe, std::uint16_t port);
  /// What the last try that failed saw: "answered 503", "connection refused"; for the message of a timeout.
  const std::string& last_problem() const { return last_problem_; }

 private:
  core::HttpClient http_;
  std::string last_problem_ = "no answer yet";
};

/// What a Prometheus says about its surroundings.
struct PrometheusView {
  bool answered = false;
  int targets = 0;  ///< active
  int dropped = 0;  ///< by relabelling
  int up = 0;
  int alertmanagers = 0;
  /// "blackbox http://api:8080/readyz: connection refused", one for each target that is not up.
  std::vector<std::string> problems;

  bool satisfies(const ExpectedTargets& expected) const;
};

/// Asks /api/v1/targets and /api/v1/alertmanagers
/// (https://prometheus.io/docs/prometheus/latest/querying/api/).
PrometheusView view_of_prometheus(core::HttpClient& http, const std::string& url);

}  // namespace obsctl::stacks
