// A fraction of the requests that a toggle is about: exact for each of its patterns by itself, hence for all
// of them together. Where the routes are known, a pattern is a route.
#pragma once

#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "stacks/services/fault.hpp"
#include "stacks/services/field_reader.hpp"
#include "stacks/services/fraction.hpp"
#include "stacks/services/route_patterns.hpp"

namespace obsctl::stacks {

class RequestFraction {
 public:
  RequestFraction(double fraction, RoutePatterns routes, std::uint64_t seed)
      : fraction_(fraction), routes_(std::move(routes)) {
    SplitMix64 seeds(seed);
    for (std::size_t i = 0; i < routes_.texts().size(); ++i) sequences_.emplace_back(fraction, seeds.next());
  }
  /// From the fields `rate` (required without a default) and `routes`.
  static RequestFraction read(FieldReader& fields, const FaultContext& context,
                              std::optional<double> default_rate) {
    const double rate = fields.number("rate", 0, 1, default_rate);
    return {rate, fields.routes("routes", context.routes), context.seed};
  }

  /// Whether the next request of this name is one of the fraction; never for one that no pattern matches.
  bool next(std::string_view route) {
    const auto pattern = routes_.match(route);
    return pattern && sequences_[*pattern].next();
  }
  double fraction() const { return fraction_; }
  const RoutePatterns& routes() const { return routes_; }
  bool about(std::string_view route) const { return routes_.match(route).has_value(); }
  void describe(nlohmann::ordered_json& state) const {
    state["rate"] = fraction_;
    state["routes"] = routes_.texts();
  }

 private:
  const double fraction_;
  const RoutePatterns routes_;
  std::vector<ExactFraction> sequences_;
};

}  // namespace obsctl::stacks
