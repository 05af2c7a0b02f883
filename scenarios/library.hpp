// Finding a scenario by the name a person gives: one of the bundled ones (http-api/error-spike) or a file of
// their own.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"
#include "scenarios/scenario.hpp"

namespace obsctl::scenarios {

/// The ids of the bundled scenarios, sorted: "http-api/error-spike".
std::vector<std::string> bundled_scenarios();

/// Reads the scenario that a command line names: a bundled one's id, or a file (anything that ends in .toml).
/// Mistakes of the file are in ScenarioFile::errors. Errors: not_found with the nearest name, unavailable.
core::Result<ScenarioFile> open_scenario(std::string_view id_or_file);

/// All mistakes of a file as one error (invalid_input), each on a line of its own with its place.
core::Error joined(const std::vector<core::Error>& errors);

}  // namespace obsctl::scenarios
