// What the loaded rule and Alertmanager's configuration tell beforehand of an expected notification: that it
// cannot arrive, cannot be resolved, or cannot carry what is asked of it. Internal to the planner.
#pragma once

#include <string>
#include <vector>

#include "core/error.hpp"
#include "scenarios/scenario.hpp"
#include "verifiers/alertmanager_config.hpp"
#include "verifiers/prometheus_client.hpp"

namespace obsctl::scenarios {

struct Forecast {
  /// What will probably not be met. (External labels and alert relabelling, which are not known, may still
  /// change labels on their way.)
  std::vector<std::string> remarks;
  /// What no run can find out. invalid_input.
  std::vector<core::Error> refusals;
};

/// `route` is the one on which `labels`, as far as they are known beforehand, reach the receiver.
Forecast forecast(const NotificationExpectation& wanted, const verifiers::Rule& rule, const Labels& labels,
                  const verifiers::AlertmanagerConfig& config, const verifiers::Route& route);

/// Labels that the rule sets itself, to something else: "the rule of A sets team="x", not "y"".
std::vector<std::string> labels_set_otherwise(const verifiers::Rule& rule, const Labels& wanted);

}  // namespace obsctl::scenarios
