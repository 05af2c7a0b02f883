// What has to agree between the tables of a scenario file: names that must be different, names that must
// exist, and expectations that something must cause. Internal to the reader.
#pragma once

#include <vector>

#include "core/toml_reader.hpp"
#include "scenarios/scenario.hpp"

namespace obsctl::scenarios {

/// The tables that the parts of a Scenario were read from, each list in the order of the Scenario's own, so
/// that a mistake can be reported where it stands.
struct ScenarioTables {
  core::TomlTable root;
  std::vector<core::TomlTable> loads = {};
  std::vector<core::TomlTable> steady_states = {};
  std::vector<core::TomlTable> checks = {};
  std::vector<core::TomlTable> faults = {};
  std::vector<core::TomlTable> alerts = {};
  std::vector<core::TomlTable> notifications = {};
  std::vector<core::TomlTable> queries = {};
  std::vector<core::TomlTable> suppressions = {};
  std::vector<core::TomlTable> thresholds = {};
};

/// Reports what does not agree, and fills in the causes that go without saying: an expectation without
/// caused_by belongs to the only fault, a notification's to its alert's.
void check_agreement(Scenario& scenario, ScenarioTables& tables);

}  // namespace obsctl::scenarios
