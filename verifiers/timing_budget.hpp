// How long every stage of an alert should take, from the rule and the intervals around it. The formulas and
// their derivation are in docs/explanation/alert-timing.md.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/duration.hpp"
#include "core/error.hpp"
#include "verifiers/rule_shape.hpp"

namespace obsctl::verifiers {

using core::Result;

/// The intervals that count for one rule. Letters as in the formulas.
struct RuleTiming {
  Nanoseconds scrape_interval{};      ///< S, positive
  Nanoseconds evaluation_interval{};  ///< E, positive
  Nanoseconds hold{};                 ///< F, `for`
  Nanoseconds keep_firing_for{};      ///< K
  Nanoseconds query_offset{};         ///< q
  Nanoseconds group_wait{};           ///< G
  Nanoseconds group_interval{};       ///< GI
  /// How long the scrape of a target that hangs takes to fail; counts for instant conditions only. 0 where
  /// the target refuses at once.
  Nanoseconds scrape_timeout{};
};

/// What the fault does to the quantity that the rule looks at: the ratio itself, or for a quantile the
/// fraction of requests slower than the threshold. Of no meaning for instant conditions.
struct FaultStep {
  double before = 0;                  ///< e0
  std::optional<double> during = {};  ///< e1, where it is known
};

struct StageWindow {
  /// "No bound": of a rule whose latest time cannot be derived.
  static constexpr Nanoseconds kUnbounded = Nanoseconds::max();

  Nanoseconds earliest{};
  Nanoseconds latest{};
  /// Wider than it would have to be, or resting on an assumption: see Budget::remarks.
  bool loose = false;
  std::string derivation = {};  ///< of `latest`: "θ·C_hi + S + E = 0.167·1m + 5s + 5s"

  bool bounded() const { return latest != kUnbounded; }
  bool contains(Nanoseconds measured) const { return measured >= earliest && measured <= latest; }
};

/// Pending, firing and notified count from the injection; inactive and resolved from the removal.
struct Budget {
  StageWindow pending;
  StageWindow firing;
  StageWindow notified;                 ///< the alert opens a new group
  StageWindow notified_existing_group;  ///< its group has notified before
  StageWindow inactive;
  StageWindow resolved;
  /// A fault shorter than this may end before the notification is out (of a new group). kUnbounded where it
  /// is not known.
  Nanoseconds shortest_fault{};
  /// θ: how much of the window the fault has to fill. Of a ratio or quantile whose step is known.
  std::optional<double> fill;
  /// Why bounds are loose, for people; no full stops.
  std::vector<std::string> remarks;
};

/// `slack` is ε: network, scheduling, and the scrape itself. Errors: usage, when the fault cannot trip the
/// rule or the intervals cannot work together, with the reason.
Result<Budget> derive_budget(const RuleShape& shape, const RuleTiming& timing, const FaultStep& fault,
                             Nanoseconds slack);

}  // namespace obsctl::verifiers
