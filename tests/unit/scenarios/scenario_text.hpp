// Reading a scenario from a test's own text.
#pragma once

#include <string>
#include <vector>

#include "scenarios/scenario.hpp"
#include "tests/support/catch.hpp"

namespace obsctl::tests {

/// Everything that is wrong with a scenario, as it is printed. The file is called s.toml.
inline std::vector<std::string> errors_of(const std::string& text) {
  std::vector<std::string> lines;
  for (const core::Error& error : scenarios::read_scenario(text, "s.toml", "s").errors) {
    lines.push_back(to_string(error));
  }
  return lines;
}

/// A scenario that has nothing wrong.
inline scenarios::Scenario scenario_of(const std::string& text) {
  scenarios::ScenarioFile file = scenarios::read_scenario(text, "s.toml", "s");
  for (const core::Error& error : file.errors) UNSCOPED_INFO(to_string(error));
  REQUIRE(file.errors.empty());
  return std::move(file.scenario);
}

}  // namespace obsctl::tests
