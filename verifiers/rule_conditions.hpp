// The comparisons that an alerting rule is made of, as texts that Prometheus can be asked for: so that a
// report can draw what the rule looked at beside the limit that it had to pass.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace obsctl::verifiers {

/// A comparison of something with a number.
struct RuleCondition {
  std::string quantity;   ///< PromQL, as the rule has it: `rate(bad[1m]) / rate(all[1m])`
  std::string operation;  ///< `>`, `<=`, …; turned round where the rule has the number on the left
  double bound = 0;
};

/// The comparisons that `query` is made of, joined by and, or, unless, in the order in which they stand
/// there. Empty where it is made of anything else, and for what is no PromQL.
std::vector<RuleCondition> conditions_of(std::string_view query);

}  // namespace obsctl::verifiers
