// What kind of condition a rule's PromQL is, as far as its timing goes: how long a window it looks over, and
// at which fraction of that window filled with the fault it becomes true. What is not understood gives a
// loose shape, with bounds that hold for anything, and never a wrong one.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/duration.hpp"
#include "core/error.hpp"
#include "verifiers/labels.hpp"

namespace obsctl::verifiers {

using core::Nanoseconds;

struct RuleShape {
  enum class Kind {
    ratio,     ///< rate(bad[W]) / rate(all[W]) > T: linear in the filling of the window
    quantile,  ///< histogram_quantile(q, rate(x_bucket[W])) > T: a ratio of requests slower than T against 1
               ///< − q
    instant,   ///< up == 0: true with the first sample that says so; W = 0
    unknown,   ///< only the longest window is known
  };

  Kind kind = Kind::unknown;
  /// W: the range of the rates; for `unknown` the longest way back that any sample can be from.
  Nanoseconds window{};
  /// T of a ratio; 1 − q of a quantile.
  double threshold = 0;
  /// The condition is "less than": the ratio has to fall below T (availability rules).
  bool falls_below = false;
  /// `> T` is not true at T itself, `>= T` is.
  bool includes_threshold = false;
  /// T of a quantile: the latency, in the histogram's unit.
  double latency = 0;
  /// Added by recording rules in between and by `offset`: at most this much later.
  Nanoseconds extra_delay{};
  /// The bounds are wider than they would have to be, for the reason in `remark`.
  bool loose = false;
  /// For people: `ratio of rates over 1m against 0.05`.
  std::string summary;
  std::string remark;
  /// The equality matchers of each selector, by which the scrape targets behind it can be found.
  std::vector<Labels> selectors;
  /// The metric of the histogram in a quantile: "http_request_duration_seconds_bucket".
  std::string histogram;
};

/// How a recorded series comes about.
struct RecordedSeries {
  std::string query;
  Nanoseconds interval{};  ///< of its group
};

/// Reads an alerting rule's expression. `recorded` are the recording rules by name: their expressions are
/// looked into where the rule uses them. Never fails: see RuleShape::loose and RuleShape::remark.
RuleShape recognise_rule(std::string_view query, const std::map<std::string, RecordedSeries>& recorded = {});

/// A quantile shape, told which bounds the histogram has: exact if the latency is one of them (or, for Kind
/// other than quantile, as it was).
RuleShape with_buckets(RuleShape shape, const std::vector<double>& bounds);

}  // namespace obsctl::verifiers
