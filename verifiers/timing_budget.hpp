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

/// The intervals that count for one rule. Letters as in the formulas.
struct RuleTiming {
  Nanoseconds scrape_interval{};      ///< S
  Nanoseconds evaluation_interval{};  ///< E, positive
  Nanoseconds hold{};                 ///< F, `for`
  Nanoseconds keep_firing_for{};      ///< K
  Nanoseconds query_offset{};         ///< q
  Nanoseconds group_wait{};           ///< G
  Nanoseconds group_interval{};       ///< GI
  /// How long a scrape of a target that hangs takes to fail; counts for instant conditions only.
  Nanoseconds scrape_timeout{};
};

/// What the fault does to the quantity that the rule looks at: the error ratio, or for a quantile the
/// fraction of requests slower than the threshold.
struct FaultStep {
  double before = 0;             ///< e0
  std::optional<double> during;  ///< e1, where it is known
};

struct StageWindow {
  Nanoseconds earliest{};
  Nanoseconds latest{};
  bool loose = false;
  std::string derivation;  ///< "θ·C_hi + S + E = 0.17·60s + 5s + 5s"

  bool operator==(const StageWindow&) const = default;
};

/// Pending, firing and notified count from the injection; inactive and resolved from the removal.
struct Budget {
  StageWindow pending;
  StageWindow firing;
  StageWindow notified;                 ///< the alert opens a new group
  StageWindow notified_existing_group;  ///< its group has notified before
  StageWindow inactive;
  StageWindow resolved;
  /// A fault shorter than this may end before the notification is out.
  Nanoseconds shortest_fault{};
  /// θ, where the rule is a ratio whose step is known.
  std::optional<double> fill;
  std::vector<std::string> remarks;
};

/// `slack` is ε: network, scheduling, and the scrape itself. Errors: usage, when the fault cannot trip the
/// rule or the intervals cannot work together, with the reason.
Result<Budget> derive_budget(const RuleShape& shape, const RuleTiming& timing, const FaultStep& fault,
                             Nanoseconds slack);

}  // namespace obsctl::verifiers
