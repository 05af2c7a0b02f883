// What the planned rules looked at during the run, taken from Prometheus at its end: the left side of each of
// their comparisons, for the chart that shows why an alert fired when it did.
#pragma once

#include <stop_token>

#include "scenarios/journal.hpp"
#include "scenarios/planner.hpp"
#include "verifiers/prometheus_client.hpp"

namespace obsctl::scenarios {

/// Appends one rule.samples event for each comparison of each rule of the plan, over the time from `from`
/// until now. What Prometheus does not answer is left out: a report can do without, so nothing is an error.
void append_rule_samples(Journal& journal, verifiers::PrometheusClient& prometheus, const Plan& plan,
                         core::WallTime from, core::WallTime to, const std::stop_token& stop);

}  // namespace obsctl::scenarios
