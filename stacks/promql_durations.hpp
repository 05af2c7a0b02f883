// Durations inside PromQL, found without a full parser: ranges, subqueries and offsets are told from label
// values, comments and metric names by their place.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"
#include "stacks/text_edit.hpp"

namespace obsctl::stacks {

/// A Prometheus duration ("1h30m", "5s", "250ms") times `factor`, rounded to the millisecond, which is
/// Prometheus' finest. Zero stays as it is. Errors (invalid_input): not a Prometheus duration; less than 1 ms
/// after scaling.
core::Result<std::string> scale_duration(std::string_view text, double factor);

/// The same as a number of seconds: "500ms" times 0.2 is "0.1". Errors: as scale_duration.
core::Result<std::string> scaled_seconds(std::string_view text, double factor);

/// Why an expression cannot be scaled, and where in it.
struct PromqlProblem {
  std::size_t offset = 0;
  std::string message;
};

struct PromqlScaling {
  std::vector<TextEdit> edits;
  /// Functions in the expression whose value does not stay the same when its window shrinks with the time
  /// scale, or that ask for the time of day: "increase", "predict_linear", "time", …; each once, in order of
  /// appearance.
  std::vector<std::string> unscaled;
};

/// Every range ([5m]), subquery ([1h:30s]) and offset (offset 1d) times `factor`. Label matchers, strings,
/// comments and the times after @ are left alone. Syntax:
/// https://prometheus.io/docs/prometheus/latest/querying/basics/
boost::system::result<PromqlScaling, PromqlProblem> scale_promql(std::string_view expression, double factor);

}  // namespace obsctl::stacks
