// What is asked before the faults, and again once they are gone: steady states and checks.
#pragma once

#include <map>
#include <stop_token>
#include <string>

#include "scenarios/faults/fault.hpp"
#include "scenarios/scenario.hpp"
#include "verifiers/check.hpp"

namespace obsctl::scenarios {

/// Asks once. What cannot be asked is no data.
verifiers::Answer ask(const SteadyState& state, verifiers::PrometheusClient& prometheus,
                      const std::stop_token& stop);

/// The same. `places` has the check's target.
verifiers::Answer ask(const CheckStep& check, const std::map<std::string, FaultPlace>& places,
                      const verifiers::Sources& sources, const std::stop_token& stop);

}  // namespace obsctl::scenarios
