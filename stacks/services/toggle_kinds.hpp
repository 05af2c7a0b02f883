// The table of the kinds of toggles.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "stacks/services/fault.hpp"

namespace obsctl::stacks {

struct ToggleKind {
  /// As in /api/v1/toggles/{name}.
  std::string_view name;
  /// What it affects: requests of the routes that may be faulted, or the answer of /readyz.
  enum class Affects { requests, readiness } affects;
  /// Reads the kind's own fields; what is wrong with them is noted in the reader, and the fault is then
  /// dropped.
  std::unique_ptr<Fault> (*read)(FieldReader& fields, const FaultContext& context);
};

const std::vector<ToggleKind>& toggle_kinds();

// One function a kind, each in a file of its own.
std::unique_ptr<Fault> read_error_rate(FieldReader& fields, const FaultContext& context);
std::unique_ptr<Fault> read_latency(FieldReader& fields, const FaultContext& context);
std::unique_ptr<Fault> read_readiness(FieldReader& fields, const FaultContext& context);

}  // namespace obsctl::stacks
