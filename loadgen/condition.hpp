// Conditions on what a run measured: "response_p99>300ms", "error_ratio>=0.05 for 5s", "achieved_rate<990/s".
// Used to fail a run, to abort it, and to look for the highest rate that still meets one.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"
#include "loadgen/statistics.hpp"

namespace obsctl::loadgen {

class Condition {
 public:
  /// METRIC[{ENDPOINT}] OP VALUE [for DURATION], blanks as you like. METRIC is response_, service_, lag_ or
  /// pool_wait_ with p50, p90, p95, p99, p999, mean, min or max (VALUE: a duration); error_ratio (a number or
  /// a percentage); achieved_rate (a rate); achieved_ratio (of what was asked); errors, timeouts, dropped,
  /// shed, unsent, completed (numbers). OP is > >= < <=. "for 5s" asks that it hold in so many one-second
  /// windows in a row, which know response_p50, _p95, _p99, _max, lag_p99, error_ratio, achieved_rate and the
  /// numbers, and no endpoints. Errors: invalid_input, with the nearest metric.
  static core::Result<Condition> parse(std::string_view text);

  /// Whether it holds; nothing is measured yet: no. In an endpoint's condition: for that endpoint.
  bool holds(const Summary& summary) const;
  /// While a run goes on. A condition on an endpoint cannot be known then, so it does not hold.
  bool holds(const Statistics& whole, const std::vector<Window>& windows) const;
  /// What was measured, for a report: "response_p99 = 412ms", "held for 5s from 12s on", "response_p99 was
  /// not measured".
  std::string measured(const Summary& summary) const;

  const std::string& text() const { return text_; }
  /// Of `response_p99{GET /a}>1s`: "GET /a". Empty: the whole.
  const std::string& endpoint() const { return endpoint_; }

 private:
  enum class Unit { duration, ratio, rate, number };
  core::Result<void> read_window(std::string_view text);
  core::Result<void> read_limit(std::string_view value);
  std::optional<double> value_in(const Summary& summary) const;
  std::optional<double> value_in(const Statistics& statistics) const;
  std::optional<double> value_in(const Window& window) const;
  std::optional<double> value_of(const Counts& counts, core::Nanoseconds length) const;
  bool compare(std::optional<double> value) const;
  /// The first window of the first run of windows in which it holds.
  std::optional<std::int64_t> first_window(const std::vector<Window>& windows) const;
  std::string format(double value) const;

  std::string text_;
  std::string metric_;  ///< "response_p99"
  std::string endpoint_;
  std::string op_;
  Unit unit_ = Unit::number;
  double limit_ = 0;  ///< durations in nanoseconds, rates per second
  std::int64_t windows_ = 0;
};

}  // namespace obsctl::loadgen
