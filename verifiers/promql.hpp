// A reader of PromQL (https://prometheus.io/docs/prometheus/latest/querying/basics/), good enough to know
// what kind of condition a rule is. It checks syntax, not types. Internal to verifiers/.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/duration.hpp"
#include "core/error.hpp"
#include "verifiers/labels.hpp"

namespace obsctl::verifiers {

struct PromqlNode {
  enum class Kind {
    number,
    text,
    selector,     ///< name{matchers}, with `range` if it is a range vector
    call,         ///< name(children)
    aggregation,  ///< name by/without (grouping) (children)
    binary,       ///< children[0] name children[1]
    negation,     ///< -children[0]
    subquery,     ///< children[0][range:step]
  };

  Kind kind = Kind::number;
  double number = 0;
  /// Of the metric, the function, the aggregation or the operator; the text of a string.
  std::string name = {};
  /// Equality matchers only; others set `other_matchers`.
  Labels equal = {};
  bool other_matchers = false;
  std::optional<core::Nanoseconds> range = {};
  /// Positive looks back.
  core::Nanoseconds offset = {};
  bool looks_ahead = false;  ///< a negative offset
  bool pinned = false;       ///< has an @ modifier
  bool returns_bool = false;
  std::vector<std::string> grouping = {};
  bool without = false;
  std::vector<PromqlNode> children = {};
};

/// Parentheses leave no node. Errors: invalid_input with the column.
core::Result<PromqlNode> parse_promql(std::string_view text);

/// The value of an expression of numbers alone.
std::optional<double> constant_of(const PromqlNode& node);

}  // namespace obsctl::verifiers
