// How the parts of a scenario file are read, one function a table. Each asks for every key it knows, reports
// every mistake it can see in its own table and finishes the table; what needs other tables (names that must
// exist, for one) is checked by scenario_reader.cpp. Internal to the reader.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/toml_reader.hpp"
#include "scenarios/scenario.hpp"

namespace obsctl::scenarios {

// Values and bounds: read_conditions.cpp

/// Which durations a key takes.
enum class Least { zero, above_zero };

/// A duration that a run can have: not above 30 days, so that scaling and adding never overflow. What cannot
/// be is reported and nothing comes back.
std::optional<Nanoseconds> read_duration(core::TomlTable& table, std::string_view key, Least least);
/// The same rule for a duration that was read as text. `key` says where it stands.
bool is_possible(core::TomlTable& table, std::string_view key, Nanoseconds duration, Least least);

/// A string that must be there and hold something.
std::string required_text(core::TomlTable& table, std::string_view key);
/// A name that may be left out, but not left empty.
std::string read_name(core::TomlTable& table, std::string_view key, std::string by_default);
/// `url`, which must be there and be one.
std::string read_url(core::TomlTable& table);
/// An integer from `from` to `to`; anything else is reported and nothing comes back.
std::optional<std::int64_t> read_integer(core::TomlTable& table, std::string_view key, std::int64_t from,
                                         std::int64_t to);

/// What bounds are about, which decides how they are written and which ones can hold.
enum class Quantity {
  number,
  ratio,    ///< from 0 to 1
  latency,  ///< written as a duration; the bounds are in seconds
};
/// error_ratio, achieved_rate, response_p99 and so on: what a load measures.
const std::vector<std::string>& load_metrics();
Quantity quantity_of(const std::string& metric);

/// below, at_most, above, at_least and equals of a table; one at least must be there, and some value must be
/// able to meet them all.
Bounds read_bounds(core::TomlTable& table, Quantity quantity);
/// The table `key` of bounds, which must be there.
Bounds required_bounds(core::TomlTable& table, std::string_view key);

/// `index` names the ones that have no name.
SteadyState read_steady_state(core::TomlTable& table, std::size_t index);
Threshold read_threshold(core::TomlTable& table);
AbortCondition read_abort(core::TomlTable& table);

// read_check.cpp

/// `index` names the ones that have no name.
CheckStep read_check(core::TomlTable& table, std::size_t index);

// read_load.cpp

Load read_load(core::TomlTable& table, const std::string& name);

// read_fault.cpp

FaultSpec read_fault(core::TomlTable& table, std::size_t index);
Chaos read_chaos(core::TomlTable& table);
Safety read_safety(core::TomlTable& table);

// read_expect.cpp

AlertExpectation read_alert(core::TomlTable& table);
NotificationExpectation read_notification(core::TomlTable& table);
QueryExpectation read_query(core::TomlTable& table, std::size_t index);
SuppressionExpectation read_suppression(core::TomlTable& table);
NothingElse read_nothing_else(core::TomlTable& table);

}  // namespace obsctl::scenarios
