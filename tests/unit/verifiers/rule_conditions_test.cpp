// What a rule looks at and the limits that it has, taken from its text.
#include "verifiers/rule_conditions.hpp"

#include <fmt/format.h>

#include "tests/support/catch.hpp"

using obsctl::verifiers::conditions_of;
using obsctl::verifiers::RuleCondition;

namespace {

using Texts = std::vector<std::string>;

struct Row {
  std::string query;
  Texts conditions;
};

Texts texts_of(const std::vector<RuleCondition>& conditions) {
  Texts texts;
  for (const RuleCondition& one : conditions)
    texts.push_back(fmt::format("{} {} {:g}", one.quantity, one.operation, one.bound));
  return texts;
}

}  // namespace

TEST_CASE("a rule is taken apart into its comparisons with numbers, as they stand there") {
  const Row row = GENERATE(values<Row>({
      {"up == 0", {"up == 0"}},
      {"rate(bad[1m]) / rate(all[1m]) > 0.05", {"rate(bad[1m]) / rate(all[1m]) > 0.05"}},
      {"( ( up{job=\"a\"} ) == 0 )", {"( up{job=\"a\"} ) == 0"}},
      {"0.05 < ratio", {"ratio > 0.05"}},
      {"1 >= up", {"up <= 1"}},
      {"0 == up", {"up == 0"}},
      {"a > 5 * 60", {"a > 300"}},
      {"a > 1 < 3", {"a > 1 < 3"}},
      {"sum by (le) (a{x=\"(> 1\"}) >= 2 # > 3", {"sum by (le) (a{x=\"(> 1\"}) >= 2"}},
      {"a > 1 and b < 2", {"a > 1", "b < 2"}},
      {"a > 1 and on (job) (b < 2 or c != 3)", {"a > 1", "b < 2", "c != 3"}},
      {"a > 1 AND ignoring(x) group_left() b", {"a > 1"}},
      {"(a > 1) * 2", {}},
      {"a > b", {}},
      {"a > bool 1", {}},
      {"absent(up)", {}},
      {"max_over_time((a > 1)[5m:])", {}},
      {"vector(1)", {}},
      {"a >", {}},
      {"", {}},
  }));
  CAPTURE(row.query);
  CHECK(texts_of(conditions_of(row.query)) == row.conditions);
}
