// A fraction of the requests of some routes: exact for each route by itself, hence for all of them together.
#pragma once

#include <utility>
#include <vector>

#include "stacks/services/fraction.hpp"
#include "stacks/services/routes.hpp"

namespace obsctl::stacks {

class RouteFractions {
 public:
  RouteFractions(double fraction, RouteSet routes, std::uint64_t seed)
      : fraction_(fraction), routes_(std::move(routes)) {
    SplitMix64 seeds(seed);
    for (std::size_t i = 0; i < routes_.size(); ++i) sequences_.emplace_back(fraction, seeds.next());
  }

  /// Whether the next request of `route` is one of the fraction; never for a route that is not in the set.
  bool next(RouteId route) {
    const auto index = static_cast<std::size_t>(route);
    return routes_[index] && sequences_[index].next();
  }
  double fraction() const { return fraction_; }
  const RouteSet& routes() const { return routes_; }

 private:
  const double fraction_;
  const RouteSet routes_;
  std::vector<ExactFraction> sequences_;
};

}  // namespace obsctl::stacks
