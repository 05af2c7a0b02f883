// Schedules as integrals: N(t) is how many arrivals are expected before t, arrival i is due where N(t) = i. A
// constant rate is computed in exact integers; ramps and sines in 64-bit-mantissa floating point, which is
// below a nanosecond for any run shorter than a century.
#include "loadgen/arrivals.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include <fmt/format.h>

namespace obsctl::loadgen {

using core::Nanoseconds;

namespace {

constexpr long double kForever = std::numeric_limits<long double>::infinity();
constexpr long double kTwoPi = 2 * std::numbers::pi_v<long double>;

long double per_nanosecond(const core::Rate& rate) {
  return static_cast<long double>(rate.count) / static_cast<long double>(rate.per.count());
}

/// Whole nanoseconds, with what lies beyond 64 bits as max().
Nanoseconds to_nanoseconds(long double t) {
  if (!(t < 9.2e18L)) return Nanoseconds::max();
  return Nanoseconds(static_cast<std::int64_t>(t));
}

std::uint64_t next_random(std::uint64_t& state) {  // splitmix64: https://prng.di.unimi.it/splitmix64.c
  std::uint64_t z = (state += 0x9e3779b97f4a7c15u);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

core::Error bad_schedule(std::string message, std::string hint) {
  return core::make_error(core::ErrorKind::invalid_input, std::move(message), std::move(hint));
}

}  // namespace

core::Result<Schedule> Schedule::compile(const Arrivals& arrivals) {
  Schedule schedule;
  schedule.rate_ = arrivals.rate;
  schedule.poisson_ = arrivals.poisson;
  if (arrivals.rate.count < 0 || arrivals.rate.per.count() <= 0) {
    return bad_schedule("the rate is negative or has no period", "write a rate such as 200/s");
  }
  if (arrivals.sine_period.count() > 0) {
    if (!arrivals.stages.empty()) {
      return bad_schedule("a sine and stages exclude each other", "leave one of them out");
    }
    schedule.exact_ = false;
    schedule.sine_mean_ = per_nanosecond(arrivals.rate);
    schedule.sine_amplitude_ = per_nanosecond(arrivals.sine_amplitude);
    schedule.sine_period_ = static_cast<long double>(arrivals.sine_period.count());
    if (schedule.sine_mean_ <= 0) return bad_schedule("a sine needs a mean rate above zero", "add a rate");
    if (schedule.sine_amplitude_ > schedule.sine_mean_) {
      return bad_schedule(
          fmt::format("the sine's amplitude {} is above its mean {}, so the rate would fall below zero",
                      core::format_rate(arrivals.sine_amplitude), core::format_rate(arrivals.rate)),
          "choose an amplitude of at most the rate");
    }
    return schedule;
  }
  if (arrivals.stages.empty()) {
    if (arrivals.rate.count == 0) return bad_schedule("the rate is zero", "write a rate such as 200/s");
    return schedule;
  }
  schedule.exact_ = false;
  long double rate = per_nanosecond(arrivals.rate);
  long double start = 0;
  long double before = 0;
  for (const Stage& stage : arrivals.stages) {
    const long double to = per_nanosecond(stage.rate);
    const auto length = static_cast<long double>(stage.duration.count());
    if (stage.duration.count() > 0) {
      const Leg leg{start, length, before, stage.hold ? to : rate, to};
      schedule.legs_.push_back(leg);
      before += (leg.from + leg.to) / 2 * length;
      start += length;
      if (!arrivals.endless) schedule.length_ += stage.duration;
    }
    rate = to;
  }
  if (schedule.legs_.empty())
    return bad_schedule("the stages have no duration", "write a stage as 500/s:30s");
  if (before <= 0) return bad_schedule("the rate is zero in all stages", "write a stage as 500/s:30s");
  if (!arrivals.endless) rate = 0;
  schedule.legs_.push_back(Leg{start, kForever, before, rate, rate});
  return schedule;
}

Nanoseconds Schedule::due(std::int64_t i) const {
  if (rate_.count == 0 && exact_) return Nanoseconds::max();
  return exact_ ? rate_.due(i) : time_at(static_cast<long double>(i));
}

std::int64_t Schedule::arrivals_before(Nanoseconds elapsed) const {
  if (exact_) return rate_.arrivals_before(elapsed);
  if (elapsed.count() <= 0) return 0;
  auto i = static_cast<std::int64_t>(std::ceil(expected_before(elapsed)));
  while (i > 0 && due(i - 1) >= elapsed) --i;
  while (due(i) < elapsed) ++i;
  return i;
}

long double Schedule::expected_sine(long double t) const {
  return sine_mean_ * t + sine_amplitude_ * sine_period_ / kTwoPi * (1 - std::cos(kTwoPi * t / sine_period_));
}

long double Schedule::expected_before(Nanoseconds elapsed) const {
  const auto t = static_cast<long double>(elapsed.count());
  if (sine_period_ > 0) return expected_sine(t);
  if (legs_.empty()) return per_nanosecond(rate_) * t;
  auto leg = std::find_if(legs_.begin(), legs_.end(), [&](const Leg& l) { return t < l.start + l.length; });
  const long double x = t - leg->start;
  if (leg->length == kForever) return leg->before + leg->from * x;
  return leg->before + leg->from * x + (leg->to - leg->from) / (2 * leg->length) * x * x;
}

Nanoseconds Schedule::time_in_sine(long double n) const {
  // N(t) lies between mean·t and mean·t + 2·amplitude·period/2π, which brackets t; Newton inside the bracket.
  long double high = n / sine_mean_;
  long double low = std::max(0.0L, high - 2 * sine_amplitude_ * sine_period_ / kTwoPi / sine_mean_);
  long double t = (low + high) / 2;
  for (int round = 0; round < 100 && high - low > 0.25L; ++round) {
    const long double error = expected_sine(t) - n;
    (error > 0 ? high : low) = t;
    const long double slope = sine_mean_ + sine_amplitude_ * std::sin(kTwoPi * t / sine_period_);
    const long double step = slope > 0 ? t - error / slope : low;
    if (std::abs(step - t) < 0.25L) return to_nanoseconds(step);
    t = step > low && step < high ? step : (low + high) / 2;
  }
  return to_nanoseconds(t);
}

Nanoseconds Schedule::time_at(long double n) const {
  if (sine_period_ > 0) return time_in_sine(n);
  if (legs_.empty()) return to_nanoseconds(n / per_nanosecond(rate_));
  constexpr long double kRounding = 1e-9L;  // a leg's end computed as 1499.9999… is 1500
  for (std::size_t k = 0; k + 1 < legs_.size(); ++k) {
    const Leg& leg = legs_[k];
    if (n >= legs_[k + 1].before - kRounding) continue;
    const long double m = std::max(0.0L, n - leg.before);
    const long double curve = (leg.to - leg.from) / (2 * leg.length);
    const long double root = std::sqrt(std::max(0.0L, leg.from * leg.from + 4 * curve * m));
    return to_nanoseconds(leg.start + (m > 0 ? std::min(leg.length, 2 * m / (leg.from + root)) : 0));
  }
  const Leg& last = legs_.back();
  if (last.from <= 0) return Nanoseconds::max();
  return to_nanoseconds(last.start + (n - last.before) / last.from);
}

double Schedule::rate_at(Nanoseconds elapsed) const {
  const auto t = static_cast<long double>(elapsed.count());
  if (t < 0) return 0;
  if (sine_period_ > 0) {
    return static_cast<double>(1e9L * (sine_mean_ + sine_amplitude_ * std::sin(kTwoPi * t / sine_period_)));
  }
  if (legs_.empty()) return rate_.per_second();
  const auto leg =
      std::find_if(legs_.begin(), legs_.end(), [&](const Leg& l) { return t < l.start + l.length; });
  if (leg->length == kForever) return static_cast<double>(1e9L * leg->from);
  return static_cast<double>(1e9L * (leg->from + (leg->to - leg->from) * (t - leg->start) / leg->length));
}

double Schedule::peak_rate() const {
  if (sine_period_ > 0) return static_cast<double>(1e9L * (sine_mean_ + sine_amplitude_));
  long double peak = legs_.empty() ? per_nanosecond(rate_) : 0;
  for (const Leg& leg : legs_) peak = std::max({peak, leg.from, leg.to});
  return static_cast<double>(1e9L * peak);
}

ArrivalCursor::ArrivalCursor(const Schedule& schedule, std::uint64_t seed, std::int64_t first,
                             std::int64_t step)
    : schedule_(&schedule), random_(seed), first_(first), step_(step), index_(first) {
  if (!schedule.poisson()) {
    due_ = schedule.due(index_);
    return;
  }
  for (std::int64_t i = 0; i <= first; ++i) points_ += next_exponential();
  due_ = schedule.time_at(points_);
}

long double ArrivalCursor::next_exponential() {
  const auto bits =
      next_random(random_) >> 11;  // 53 of them: (0, 1] without 0, so that the logarithm is finite
  return -std::log((static_cast<double>(bits) + 1.0) * 0x1p-53);
}

void ArrivalCursor::advance() {
  index_ += step_;
  if (!schedule_->poisson()) {
    due_ = schedule_->due(index_);
    return;
  }
  for (std::int64_t i = 0; i < step_; ++i) points_ += next_exponential();
  due_ = schedule_->time_at(points_);
}

std::int64_t ArrivalCursor::count_before(Nanoseconds elapsed) {
  if (schedule_->poisson()) {
    while (due_ < elapsed) advance();
    return (index_ - first_) / step_;
  }
  const std::int64_t all = schedule_->arrivals_before(elapsed);
  return all <= first_ ? 0 : (all - first_ - 1) / step_ + 1;
}

}  // namespace obsctl::loadgen
