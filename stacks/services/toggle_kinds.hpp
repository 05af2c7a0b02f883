// The kinds of toggles. A program offers some of them in a table, in which a kind's place is its number; the
// sample service's is here, the proxy has its own.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "stacks/services/fault.hpp"
#include "stacks/services/field_reader.hpp"

namespace obsctl::stacks {

struct ToggleKind {
  /// As in /api/v1/toggles/{name}.
  std::string_view name;
  /// What it affects: requests of the routes that may be faulted, the answer of /readyz, or the process.
  enum class Affects { requests, readiness, process } affects;
  /// Reads the kind's own fields; what is wrong with them is noted in the reader, and the fault is then
  /// dropped.
  std::unique_ptr<Fault> (*read)(FieldReader& fields, const FaultContext& context);
};

/// At most 32, the bits of FaultPlan::kinds.
using ToggleKinds = std::vector<ToggleKind>;

/// What the sample service offers.
const ToggleKinds& service_toggle_kinds();

/// The names of the kinds in a mask such as FaultPlan::kinds: "error-rate,latency".
std::string names_of(const ToggleKinds& kinds, std::uint32_t mask);

// For any program that answers requests:
std::unique_ptr<Fault> read_error_rate(FieldReader& fields, const FaultContext& context);
std::unique_ptr<Fault> read_latency(FieldReader& fields, const FaultContext& context);
std::unique_ptr<Fault> read_hang(FieldReader& fields, const FaultContext& context);
std::unique_ptr<Fault> read_reset(FieldReader& fields, const FaultContext& context);
std::unique_ptr<Fault> read_abort(FieldReader& fields, const FaultContext& context);
std::unique_ptr<Fault> read_blackhole(FieldReader& fields, const FaultContext& context);
std::unique_ptr<Fault> read_bandwidth(FieldReader& fields, const FaultContext& context);
std::unique_ptr<Fault> read_truncate(FieldReader& fields, const FaultContext& context);
std::unique_ptr<Fault> read_rate_limit(FieldReader& fields, const FaultContext& context);
// For one with a /readyz and dependencies:
std::unique_ptr<Fault> read_dependency(FieldReader& fields, const FaultContext& context);
std::unique_ptr<Fault> read_readiness(FieldReader& fields, const FaultContext& context);
// For any process; log-burst needs a log_line.
std::unique_ptr<Fault> read_memory_leak(FieldReader& fields, const FaultContext& context);
std::unique_ptr<Fault> read_cpu_burn(FieldReader& fields, const FaultContext& context);
std::unique_ptr<Fault> read_log_burst(FieldReader& fields, const FaultContext& context);

}  // namespace obsctl::stacks
