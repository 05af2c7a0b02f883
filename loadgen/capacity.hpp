// The search for the highest rate that a target bears: doubling until a condition holds, then halving the
// interval.
#pragma once

#include <functional>
#include <vector>

#include "core/error.hpp"
#include "loadgen/statistics.hpp"

namespace obsctl::loadgen {

/// One rate that was tried.
struct CapacityPoint {
  double asked = 0;  ///< per second
  double achieved = 0;
  double error_ratio = 0;
  Quantiles response_time;
  bool good = false;
  bool generator_limited = false;
};

struct Capacity {
  double knee = 0;  ///< the highest rate that was good; 0: none was
  bool upper_bound_found =
      false;  ///< false: the search ended at its highest rate, or at the generator's own limit
  std::vector<CapacityPoint> curve;  ///< by rate
};

struct CapacityLimits {
  double first = 100;  ///< per second
  double highest = 200'000;
  double precision = 0.05;  ///< the search ends when the interval is this share of its lower end
};

/// Runs a load at a rate and says how it went. Errors end the search.
using Probe = std::function<core::Result<CapacityPoint>(double rate)>;

core::Result<Capacity> find_capacity(const CapacityLimits& limits, const Probe& probe);

}  // namespace obsctl::loadgen
