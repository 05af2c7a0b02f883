// The capacity search.
#include "loadgen/capacity.hpp"

#include <algorithm>

namespace obsctl::loadgen {

core::Result<Capacity> find_capacity(const CapacityLimits& limits, const Probe& probe) {
  Capacity result;
  double good = 0;
  double bad = 0;
  double rate = limits.first;
  const auto measure = [&](double at) -> core::Result<bool> {
    auto point = probe(at);
    if (!point) return point.error();
    result.curve.push_back(*point);
    return point->good;
  };
  while (true) {
    const auto is_good = measure(rate);
    if (!is_good) return is_good.error();
    if (result.curve.back().generator_limited) break;
    (*is_good ? good : bad) = rate;
    if (bad == 0) {
      if (rate >= limits.highest) break;
      rate = std::min(limits.highest, rate * 2);
      continue;
    }
    result.upper_bound_found = true;
    if (good == 0) {
      if (rate < limits.first / 64) break;  // it bears next to nothing
      rate /= 2;
      continue;
    }
    if (bad - good <= limits.precision * good) break;
    rate = (good + bad) / 2;
  }
  result.knee = good;
  std::sort(result.curve.begin(), result.curve.end(),
            [](const CapacityPoint& a, const CapacityPoint& b) { return a.asked < b.asked; });
  return result;
}

}  // namespace obsctl::loadgen
