#include "stacks/services/route_patterns.hpp"

#include <algorithm>

#include "core/text.hpp"

namespace obsctl::stacks {

std::optional<std::size_t> RoutePatterns::match(std::string_view name) const {
  const auto found = std::find_if(texts_.begin(), texts_.end(), [name](const std::string& pattern) {
    return core::glob_matches(pattern, name);
  });
  if (found == texts_.end()) return std::nullopt;
  return static_cast<std::size_t>(found - texts_.begin());
}

}  // namespace obsctl::stacks
