// Whether an experiment can begin: nothing fires that may not, the rules are healthy, the targets are up, and
// Prometheus knows whom to tell.
#pragma once

#include <cstddef>
#include <stop_token>
#include <string>

#include "core/clock.hpp"
#include "scenarios/scenario.hpp"
#include "verifiers/prometheus_client.hpp"

namespace obsctl::scenarios {

/// One look at it.
struct BaselineLook {
  std::string problem;  ///< the first thing that keeps it from being clean; empty when it is
  std::size_t rules = 0;
  std::size_t targets = 0;
};

/// In a stack of ours every rule and target counts; elsewhere only the rules that the scenario speaks of (all
/// of them where nothing else may fire).
BaselineLook look_at_baseline(const Scenario& scenario, bool whole_stack,
                              verifiers::PrometheusClient& prometheus, const core::Clock& clock,
                              const std::stop_token& stop);

/// What keeps one rule from being clean on `date` (YYYY-MM-DD); empty when nothing does. Pure.
std::string unclean_rule(const Scenario& scenario, bool whole_stack, const verifiers::Rule& rule,
                         const std::string& date);

}  // namespace obsctl::scenarios
