#include "stacks/proxy/proxy_kinds.hpp"

namespace obsctl::stacks {

const ToggleKinds& proxy_toggle_kinds(UpstreamAddress::Scheme scheme) {
  using enum ToggleKind::Affects;
  static const ToggleKinds tcp{
      {"latency", requests, &read_latency},     {"bandwidth", requests, &read_bandwidth},
      {"truncate", requests, &read_truncate},   {"abort", requests, &read_abort},
      {"reset", requests, &read_reset},         {"hang", requests, &read_hang},
      {"blackhole", requests, &read_blackhole},
  };
  static const ToggleKinds http = [] {
    ToggleKinds kinds{{"error-rate", requests, &read_error_rate}, {"rate-limit", requests, &read_rate_limit}};
    kinds.insert(kinds.end(), tcp.begin(), tcp.end());
    return kinds;
  }();
  return scheme == UpstreamAddress::Scheme::http ? http : tcp;
}

}  // namespace obsctl::stacks
