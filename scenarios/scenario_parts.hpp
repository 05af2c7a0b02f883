// How the parts of a scenario file are read, one function a table. Each asks for every key it knows, reports
// every mistake it can see in its own table and finishes the table; what needs other tables (names that must
// exist, for one) is checked by scenario_reader.cpp, the only one to include this.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "core/toml_reader.hpp"
#include "scenarios/scenario.hpp"

namespace obsctl::scenarios {

// read_conditions.cpp

/// The names of what a load measures as a time: response_p99, service_p50 and so on.
const std::vector<std::string>& latency_metrics();
bool is_latency(const std::string& metric);
/// below, at_most, above, at_least and equals, as far as they are there. With `durations` they are written as
/// durations and become seconds.
Bounds read_bounds(core::TomlTable& table, bool durations);
/// The table `key` of bounds, which must be there and set at least one.
Bounds required_bounds(core::TomlTable& table, std::string_view key);
/// `index` names the ones that have no name.
SteadyState read_steady_state(core::TomlTable& table, std::size_t index);
Threshold read_threshold(core::TomlTable& table);
AbortCondition read_abort(core::TomlTable& table);

// read_load.cpp

Load read_load(core::TomlTable& table, const std::string& name);

// read_fault.cpp

FaultSpec read_fault(core::TomlTable& table, std::size_t index);

// read_expect.cpp

AlertExpectation read_alert(core::TomlTable& table);
NotificationExpectation read_notification(core::TomlTable& table);
QueryExpectation read_query(core::TomlTable& table, std::size_t index);
SuppressionExpectation read_suppression(core::TomlTable& table);
NothingElse read_nothing_else(core::TomlTable& table);

}  // namespace obsctl::scenarios
