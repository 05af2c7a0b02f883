// The faults of [chaos]: the same for the same seed, within the budget, one after the other.
#include "scenarios/chaos.hpp"

#include "tests/support/catch.hpp"

using namespace obsctl;
using namespace obsctl::scenarios;
using namespace std::chrono_literals;

namespace {

Chaos chaos() {
  Chaos result;
  result.budget = 5min;
  result.longest = 30s;
  result.gap = 10s;
  result.kinds = {"error-rate", "latency", "kill"};
  result.targets = {"api", "worker"};
  return result;
}

std::string text_of(const std::vector<FaultSpec>& faults) {
  std::string text;
  for (const FaultSpec& fault : faults)
    text += fault.name + ": " + fault.description + " for " + core::format_duration(fault.stop_after) + "\n";
  return text;
}

}  // namespace

TEST_CASE("a seed draws the same faults again, another one draws others") {
  const std::string first = text_of(draw_faults(chaos(), 42, {}).value());
  CHECK(text_of(draw_faults(chaos(), 42, {}).value()) == first);
  CHECK(text_of(draw_faults(chaos(), 43, {}).value()) != first);
}

TEST_CASE("drawn faults follow each other and stay within the budget") {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    CAPTURE(seed);
    const auto faults = draw_faults(chaos(), seed, {}).value();
    REQUIRE_FALSE(faults.empty());
    Nanoseconds used{};
    for (std::size_t i = 0; i < faults.size(); ++i) {
      const FaultSpec& fault = faults[i];
      CHECK(fault.stop_after >= 7500ms - 100ms);
      CHECK(fault.stop_after <= 30s);
      CHECK(fault.max_duration == 2 * fault.stop_after);
      CHECK(fault.stop == StopWhen::after);
      used += fault.stop_after;
      if (i == 0) {
        CHECK_FALSE(fault.after);
        continue;
      }
      used += 10s;
      REQUIRE(fault.after);
      CHECK(fault.after->name == faults[i - 1].name);
      CHECK(fault.after->what == After::What::fault_gone);
      CHECK(fault.start == 10s);
    }
    CHECK(used <= 5min);
    // Another one of the longest kind would not have fitted.
    CHECK(used + 40s > 5min);
  }
}

TEST_CASE("a drawn fault on a target without load is left to the target to confirm") {
  Chaos only_errors = chaos();
  only_errors.kinds = {"error-rate"};
  Load load;
  load.target = "api";
  for (const FaultSpec& fault : draw_faults(only_errors, 3, {load}).value())
    CHECK(fault.effect.shows_in_load() == (fault.target == "api"));
}

TEST_CASE("a budget that no fault goes into is refused") {
  Chaos small = chaos();
  small.budget = 1s;
  const auto drawn = draw_faults(small, 1, {});
  REQUIRE_FALSE(drawn);
  CHECK(to_string(drawn.error()) ==
        "[chaos]: no fault goes into the budget of 1s\n  hint: make budget longer, or longest shorter");
}
