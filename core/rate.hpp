// A rate is an exact ratio of integers, so that due times come from a closed form and never drift.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/duration.hpp"
#include "core/error.hpp"

namespace obsctl::core {

/// `count` arrivals every `per`. Both are positive, except that a count of 0 means "no arrivals".
struct Rate {
  std::int64_t count = 0;
  Nanoseconds per = std::chrono::seconds(1);

  bool operator==(const Rate&) const = default;

  /// When arrival `i` (from 0) is due after the start: ⌊i · per / count⌋ in integer nanoseconds. `count` > 0,
  /// i ≥ 0.
  Nanoseconds due(std::int64_t i) const;

  /// How many arrivals are due strictly before `elapsed`: the smallest i with due(i) ≥ elapsed.
  std::int64_t arrivals_before(Nanoseconds elapsed) const;

  double per_second() const { return static_cast<double>(count) / to_seconds(per); }
};

/// Reads "200/s", "12000/m", "1.5/s", "10/250ms"; a bare number is per second. A decimal is turned into an
/// exact ratio ("0.1/s" is one each ten seconds). Errors: invalid_input.
Result<Rate> parse_rate(std::string_view text);

/// "200/s", "3/2s".
std::string format_rate(const Rate& rate);

}  // namespace obsctl::core
