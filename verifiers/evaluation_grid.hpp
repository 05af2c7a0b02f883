// The evaluations of a rule group lie on a grid: any activeAt + k·interval. Internal to verifiers/.
#pragma once

#include <algorithm>
#include <chrono>

#include "core/clock.hpp"

namespace obsctl::verifiers {

class EvaluationGrid {
 public:
  /// Between an evaluation's timestamp and what clocks and milliseconds make of it.
  static constexpr core::Nanoseconds kTolerance = std::chrono::milliseconds(5);

  /// `anchor` is any evaluation's timestamp.
  EvaluationGrid(core::WallTime anchor, core::Nanoseconds interval)
      : anchor_(anchor), interval_(std::max(interval, core::Nanoseconds(1))) {}

  core::Nanoseconds interval() const { return interval_; }

  /// The last evaluation at or before `time`. WallTime::min(), which means "never", stays as it is.
  core::WallTime floor(core::WallTime time) const {
    if (time == core::WallTime::min()) return time;
    const core::Nanoseconds since = time - anchor_;
    auto steps = since / interval_;
    if (since % interval_ < core::Nanoseconds::zero()) --steps;
    return anchor_ + steps * interval_;
  }
  core::WallTime ceil(core::WallTime time) const {
    const core::WallTime below = floor(time);
    return below == time ? time : below + interval_;
  }
  /// The evaluation that began at `time` by the clock, as lastEvaluation has it: a little after its own
  /// timestamp.
  core::WallTime begun_at(core::WallTime time) const {
    return time == core::WallTime::min() ? time : floor(time + kTolerance);
  }
  /// The evaluation whose timestamp, cut to milliseconds, is `time`; `time` itself where there is none.
  core::WallTime nearest(core::WallTime time) const {
    const core::WallTime tick = floor(time + interval_ / 2);
    return std::chrono::abs(tick - time) <= kTolerance ? tick : time;
  }

 private:
  core::WallTime anchor_;
  core::Nanoseconds interval_;
};

}  // namespace obsctl::verifiers
