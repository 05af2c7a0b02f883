// Which toggles are on, what they do to a request, and when they go off by themselves. Knows neither the
// sample service nor the proxy: each says which kinds it offers. Used on one thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "core/clock.hpp"
#include "stacks/services/fault.hpp"
#include "stacks/services/fraction.hpp"
#include "stacks/services/toggle_kinds.hpp"

namespace obsctl::stacks {

struct ToggleBoardOptions {
  /// Of a toggle that is set without `ttl`, and the longest that may be asked for.
  core::Nanoseconds ttl_default = std::chrono::minutes(5);
  core::Nanoseconds ttl_max = std::chrono::hours(1);
  core::Nanoseconds longest_delay = std::chrono::seconds(30);
  /// The names of the routes that may be faulted; empty: they are not known beforehand, and names are paths.
  std::vector<std::string> routes = {};
  std::vector<std::string> dependencies = {};
  /// Writes a line, with its line end, of the program's log; from any thread.
  std::function<void(std::string_view line)> log_line = {};
  std::uint64_t seed = 1;
  /// Told the number of a kind that has been set (anew) or has gone off, however it did.
  std::function<void(std::size_t kind)> changed = {};
};

class ToggleBoard {
 public:
  /// `kinds` and `clock` outlive the board.
  ToggleBoard(const ToggleKinds& kinds, ToggleBoardOptions options, const core::Clock& clock);
  ~ToggleBoard();

  const ToggleKinds& kinds() const { return kinds_; }
  /// The number of a kind.
  std::optional<std::size_t> find(std::string_view name) const;
  bool on(std::size_t kind) const { return active_[kind].has_value(); }
  /// How long it will stay on; 0 when it is off.
  core::Nanoseconds left(std::size_t kind) const;

  /// Switches a toggle on, or over to new values. On errors (all of them) it stays as it was.
  std::vector<FieldError> set(std::size_t kind, const nlohmann::json& object);
  /// Switches it off; false: it was off.
  bool clear(std::size_t kind);
  /// Switches off what has outlived its TTL; the names of what it was. Cheap when nothing is on.
  std::vector<std::string_view> expire();
  bool quiet() const { return on_ == 0; }

  /// {"name": …, "active": true, its parameters, "ttl", "set_at", "expires_at", "affected"}; off: the first
  /// two.
  nlohmann::ordered_json state(std::size_t kind) const;
  /// Decides for one request by the name of its route: its label where the routes are known, else its path
  /// (RoutePatterns). A new decision each time, of the kinds in the mask `among` (see FaultPlan::kinds).
  FaultPlan plan(std::string_view route, std::uint32_t among = ~std::uint32_t{0});
  /// Decides for one call of a dependency; `kinds` gets the toggles that affect it too.
  DependencyCall call(std::string_view dependency, std::uint32_t& kinds);
  /// `kinds` gets the toggles that take something away, as in FaultPlan.
  Readiness readiness(std::uint32_t& kinds) const;
  /// A readiness answer that was affected by `kinds` has been given.
  void note_affected(std::uint32_t kinds);
  /// The statuses that requests of a route may end with because of a toggle.
  std::vector<int> statuses(std::size_t kind, std::string_view route) const;

 private:
  struct Active {
    std::unique_ptr<Fault> fault;
    core::Nanoseconds ttl{};
    core::WallTime set_at;
    core::SteadyTime expires;
    std::uint64_t affected = 0;
  };

  bool put_off(std::size_t kind);

  const ToggleKinds& kinds_;
  const ToggleBoardOptions options_;
  const core::Clock& clock_;
  SplitMix64 seeds_;  ///< a new sequence each time a toggle is set, the same for the same seed
  std::vector<std::optional<Active>> active_;
  std::size_t on_ = 0;
};

}  // namespace obsctl::stacks
