#include "stacks/services/toggle_kinds.hpp"

namespace obsctl::stacks {

const ToggleKinds& service_toggle_kinds() {
  using enum ToggleKind::Affects;
  static const ToggleKinds kinds{
      {"error-rate", requests, &read_error_rate},
      {"latency", requests, &read_latency},
      {"readiness", readiness, &read_readiness},
      {"rate-limit", requests, &read_rate_limit},
      {"abort", requests, &read_abort},
      {"reset", requests, &read_reset},
      {"hang", requests, &read_hang},
      {"bandwidth", requests, &read_bandwidth},
      {"truncate", requests, &read_truncate},
      {"dependency", requests, &read_dependency},
      {"memory-leak", process, &read_memory_leak},
      {"cpu-burn", process, &read_cpu_burn},
      {"log-burst", process, &read_log_burst},
  };
  return kinds;
}

std::string names_of(const ToggleKinds& kinds, std::uint32_t mask) {
  std::string names;
  for (std::size_t kind = 0; kind < kinds.size(); ++kind) {
    if ((mask >> kind & 1) == 0) continue;
    if (!names.empty()) names += ',';
    names += kinds[kind].name;
  }
  return names;
}

}  // namespace obsctl::stacks
