// What shows only once all expectations have their budgets: orders that cannot be, faults that are too short,
// and how long the run takes. Internal to the planner.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "scenarios/planner.hpp"

namespace obsctl::scenarios {

/// What has to come after another notification, but is sure to come first: a sentence each.
std::vector<std::string> impossible_orders(const Plan& plan);

/// Faults that end before what is expected of them can have been sent. invalid_input.
std::vector<core::Error> short_faults(const Scenario& scenario, const Plan& plan);

/// From the load's start to the end, if everything comes at its latest. Nothing where no bound is known.
std::optional<Nanoseconds> longest_run(const Scenario& scenario, const Plan& plan);

}  // namespace obsctl::scenarios
