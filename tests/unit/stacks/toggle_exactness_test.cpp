// That a fraction is that fraction, a distribution that distribution, and a combination what the theory of
// probability says of it: over 100 000 decisions each, from fixed seeds.
#include <algorithm>
#include <cmath>
#include <functional>
#include <map>

#include <nlohmann/json.hpp>

#include "stacks/services/toggle_board.hpp"
#include "tests/support/catch.hpp"

using namespace std::chrono_literals;
using namespace obsctl::stacks;
using nlohmann::json;
using obsctl::core::ManualClock;
using obsctl::core::to_seconds;

namespace {

constexpr int kDecisions = 100'000;

const ToggleKinds& kinds() {
  using enum ToggleKind::Affects;
  static const ToggleKinds all{{"error-rate", requests, &read_error_rate},
                               {"latency", requests, &read_latency},
                               {"more-latency", requests, &read_latency},
                               {"abort", requests, &read_abort}};
  return all;
}

struct Bench {
  ManualClock clock;
  ToggleBoard board{kinds(), {.routes = {"/a", "/b"}, .seed = 7}, clock};

  void set(std::string_view name, const json& body) {
    REQUIRE(board.set(board.find(name).value(), body) == std::vector<FieldError>{});
  }
};

/// The binomial standard deviation of the number of hits.
double sigma(double fraction, int n = kDecisions) {
  return std::sqrt(n * fraction * (1 - fraction));
}

using Cdf = std::function<double(double seconds)>;

/// The largest distance between what has been drawn and the theory; both may have steps.
double distance(std::vector<double> drawn, const Cdf& cdf) {
  constexpr double just_before = 0.4e-9;  // draws are whole nanoseconds
  std::sort(drawn.begin(), drawn.end());
  const auto n = static_cast<double>(drawn.size());
  double largest = 0;
  for (std::size_t i = 0; i < drawn.size();) {
    std::size_t end = i;
    while (end < drawn.size() && drawn[end] == drawn[i]) ++end;
    largest = std::max({largest, std::abs(static_cast<double>(end) / n - cdf(drawn[i])),
                        std::abs(static_cast<double>(i) / n - cdf(drawn[i] - just_before))});
    i = end;
  }
  return largest;
}

/// Kolmogorov and Smirnov's bound at the 0.1 % level.
const double kBound = 1.95 / std::sqrt(static_cast<double>(kDecisions));

double standard_normal(double z) {
  return 0.5 * std::erfc(-z / std::sqrt(2.0));
}

Cdf normal(double mean, double stddev, double max = 30) {
  return [=](double x) { return x < 0 ? 0 : x >= max - 0.2e-9 ? 1 : standard_normal((x - mean) / stddev); };
}

std::vector<double> delays_of(const json& body) {
  Bench bench;
  bench.set("latency", body);
  std::vector<double> drawn;
  for (int i = 0; i < kDecisions; ++i) drawn.push_back(to_seconds(bench.board.plan("/a").delay));
  return drawn;
}

}  // namespace

TEST_CASE("a fraction is within three binomial standard deviations, of all requests and of each route") {
  const double fraction = GENERATE(0.001, 0.005, 0.01, 0.05, 0.1, 0.3, 0.5, 0.9, 0.999, 1.0);
  const std::string toggle = GENERATE("error-rate", "abort");
  CAPTURE(fraction, toggle);
  Bench bench;
  bench.set(toggle, {{"rate", fraction}});
  std::map<std::string_view, int> hits;
  for (int i = 0; i < kDecisions; ++i) {
    const std::string_view route = i % 4 == 0 ? "/b" : "/a";  // three of four to one
    if (bench.board.plan(route).ending != Ending::answer) ++hits[route];
  }
  CHECK(std::abs(hits["/a"] + hits["/b"] - kDecisions * fraction) <= 3 * sigma(fraction));
  CHECK(std::abs(hits["/a"] - 0.75 * kDecisions * fraction) <= 3 * sigma(fraction, kDecisions * 3 / 4));
  CHECK(std::abs(hits["/b"] - 0.25 * kDecisions * fraction) <= 3 * sigma(fraction, kDecisions / 4));
  // Blocks keep it far closer than chance does: to what one unfinished block for each route can be off.
  CHECK(std::abs(hits["/a"] + hits["/b"] - kDecisions * fraction) < 16);
}

TEST_CASE("every latency distribution is the one that was asked for") {
  struct Case {
    const char* body;
    Cdf cdf;
  };
  const auto one = GENERATE(values<Case>({
      {R"({"delay":"100ms","jitter":"40ms"})",
       [](double x) { return std::clamp((x - 0.06) / 0.08, 0.0, 1.0); }},
      {R"({"distribution":"constant","delay":"100ms"})", [](double x) { return x < 0.1 - 0.2e-9 ? 0 : 1; }},
      {R"({"distribution":"normal","mean":"100ms","stddev":"20ms"})", normal(0.1, 0.02)},
      // A tail at either end that is cut off, and so two steps.
      {R"({"distribution":"normal","mean":"10ms","stddev":"10ms","max":"25ms"})", normal(0.01, 0.01, 0.025)},
      {R"({"distribution":"exponential","mean":"50ms"})",
       [](double x) { return x < 0 ? 0 : 1 - std::exp(-x / 0.05); }},
      {R"({"distribution":"lognormal","p50":"100ms","p99":"1s"})",
       [](double x) {
         return x <= 0    ? 0
                : x >= 30 ? 1
                          : standard_normal(std::log(x / 0.1) / (std::log(10) / 2.3263478740408408));
       }},
  }));
  CAPTURE(one.body);
  const std::vector<double> drawn = delays_of(json::parse(one.body));
  CHECK(distance(drawn, one.cdf) < kBound);
  // The same test notices 2 % more of everything.
  CHECK(distance(drawn, [&](double x) { return one.cdf(x / 1.02); }) > kBound);
}

TEST_CASE("a lognormal latency has the percentiles that it was given") {
  std::vector<double> drawn = delays_of({{"distribution", "lognormal"}, {"p50", "20ms"}, {"p99", "500ms"}});
  std::sort(drawn.begin(), drawn.end());
  CHECK(std::abs(drawn[kDecisions / 2] - 0.02) < 0.0006);
  CHECK(std::abs(drawn[kDecisions / 100 * 99] - 0.5) < 0.04);
}

TEST_CASE("toggles decide independently, and the harder one prevails where they meet") {
  Bench bench;
  bench.set("error-rate", {{"rate", 0.3}});
  bench.set("abort", {{"rate", 0.2}});
  std::map<Ending, int> endings;
  int both = 0;
  for (int i = 0; i < kDecisions; ++i) {
    const FaultPlan plan = bench.board.plan("/a");
    ++endings[plan.ending];
    if (plan.kinds == 0b1001) ++both;
  }
  // Union 1 - 0.7 · 0.8, the aborts whole, the statuses without those that were aborted.
  CHECK(std::abs(kDecisions - endings[Ending::answer] - 0.44 * kDecisions) <= 3 * sigma(0.44));
  CHECK(std::abs(endings[Ending::abort] - 0.2 * kDecisions) <= 3 * sigma(0.2));
  CHECK(std::abs(endings[Ending::status] - 0.24 * kDecisions) <= 3 * sigma(0.24));
  CHECK(std::abs(both - 0.06 * kDecisions) <= 3 * sigma(0.06));
}

TEST_CASE("delays of several toggles add up, request by request") {
  Bench bench;
  bench.set("latency", {{"distribution", "normal"}, {"mean", "100ms"}, {"stddev", "3ms"}});
  bench.set("more-latency", {{"distribution", "normal"}, {"mean", "200ms"}, {"stddev", "4ms"}});
  std::vector<double> drawn;
  for (int i = 0; i < kDecisions; ++i) drawn.push_back(to_seconds(bench.board.plan("/a").delay));
  CHECK(distance(drawn, normal(0.3, 0.005)) < kBound);  // of independent ones: √(3² + 4²)
}

TEST_CASE("the same seed decides the same") {
  const auto decisions = [] {
    Bench bench;
    bench.set("error-rate", {{"rate", 0.5}});
    bench.set("latency", {{"distribution", "exponential"}, {"mean", "1ms"}});
    std::vector<std::pair<int, std::int64_t>> all;
    for (int i = 0; i < 1000; ++i) {
      const FaultPlan plan = bench.board.plan(i % 2 == 0 ? "/a" : "/b");
      all.emplace_back(plan.status, plan.delay.count());
    }
    return all;
  };
  CHECK(decisions() == decisions());
}
