// The pacer as tables: when arrival i is due, and how many are due before a moment.
#include "loadgen/arrivals.hpp"

#include <cmath>
#include <tuple>

#include "tests/support/catch.hpp"

using namespace std::chrono_literals;
using namespace obsctl::loadgen;
using obsctl::core::Nanoseconds;
using obsctl::core::Rate;

namespace {

Schedule compiled(const Arrivals& arrivals) {
  auto schedule = Schedule::compile(arrivals);
  REQUIRE(schedule);
  return *schedule;
}

Arrivals staged(Rate from, std::vector<Stage> stages) {
  Arrivals arrivals;
  arrivals.rate = from;
  arrivals.stages = std::move(stages);
  return arrivals;
}

}  // namespace

TEST_CASE("a constant rate is due at exact multiples") {
  const auto [rate, i, due] = GENERATE(table<Rate, std::int64_t, Nanoseconds>({
      {Rate{1000, 1s}, 0, 0ns},
      {Rate{1000, 1s}, 1, 1ms},
      {Rate{3, 1s}, 1, 333'333'333ns},
      {Rate{3, 1s}, 3, 1s},
      {Rate{3000, 1s}, 3000 * 3600, 1h},  // adding truncated gaps would be 3.6 ms early here
      {Rate{1, 10s}, 6, 1min},
  }));
  CAPTURE(rate.count, i);
  const Schedule schedule = compiled(Arrivals::constant(rate));
  CHECK(schedule.due(i) == due);
  CHECK(schedule.arrivals_before(due) == i);
  CHECK(schedule.arrivals_before(due + 1ns) == i + 1);
}

TEST_CASE("a ramp follows the integral of its rate") {
  // 0 → 1000/s in 10 s: N(t) = 50 t², so arrival i is due at sqrt(i / 50) s.
  const Schedule schedule = compiled(staged(Rate{0, 1s}, {{Rate{1000, 1s}, 10s, false}}));
  CHECK(schedule.length() == 10s);
  CHECK(schedule.arrivals_before(10s) == 5000);
  const auto i = GENERATE(as<std::int64_t>{}, 0, 1, 50, 200, 1250, 4999);
  const double expected = std::sqrt(static_cast<double>(i) / 50) * 1e9;
  CHECK(std::abs(static_cast<double>(schedule.due(i).count()) - expected) <= 1.0);
  CHECK(schedule.due(5000) == Nanoseconds::max());
  CHECK(schedule.rate_at(5s) == Approx(500));
  CHECK(schedule.peak_rate() == Approx(1000));
}

TEST_CASE("a falling ramp ends where its rate does") {
  const Schedule schedule = compiled(staged(Rate{100, 1s}, {{Rate{0, 1s}, 10s, false}}));
  CHECK(schedule.arrivals_before(10s) == 500);
  CHECK(schedule.due(499) < 10s);
  CHECK(schedule.due(500) == Nanoseconds::max());
}

TEST_CASE("steps hold their rate and a stage of no length jumps") {
  const Schedule held = compiled(staged(Rate{0, 1s}, {{Rate{100, 1s}, 2s, true}, {Rate{10, 1s}, 3s, true}}));
  CHECK(held.arrivals_before(2s) == 200);
  CHECK(held.arrivals_before(5s) == 230);
  CHECK(held.due(200) == 2s);
  CHECK(held.due(201) == 2100ms);
  const Schedule jumped =
      compiled(staged(Rate{0, 1s}, {{Rate{100, 1s}, 0s, false}, {Rate{100, 1s}, 2s, false}}));
  CHECK(jumped.arrivals_before(2s) == 200);
}

TEST_CASE("the last rate of endless stages goes on") {
  Arrivals arrivals = staged(Rate{0, 1s}, {{Rate{100, 1s}, 2s, false}, {Rate{50, 1s}, 2s, true}});
  arrivals.endless = true;
  const Schedule schedule = compiled(arrivals);
  CHECK(schedule.length() == 0s);
  CHECK(schedule.arrivals_before(4s) == 200);
  CHECK(schedule.due(200) == 4s);
  CHECK(schedule.due(250) == 5s);
  CHECK(schedule.arrivals_before(1h) == 200 + 50 * 3596);
  CHECK(schedule.rate_at(1h) == Approx(50));
}

TEST_CASE("a sine swings around its mean and comes back to it") {
  Arrivals arrivals = Arrivals::constant(Rate{100, 1s});
  arrivals.sine_amplitude = Rate{100, 1s};
  arrivals.sine_period = 10s;
  const Schedule schedule = compiled(arrivals);
  CHECK(schedule.arrivals_before(10s) == 1000);
  CHECK(schedule.arrivals_before(20s) == 2000);
  // The first half-period holds mean·5 s + amplitude·10 s/π arrivals.
  CHECK(schedule.arrivals_before(5s) == 819);
  CHECK(schedule.rate_at(2500ms) == Approx(200));
}

TEST_CASE("due times never fall, and counting agrees with them") {
  Arrivals sine = Arrivals::constant(Rate{500, 1s});
  sine.sine_amplitude = Rate{400, 1s};
  sine.sine_period = 3s;
  Arrivals endless = staged(Rate{5, 1s}, {{Rate{900, 1s}, 1s, false}});
  endless.endless = true;
  const std::vector<Arrivals> kinds = {
      endless, sine, Arrivals::constant(Rate{777, 1s}),
      staged(Rate{5, 1s}, {{Rate{900, 1s}, 3s, false}, {Rate{20, 1s}, 2s, false}})};
  const Arrivals& arrivals = kinds[static_cast<std::size_t>(GENERATE(0, 1, 2, 3))];
  const Schedule schedule = compiled(arrivals);
  Nanoseconds before{-1};
  for (std::int64_t i = 0; i < 2000; ++i) {
    const Nanoseconds due = schedule.due(i);
    if (due == Nanoseconds::max()) break;
    REQUIRE(due >= before);
    REQUIRE(schedule.arrivals_before(due) <= i);
    REQUIRE(schedule.arrivals_before(due + 1ns) >= i + 1);
    before = due;
  }
}

TEST_CASE("threads that stripe a schedule send every arrival once") {
  Arrivals arrivals = Arrivals::constant(Rate{1000, 1s});
  arrivals.poisson = GENERATE(false, true);
  const Schedule schedule = compiled(arrivals);
  ArrivalCursor all(schedule, 7, 0, 1);
  std::vector<ArrivalCursor> stripes;
  for (int k = 0; k < 3; ++k) stripes.emplace_back(schedule, 7, k, 3);
  for (int i = 0; i < 300; ++i) {
    ArrivalCursor& stripe = stripes[static_cast<std::size_t>(i % 3)];
    REQUIRE(stripe.index() == i);
    REQUIRE(stripe.due() == all.due());
    stripe.advance();
    all.advance();
  }
  std::int64_t counted = 0;
  for (int k = 0; k < 3; ++k) counted += ArrivalCursor(schedule, 7, k, 3).count_before(250ms);
  CHECK(counted == ArrivalCursor(schedule, 7, 0, 1).count_before(250ms));
}

TEST_CASE("Poisson gaps have the mean and the spread of exponentials and repeat with the seed") {
  Arrivals arrivals = Arrivals::constant(Rate{1000, 1s});
  arrivals.poisson = true;
  const Schedule schedule = compiled(arrivals);
  ArrivalCursor cursor(schedule, 42, 0, 1);
  double sum = 0;
  double squares = 0;
  constexpr int kCount = 100'000;
  Nanoseconds before{};
  for (int i = 0; i < kCount; ++i, cursor.advance()) {
    const double gap = obsctl::core::to_seconds(cursor.due() - before) * 1000;
    before = cursor.due();
    sum += gap;
    squares += gap * gap;
  }
  const double mean = sum / kCount;
  CHECK(mean == Approx(1).epsilon(0.02));
  CHECK(std::sqrt(squares / kCount - mean * mean) == Approx(1).epsilon(0.03));
  CHECK(ArrivalCursor(schedule, 42, 0, 1).due() == ArrivalCursor(schedule, 42, 0, 1).due());
  CHECK(ArrivalCursor(schedule, 42, 0, 1).due() != ArrivalCursor(schedule, 43, 0, 1).due());
}

TEST_CASE("a schedule that cannot be is refused") {
  Arrivals sine = Arrivals::constant(Rate{10, 1s});
  sine.sine_amplitude = Rate{20, 1s};
  sine.sine_period = 1s;
  const auto [arrivals, message] = GENERATE_COPY(table<Arrivals, std::string>(
      {{Arrivals{}, "the rate is zero"},
       {staged(Rate{0, 1s}, {{Rate{5, 1s}, 0s, false}}), "the stages have no duration"},
       {staged(Rate{0, 1s}, {{Rate{0, 1s}, 5s, false}}), "the rate is zero in all stages"},
       {sine, "the sine's amplitude 20/s is above its mean 10/s, so the rate would fall below zero"}}));
  const auto schedule = Schedule::compile(arrivals);
  REQUIRE(!schedule);
  CHECK(schedule.error().message == message);
}
