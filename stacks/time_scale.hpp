// --time-scale: the same alert in less time. Every duration that takes part in an alert's way (scrape and
// evaluation intervals, windows, `for`, group timers) is multiplied by one factor, so that their ratios, and
// with them the budget in units of the scrape interval, stay what they were. Network timeouts that do not
// have to shrink are left alone.
#pragma once

#include <string>
#include <vector>

#include "core/error.hpp"
#include "stacks/manifest.hpp"

namespace obsctl::stacks {

/// The smallest and largest factor that are accepted.
inline constexpr double kMinTimeScale = 0.001;
inline constexpr double kMaxTimeScale = 100;

/// Errors: usage.
core::Result<void> check_time_scale(double factor);

struct ScaledFile {
  std::string text;
  /// What does not scale: for the run's report.
  std::vector<std::string> notes;
};

/// What is scaled, by kind of file; a default that the file leaves out is written into it, scaled:
/// - prometheus: global and per job scrape_interval (1m) and scrape_timeout (10s), evaluation_interval (1m),
///   rule_query_offset;
/// - rules: a group's interval and query_offset; for, keep_firing_for, and the ranges, subqueries and offsets
/// in expr;
/// - alertmanager: resolve_timeout (5m); group_wait (30s), group_interval (5m) and repeat_interval (4h) of
/// every route;
/// - other: nothing.
/// A factor of 1 changes nothing. Errors: invalid_input with the place of what cannot be scaled.
core::Result<ScaledFile> scale_file(const std::string& text, const std::string& file_name, FileKind kind,
                                    double factor);

}  // namespace obsctl::stacks
