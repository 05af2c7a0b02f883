// When requests are due. One schedule for the whole run: arrival i is due at a closed form of i (or, for
// Poisson, at the i-th point of a seeded process), so nothing drifts, a thread or another machine can take
// every n-th arrival without talking to the others, and what was never sent can still be counted.
#pragma once

#include <cstdint>
#include <vector>

#include "core/duration.hpp"
#include "core/error.hpp"
#include "core/rate.hpp"

namespace obsctl::loadgen {

/// One leg of a schedule: the rate goes to `rate`, linearly over `duration`, or at once and stays there.
struct Stage {
  core::Rate rate;
  core::Nanoseconds duration{};
  /// False: a linear ramp from the rate before. True: a step, held for `duration`.
  bool hold = false;
};

/// What kind of schedule. Without stages and sine the rate is constant.
struct Arrivals {
  /// The constant rate; with stages the rate the first ramp starts from; with sine the mean.
  core::Rate rate{0, std::chrono::seconds(1)};
  std::vector<Stage> stages;
  /// The rate of the last stage goes on after it; otherwise the schedule ends there.
  bool endless = false;
  /// rate(t) = rate + amplitude × sin(2πt / period), when period > 0. The amplitude is at most the rate.
  core::Rate sine_amplitude{0, std::chrono::seconds(1)};
  core::Nanoseconds sine_period{};
  /// Exponential gaps with the rate above as their momentary mean, from LoadPlan::seed.
  bool poisson = false;
  /// Above 0: a closed loop of so many connections, each sending as soon as it has its answer. The rate is
  /// not used, and response times are those of a polite client: they hide what a stalled target does to
  /// everyone else.
  int concurrency = 0;

  static Arrivals constant(core::Rate rate) {
    Arrivals arrivals;
    arrivals.rate = rate;
    return arrivals;
  }
};

/// A checked and compiled Arrivals: from index to time and back. Immutable; safe to share between threads.
class Schedule {
 public:
  /// Errors: invalid_input (no rate at all, an amplitude above the mean, stages without duration), with a
  /// hint.
  static core::Result<Schedule> compile(const Arrivals& arrivals);

  /// When arrival `i` (from 0) is due after the start, for a regular (not Poisson) schedule. An arrival that
  /// the schedule never reaches (its rate ends at zero) is due at Nanoseconds::max().
  core::Nanoseconds due(std::int64_t i) const;

  /// How many arrivals of a regular schedule are due strictly before `elapsed`.
  std::int64_t arrivals_before(core::Nanoseconds elapsed) const;

  /// The rate at a moment, per second.
  double rate_at(core::Nanoseconds elapsed) const;

  /// The highest rate of the schedule, per second.
  double peak_rate() const;

  /// Where the stages end; zero for a schedule without end.
  core::Nanoseconds length() const { return length_; }

  bool poisson() const { return poisson_; }

  /// When the expected number of arrivals reaches `n`: the inverse of the integral of the rate.
  core::Nanoseconds time_at(long double n) const;

 private:
  struct Leg {
    long double start = 0;   ///< ns
    long double length = 0;  ///< ns; infinite for the last one
    long double before = 0;  ///< arrivals expected before `start`
    long double from = 0;    ///< arrivals per ns at the start
    long double to = 0;      ///< arrivals per ns at the end
  };
  long double expected_before(core::Nanoseconds elapsed) const;
  long double expected_sine(long double t) const;
  core::Nanoseconds time_in_sine(long double n) const;

  core::Rate rate_;
  bool exact_ = true;
  bool poisson_ = false;
  core::Nanoseconds length_{};
  std::vector<Leg> legs_;
  long double sine_mean_ = 0;
  long double sine_amplitude_ = 0;
  long double sine_period_ = 0;
};

/// Walks the arrivals `first`, `first + step`, … of a schedule: one thread's stripe of it.
class ArrivalCursor {
 public:
  ArrivalCursor(const Schedule& schedule, std::uint64_t seed, std::int64_t first, std::int64_t step);

  std::int64_t index() const { return index_; }
  /// When the current arrival is due after the start.
  core::Nanoseconds due() const { return due_; }
  void advance();

  /// How many arrivals of this stripe, from its beginning, are due strictly before `elapsed`. For Poisson the
  /// cursor walks there, so calls must come with times that do not fall, on a cursor that is used for nothing
  /// else.
  std::int64_t count_before(core::Nanoseconds elapsed);

 private:
  long double next_exponential();

  const Schedule* schedule_;
  std::uint64_t random_;
  std::int64_t first_;
  std::int64_t step_;
  std::int64_t index_;
  long double points_ = 0;  ///< Poisson: the unit-rate process at index_
  core::Nanoseconds due_{};
};

}  // namespace obsctl::loadgen
