// How the delays of a latency toggle are spread.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "core/duration.hpp"
#include "stacks/services/field_reader.hpp"
#include "stacks/services/fraction.hpp"

namespace obsctl::stacks {

class DelayDistribution {
 public:
  /// The fields `distribution`, `max`, and those of the distribution:
  ///   constant     delay
  ///   uniform      delay, jitter: evenly from delay - jitter to delay + jitter
  ///   normal       mean, stddev
  ///   exponential  mean
  ///   lognormal    p50, p99: half of the delays are above the first, one in a hundred is above the second
  /// No delay is below 0 or above `max`: what would be is exactly that.
  static DelayDistribution read(FieldReader& fields, core::Nanoseconds longest);

  core::Nanoseconds draw(SplitMix64& random) const;
  void describe(nlohmann::ordered_json& state) const;

 private:
  enum class Shape { constant, uniform, normal, exponential, lognormal };
  struct Names {
    std::string_view shape;
    std::string_view middle;
    std::string_view spread;  ///< empty: it has none
  };
  static const Names& names_of(Shape shape);

  Shape shape_ = Shape::uniform;
  core::Nanoseconds middle_{};
  core::Nanoseconds spread_{};
  core::Nanoseconds max_{};
};

}  // namespace obsctl::stacks
