#include "scenarios/situation.hpp"

#include <algorithm>

#include "verifiers/rule_shape.hpp"
#include "verifiers/rule_timing.hpp"

namespace obsctl::scenarios {

using core::Result;

const verifiers::Rule* Situation::rule(const std::string& alert, const verifiers::RuleGroup** group) const {
  for (const verifiers::RuleGroup& one : groups) {
    for (const verifiers::Rule& candidate : one.rules) {
      if (!candidate.alerting || candidate.name != alert) continue;
      if (group != nullptr) *group = &one;
      return &candidate;
    }
  }
  return nullptr;
}

std::vector<std::string> Situation::alert_names() const {
  std::vector<std::string> names;
  for (const verifiers::RuleGroup& group : groups) {
    for (const verifiers::Rule& rule : group.rules) {
      if (rule.alerting) names.push_back(rule.name);
    }
  }
  return names;
}

std::vector<std::string> Situation::receivers_of(const verifiers::Rule& rule) const {
  std::vector<std::string> receivers;
  if (!alertmanager) return receivers;
  for (const verifiers::Route* route : routes_for(*alertmanager, verifiers::labels_of(rule))) {
    if (std::find(receivers.begin(), receivers.end(), route->receiver) == receivers.end())
      receivers.push_back(route->receiver);
  }
  return receivers;
}

Result<Situation> look_at(verifiers::PrometheusClient& prometheus,
                          verifiers::AlertmanagerClient* alertmanager, const std::stop_token& stop) {
  Situation situation;
  auto groups = prometheus.rules(stop);
  if (!groups) return groups.error();
  situation.groups = std::move(*groups);
  auto targets = prometheus.targets(stop);
  if (!targets) return targets.error();
  situation.targets = std::move(*targets);
  const auto recorded = recorded_series(situation.groups);
  for (const verifiers::RuleGroup& group : situation.groups) {
    for (const verifiers::Rule& rule : group.rules) {
      const std::string histogram = verifiers::recognise_rule(rule.query, recorded).histogram;
      if (histogram.empty() || situation.buckets.count(histogram) == 1) continue;
      auto bounds = verifiers::bucket_bounds(prometheus, histogram, stop);
      if (!bounds) return bounds.error();
      situation.buckets[histogram] = std::move(*bounds);
    }
  }
  if (alertmanager == nullptr) return situation;
  auto config = alertmanager->config(stop);
  if (!config) return config.error();
  situation.alertmanager = std::move(*config);
  return situation;
}

}  // namespace obsctl::scenarios
