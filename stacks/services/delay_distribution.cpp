#include "stacks/services/delay_distribution.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include <nlohmann/json.hpp>

namespace obsctl::stacks {

namespace {

using core::Nanoseconds;

/// How many standard deviations the 99th percentile of a normal distribution is above its mean.
constexpr double kNormalP99 = 2.3263478740408408;

/// By Box and Muller; the second of the pair is not kept, so that a draw depends on the generator alone.
double standard_normal(SplitMix64& random) {
  const double radius = std::sqrt(-2 * std::log(1 - random.unit()));
  return radius * std::cos(2 * std::numbers::pi * random.unit());
}

}  // namespace

const DelayDistribution::Names& DelayDistribution::names_of(Shape shape) {
  static constexpr std::array<Names, 5> names{{{"constant", "delay", ""},
                                               {"uniform", "delay", "jitter"},
                                               {"normal", "mean", "stddev"},
                                               {"exponential", "mean", ""},
                                               {"lognormal", "p50", "p99"}}};
  return names[static_cast<std::size_t>(shape)];
}

DelayDistribution DelayDistribution::read(FieldReader& fields, Nanoseconds longest) {
  DelayDistribution one;
  one.shape_ = static_cast<Shape>(
      fields.choice("distribution", {"constant", "uniform", "normal", "exponential", "lognormal"}, 1));
  const Names& names = names_of(one.shape_);
  const bool lognormal = one.shape_ == Shape::lognormal;
  one.middle_ = fields.duration(names.middle, Nanoseconds(lognormal ? 1 : 0), longest, std::nullopt);
  if (one.shape_ == Shape::uniform) {
    one.spread_ = fields.duration(names.spread, Nanoseconds(0), longest, Nanoseconds(0));
    if (one.spread_ > one.middle_)
      fields.report("jitter", "must not be longer than delay: requests take delay ± jitter");
  } else if (!names.spread.empty()) {
    one.spread_ = fields.duration(names.spread, Nanoseconds(0), longest, std::nullopt);
    if (lognormal && one.spread_ < one.middle_ && one.spread_ > Nanoseconds(0))
      fields.report("p99", "must not be shorter than p50");
  }
  one.max_ = fields.duration("max", Nanoseconds(0), longest, longest);
  return one;
}

Nanoseconds DelayDistribution::draw(SplitMix64& random) const {
  const auto middle = static_cast<double>(middle_.count());
  const auto spread = static_cast<double>(spread_.count());
  double delay = middle;
  switch (shape_) {
    case Shape::constant:
      break;
    case Shape::uniform:
      delay = middle + spread * (2 * random.unit() - 1);
      break;
    case Shape::normal:
      delay = middle + spread * standard_normal(random);
      break;
    case Shape::exponential:
      delay = -middle * std::log(1 - random.unit());
      break;
    case Shape::lognormal:
      delay = middle * std::exp(std::log(spread / middle) / kNormalP99 * standard_normal(random));
      break;
  }
  return Nanoseconds(std::llround(std::clamp(delay, 0.0, static_cast<double>(max_.count()))));
}

void DelayDistribution::describe(nlohmann::ordered_json& state) const {
  const Names& names = names_of(shape_);
  state["distribution"] = names.shape;
  state[std::string(names.middle)] = core::format_duration(middle_);
  if (!names.spread.empty()) state[std::string(names.spread)] = core::format_duration(spread_);
  state["max"] = core::format_duration(max_);
}

}  // namespace obsctl::stacks
