// What kind of condition a rule's PromQL is, as far as its timing goes: how long a window it looks over, and
// at which fraction of that window filled with the fault it becomes true. What is not understood gives a
// loose shape, with bounds that hold for anything, and never a wrong one.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/duration.hpp"
#include "verifiers/labels.hpp"

namespace obsctl::verifiers {

using core::Nanoseconds;

struct RuleShape {
  enum class Kind {
    ratio,     ///< rate(bad[W]) / rate(all[W]) > T: linear in how much of the window the fault fills
    quantile,  ///< histogram_quantile(q, rate(x_bucket[W])) > T: a ratio of requests slower than T against 1
               ///< − q
    instant,   ///< up == 0: true with the first sample that says so; W = 0
    all_of,    ///< `conditions` joined by `and`
    any_of,    ///< `conditions` joined by `or`
    unknown,   ///< only the longest window is known
  };

  Kind kind = Kind::unknown;
  /// W: the range of the rates; for the last three kinds the longest way back that any sample can be from.
  Nanoseconds window{};
  /// T of a ratio; 1 − q of a quantile. (`100 * bad / all > 5` has 0.05.)
  double threshold = 0;
  /// A ratio that has to fall below T, not rise above it: availability rules.
  bool falls_below = false;
  /// `>= T` rather than `> T`.
  bool includes_threshold = false;
  /// T of a quantile: the latency, in the histogram's unit.
  double latency = 0;
  /// The metric of a quantile's histogram: "http_request_duration_seconds_bucket".
  std::string histogram = {};
  /// What recording rules in between and offsets add: samples are at most this much older.
  Nanoseconds extra_delay{};
  /// The bounds are wider than they would have to be, or rest on something that is not known, for the reason
  /// in `remark`.
  bool loose = false;
  /// Nothing can be said about the latest time: the condition depends on more than the samples of a window.
  bool unbounded = false;
  /// For people: `ratio of rates over 1m, above 0.05`.
  std::string summary = {};
  std::string remark = {};
  /// Of all_of and any_of.
  std::vector<RuleShape> conditions = {};
  /// Metric names and equality matchers of the selectors: what to look for the scrape targets by.
  struct Selector {
    std::string metric;
    Labels labels;
    bool operator==(const Selector&) const = default;
  };
  std::vector<Selector> selectors = {};
};
std::string_view to_string(RuleShape::Kind kind);

/// How a recorded series comes about.
struct RecordedSeries {
  std::string query;
  Nanoseconds interval{};  ///< of its group
};

/// Reads an alerting rule's expression. `recorded` are the recording rules by name: where the rule uses one,
/// its expression is looked into. Never fails: see RuleShape::loose and RuleShape::remark.
RuleShape recognise_rule(std::string_view query, const std::map<std::string, RecordedSeries>& recorded = {});

/// A quantile shape (or the quantiles among the conditions of one), told which bounds its histogram has: not
/// loose any more if the latency is one of them. Anything else, and any shape where no bounds are known (an
/// empty list), comes back as it was.
RuleShape with_buckets(RuleShape shape, const std::vector<double>& bounds);

}  // namespace obsctl::verifiers
