// libFuzzer target for rules: whatever the expression is, recognising it ends, and a budget that is derived
// from it is in order. Build and run: make fuzz.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "verifiers/rule_shape.hpp"
#include "verifiers/timing_budget.hpp"

using namespace obsctl::verifiers;
using namespace std::chrono_literals;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view query(reinterpret_cast<const char*>(data), size);
  const RuleShape shape = with_buckets(
      recognise_rule(query, {{"job:ratio", {"sum(rate(e[1m])) / sum(rate(a[1m]))", 5s}}}), {0.1, 0.25, 1});
  if (shape.loose && shape.remark.empty()) std::abort();
  RuleTiming timing;
  timing.scrape_interval = timing.evaluation_interval = 5s;
  timing.hold = 30s;
  timing.group_interval = 1min;
  const auto budget = derive_budget(shape, timing, {0, 0.5}, 1s);
  if (!budget) return 0;
  for (const StageWindow& stage : {budget->pending, budget->firing, budget->notified,
                                   budget->notified_existing_group, budget->inactive, budget->resolved}) {
    if (stage.earliest < 0s || stage.latest < stage.earliest) std::abort();
  }
  return 0;
}
