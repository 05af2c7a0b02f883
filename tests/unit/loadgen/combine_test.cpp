// Merging, comparing and searching, on made-up results.
#include "loadgen/combine.hpp"

#include <random>
#include <tuple>

#include "loadgen/capacity.hpp"
#include "tests/support/catch.hpp"

using namespace std::chrono_literals;
using namespace obsctl::loadgen;

namespace {

Summary result_of(std::int64_t stripe, std::int64_t stripes) {
  Summary summary;
  summary.target = "http://127.0.0.1:1/";
  summary.arrivals = "constant 100/s";
  summary.stripe_index = stripe;
  summary.stripe_count = stripes;
  summary.started_at = obsctl::core::WallTime(1000s);
  summary.elapsed = 10s;
  summary.counts.scheduled = summary.counts.sent = summary.counts.ok = 500;
  summary.asked_rate = summary.achieved_rate = 50;
  for (int i = 0; i < 500; ++i) summary.response_time.record(std::chrono::milliseconds(i + 1000 * stripe));
  return summary;
}

/// 20 windows around a p99, with noise from the seed.
Summary noisy(double p99_ms, unsigned seed) {
  Summary summary = result_of(0, 1);
  std::mt19937 random(seed);
  std::normal_distribution<double> noise(p99_ms, p99_ms * 0.05);
  summary.response_time = Histogram();
  summary.response_time.record(std::chrono::microseconds(static_cast<std::int64_t>(p99_ms * 1000)), 1000);
  for (int i = 0; i < 20; ++i) {
    Window window;
    window.index = i;
    window.length = 1s;
    window.counts.sent = window.counts.ok = 50;
    window.p50 = window.p95 = window.p99 =
        std::chrono::microseconds(static_cast<std::int64_t>(noise(random) * 1000));
    summary.windows.push_back(window);
  }
  return summary;
}

}  // namespace

TEST_CASE("stripes add up exactly") {
  const auto sum = merge({result_of(0, 2), result_of(1, 2)});
  REQUIRE(sum);
  CHECK(sum->counts.ok == 1000);
  CHECK(sum->asked_rate == 100);
  CHECK(sum->response_time.count() == 1000);
  CHECK(sum->stripe_count == 1);
  Histogram expected = result_of(0, 2).response_time;
  REQUIRE(expected.add(result_of(1, 2).response_time));
  CHECK(sum->response_time == expected);
}

TEST_CASE("results that cannot be added are refused with the reason") {
  Summary first = result_of(0, 2);
  Summary second = result_of(1, 2);
  std::string why;
  SECTION("target") {
    second.target = "http://other/";
    why = "one loaded http://127.0.0.1:1/, another http://other/";
  }
  SECTION("loop") {
    second.closed_loop = true;
    why = "one is a closed loop, another is not";
  }
  SECTION("twice") {
    second = first;
    why = "stripe 1/2 is there twice";
  }
  SECTION("stripes") {
    second.stripe_count = 3;
    why = "one took one of 2 stripes, another one of 3";
  }
  SECTION("schedule") {
    second.arrivals = "constant 7/s";
    why = "they are stripes of different schedules";
  }
  SECTION("time") {
    second.started_at += 1h;
    why = "they did not run at the same time";
  }
  const auto sum = merge({first, second});
  REQUIRE(!sum);
  CHECK(sum.error().message == "these results cannot be added: " + why);
}

TEST_CASE("the U test tells shifted samples apart and equal ones not") {
  const std::vector<double> a = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
  const std::vector<double> b = {11, 12, 13, 14, 15, 16, 17, 18, 19, 20};
  CHECK(mann_whitney(a, a) > 0.9);
  CHECK(mann_whitney(a, b) == Approx(0.000183).epsilon(0.05));  // R: wilcox.test(a, b, exact = FALSE)
  CHECK(mann_whitney(a, b) == mann_whitney(b, a));
  CHECK(mann_whitney({5, 5, 5}, {5, 5, 5}) == 1);
}

TEST_CASE("a comparison sees a real change and not the noise") {
  const unsigned seed = GENERATE(1u, 2u, 3u, 4u, 5u);
  CHECK(compare(noisy(10, seed), noisy(10, seed + 100), 0.05).verdict == Change::same);
  CHECK(compare(noisy(10, seed), noisy(12, seed + 100), 0.05).verdict == Change::worse);
  CHECK(compare(noisy(12, seed), noisy(10, seed + 100), 0.05).verdict == Change::better);
  CHECK(compare(noisy(10, seed), noisy(12, seed + 100), 0.5).verdict == Change::same);
}

TEST_CASE("runs that are too short cannot be compared") {
  const Comparison comparison = compare(result_of(0, 1), result_of(0, 1), 0.05);
  CHECK(comparison.verdict == Change::unknown);
  CHECK(comparison.doubt == "each run must have at least five full one-second windows besides its first");
}

TEST_CASE("the capacity search finds the knee") {
  const double limit = GENERATE(40.0, 333.0, 1000.0, 12'345.0);
  int probes = 0;
  const auto probe = [&](double rate) -> obsctl::core::Result<CapacityPoint> {
    ++probes;
    CapacityPoint point;
    point.asked = point.achieved = rate;
    point.good = rate <= limit;
    return point;
  };
  const auto capacity = find_capacity({100, 200'000, 0.05}, probe);
  REQUIRE(capacity);
  CHECK(capacity->knee <= limit);
  CHECK(capacity->knee >= limit * 0.94);
  CHECK(capacity->upper_bound_found);
  CHECK(probes < 20);
  CHECK(std::is_sorted(capacity->curve.begin(), capacity->curve.end(),
                       [](const CapacityPoint& a, const CapacityPoint& b) { return a.asked < b.asked; }));
}

TEST_CASE("a search without a limit ends at its highest rate, one without any good rate ends too") {
  const auto always = [](bool good) {
    return [good](double rate) -> obsctl::core::Result<CapacityPoint> {
      CapacityPoint point;
      point.asked = rate;
      point.good = good;
      return point;
    };
  };
  const auto endless = find_capacity({100, 1000, 0.05}, always(true));
  REQUIRE(endless);
  CHECK(endless->knee == 1000);
  CHECK_FALSE(endless->upper_bound_found);
  const auto none = find_capacity({100, 1000, 0.05}, always(false));
  REQUIRE(none);
  CHECK(none->knee == 0);
}
