#include "verifiers/bounds.hpp"

#include <cmath>
#include <string_view>
#include <vector>

#include <fmt/format.h>

namespace obsctl::verifiers {

bool Bounds::hold_for(double value) const {
  if (std::isnan(value)) return false;
  return (!below || value < *below) && (!at_most || value <= *at_most) && (!above || value > *above) &&
         (!at_least || value >= *at_least) && (!equals || value == *equals);
}

std::string Bounds::text() const {
  std::vector<std::string> parts;
  const auto add = [&](const std::optional<double>& bound, std::string_view words) {
    if (bound) parts.push_back(fmt::format("{} {}", words, *bound));
  };
  add(at_least, "at least");
  add(above, "above");
  add(at_most, "at most");
  add(below, "below");
  add(equals, "equal to");
  return fmt::format("{}", fmt::join(parts, " and "));
}

}  // namespace obsctl::verifiers
