// A range that a number has to be in, as scenarios and checks write it.
#pragma once

#include <optional>
#include <string>

namespace obsctl::verifiers {

/// A range that a number must be in. Several bounds may be set; all must hold.
struct Bounds {
  std::optional<double> below = {};
  std::optional<double> at_most = {};
  std::optional<double> above = {};
  std::optional<double> at_least = {};
  std::optional<double> equals = {};

  bool empty() const { return !below && !at_most && !above && !at_least && !equals; }
  bool hold_for(double value) const;
  /// "below 0.01", "at least 0.25 and below 1".
  std::string text() const;
};

}  // namespace obsctl::verifiers
