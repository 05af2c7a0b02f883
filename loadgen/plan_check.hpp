// Whether a plan makes sense, and a plan in words.
#pragma once

#include <string>

#include "core/error.hpp"
#include "loadgen/plan.hpp"

namespace obsctl::loadgen {

/// Errors: invalid_input, for the first thing that cannot be, with a hint.
core::Result<void> check_plan(const LoadPlan& plan);

/// "http://127.0.0.1:8080", with the socket or address that is connected to instead.
std::string describe_target(const LoadPlan& plan);
/// "constant 200/s", "stages 0/s → 500/s in 30s", "sine …", "poisson …", "closed loop of 64".
std::string describe_arrivals(const Arrivals& arrivals);
std::string describe_pacing(Pacing pacing);

}  // namespace obsctl::loadgen
