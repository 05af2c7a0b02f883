// Results beside each other: added up when several generators made one load, compared when two loads were
// made one after the other.
#pragma once

#include <string>
#include <vector>

#include "core/error.hpp"
#include "loadgen/statistics.hpp"

namespace obsctl::loadgen {

/// Adds the results of generators that ran at the same time against one target: counts and histograms
/// exactly, rates as sums. Windows carry quantiles, which cannot be added, so the sum has none. Errors:
/// invalid_input, naming the first difference (target, kind of loop, stripes of different or of the same
/// number, runs that did not overlap).
core::Result<Summary> merge(const std::vector<Summary>& parts);

enum class Change { same, better, worse, unknown };

struct Comparison {
  struct Row {
    std::string metric;  ///< "response_p99", "error_ratio", …
    double before = 0;   ///< nanoseconds, a ratio, or per second
    double after = 0;
    double p_value = 1;  ///< that windows of equal distributions differ as much (Mann–Whitney, two-sided)
    Change change = Change::unknown;
  };
  std::vector<Row> rows;
  Change verdict = Change::unknown;  ///< worse if any row is; unknown if none could be told
  std::string doubt;                 ///< why it should be taken with care; may be empty
};

/// Whether `after` is worse than `before`. A row is better or worse when it moved by more than `tolerance`
/// (0.05: 5 %; for ratios: by more than 0.001 as well) and its one-second windows differ by more than chance
/// would have it (p < 0.01). The first window of each, where connections are new, is left out. Fewer than
/// five windows: unknown.
Comparison compare(const Summary& before, const Summary& after, double tolerance);

/// Mann–Whitney's U test with the normal approximation and the correction for ties: the two-sided p-value.
double mann_whitney(const std::vector<double>& a, const std::vector<double>& b);

}  // namespace obsctl::loadgen
