#include "stacks/services/toggle_kinds.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>

namespace obsctl::stacks {

const std::vector<ToggleKind>& toggle_kinds() {
  using enum ToggleKind::Affects;
  static const std::vector<ToggleKind> kinds{
      {"error-rate", requests, &read_error_rate},
      {"latency", requests, &read_latency},
      {"readiness", readiness, &read_readiness},
  };
  return kinds;
}

bool Readiness::all() const {
  return ready &&
         std::all_of(dependencies.begin(), dependencies.end(), [](const Dependency& one) { return one.up; });
}

nlohmann::ordered_json labels_of(const RouteSet& set) {
  auto labels = nlohmann::ordered_json::array();
  for (std::size_t i = 0; i < set.size(); ++i) {
    if (set[i]) labels.push_back(routes()[i].label);
  }
  return labels;
}

}  // namespace obsctl::stacks
