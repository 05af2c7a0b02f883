// What a toggle does while it is on. A new kind of fault is one file: a class derived from Fault, a function
// that reads its fields, and a line in toggle_kinds.cpp.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "core/duration.hpp"
#include "stacks/services/field_reader.hpp"
#include "stacks/services/routes.hpp"

namespace obsctl::stacks {

/// What the toggles that are on have decided for one request. Delays add up; the first status wins.
struct FaultPlan {
  core::Nanoseconds delay{};
  /// Answered instead of what the route would have; 0: nothing is.
  int status = 0;
  /// Bit i: kind i of toggle_kinds() affects the request.
  std::uint32_t kinds = 0;
};

/// What /readyz says.
struct Readiness {
  struct Dependency {
    std::string_view name;
    bool up = true;
  };
  bool ready = true;  ///< of the service itself; the dependencies come on top
  std::vector<Dependency> dependencies;

  bool all() const;
};

/// What a fault may know of its surroundings.
struct FaultContext {
  const std::vector<std::string>& dependencies;
  core::Nanoseconds longest_delay;
  std::uint64_t seed;
};

class Fault {
 public:
  virtual ~Fault() = default;
  /// Adds the fault's parameters to the toggle's state.
  virtual void describe(nlohmann::ordered_json& state) const = 0;
  /// Decides for one request of a route that may be faulted. True: the request is affected.
  virtual bool affect_request(RouteId, FaultPlan&) { return false; }
  /// True: something that /readyz reports is taken away.
  virtual bool affect_readiness(Readiness&) const { return false; }
  /// The statuses that it makes requests of `route` end with, so that their counters exist before the first
  /// one.
  virtual std::vector<int> statuses(RouteId) const { return {}; }
};

/// The members `routes` of the states of toggles that have it: the routes' labels.
nlohmann::ordered_json labels_of(const RouteSet& set);

}  // namespace obsctl::stacks
