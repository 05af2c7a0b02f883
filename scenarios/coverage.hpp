// Which of the loaded alerting rules has ever been proven to reach which receiver, by the journals of earlier
// runs.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "scenarios/journal.hpp"
#include "scenarios/situation.hpp"

namespace obsctl::scenarios {

/// A run in which a rule's notification came, and everything else that was expected of it.
struct Proof {
  std::string run;       ///< its id
  std::string at;        ///< when it ended, RFC 3339
  std::string scenario;  ///< its id
  double time_scale = 1;
  std::string rule_sha256;  ///< of the rule as it was loaded then
};

/// One rule and one receiver that Alertmanager's routes lead it to.
struct CoverageRow {
  enum class State {
    proven,
    stale,  ///< proven, but the rule has changed since
    never,
  };

  std::string group;
  std::string alert;
  std::string receiver;     ///< Alertmanager's name; empty: no Alertmanager is known
  std::string rule_sha256;  ///< of the rule as it is loaded now
  State state = State::never;
  std::optional<Proof> proof;  ///< the newest of this rule as it is, or else of an earlier one
};
std::string_view to_string(CoverageRow::State state);

struct Coverage {
  std::vector<CoverageRow> rows;  ///< in the order of groups, rules and receivers

  std::size_t count(CoverageRow::State state) const;
  /// The part that is proven, from 0 to 1; 1 where there is no rule.
  double ratio() const;
};

/// SHA-256 of what decides when an alerting rule fires and where it goes: name, expression, for,
/// keep_firing_for and labels. Annotations, comments and its place in a file do not count.
std::string rule_checksum(const verifiers::Rule& rule);

/// `journals` are journal documents (docs/reference/journal.md) in any order. A run counts that ended passed
/// or failed; of it, every rule × receiver whose firing notification came and of which nothing else that was
/// expected failed. Runs in a scaled stack prove the rule that, scaled alike, is the one of the journal;
/// `time_scale` is that of the stack that `situation` was seen in. Receivers are those of the routes that a
/// rule's own labels lead to. Pure.
Coverage cover(const Situation& situation, double time_scale, const std::vector<Json>& journals);

}  // namespace obsctl::scenarios
