// What a Prometheus and an Alertmanager have loaded and are doing, as plain values: what a plan is made from.
#pragma once

#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "verifiers/alertmanager_client.hpp"
#include "verifiers/alertmanager_config.hpp"
#include "verifiers/prometheus_client.hpp"

namespace obsctl::scenarios {

/// What is loaded and running, as a plan needs it.
struct Situation {
  std::vector<verifiers::RuleGroup> groups;
  std::vector<verifiers::ScrapeTarget> targets;
  std::optional<verifiers::AlertmanagerConfig> alertmanager;  ///< absent: none is watched
  std::map<std::string, std::vector<double>> buckets;         ///< bucket bounds by histogram
  /// The Alertmanager has just been started: it has no group yet.
  bool fresh = false;

  /// The rule of an alert and its group; null when there is none.
  const verifiers::Rule* rule(const std::string& alert, const verifiers::RuleGroup** group = nullptr) const;
  std::vector<std::string> alert_names() const;
  /// Alertmanager's receivers that its routes lead a rule's own labels to, each once; none without an
  /// Alertmanager.
  std::vector<std::string> receivers_of(const verifiers::Rule& rule) const;
};

/// Asks Prometheus and (unless it is null) Alertmanager. Errors: theirs.
core::Result<Situation> look_at(verifiers::PrometheusClient& prometheus,
                                verifiers::AlertmanagerClient* alertmanager, const std::stop_token& stop);

}  // namespace obsctl::scenarios
