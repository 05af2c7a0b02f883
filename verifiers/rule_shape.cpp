// Recognises the kinds of conditions whose timing can be derived. Works on the tree with recording rules put
// in place and constants folded, so that spelling does not matter; every doubt ends in `unknown`.
#include "verifiers/rule_shape.hpp"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "verifiers/promql.hpp"

namespace obsctl::verifiers {

std::string_view to_string(RuleShape::Kind kind) {
  switch (kind) {
    case RuleShape::Kind::ratio:
      return "ratio";
    case RuleShape::Kind::quantile:
      return "quantile";
    case RuleShape::Kind::instant:
      return "instant";
    case RuleShape::Kind::all_of:
      return "all_of";
    case RuleShape::Kind::any_of:
      return "any_of";
    case RuleShape::Kind::unknown:
      return "unknown";
  }
  return "?";
}

namespace {

using Node = PromqlNode;

bool is_one_of(std::string_view name, std::initializer_list<std::string_view> names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// Puts the expressions of recorded series in place of their names.
class Expansion {
 public:
  explicit Expansion(const std::map<std::string, RecordedSeries>& recorded) : recorded_(recorded) {}

  /// How much later a chain of recording rules makes the samples, at most.
  Nanoseconds expand(Node& node, int depth = 0);
  /// Of a recorded series that is not known, or is its own cause.
  const std::string& unknown() const { return unknown_; }

 private:
  const std::map<std::string, RecordedSeries>& recorded_;
  std::string unknown_;
  int expanded_ = 0;
};

Nanoseconds Expansion::expand(Node& node, int depth) {
  constexpr int deepest = 10, most = 100;
  Nanoseconds delay{};
  if (node.kind != Node::Kind::selector) {
    for (Node& child : node.children) delay = std::max(delay, expand(child, depth));
    return delay;
  }
  const auto found = recorded_.find(node.name);
  // By convention only recorded names have a colon.
  if (found == recorded_.end() && node.name.find(':') == std::string::npos) return delay;
  auto parsed = found == recorded_.end() || depth > deepest || ++expanded_ > most
                    ? core::Result<Node>(core::make_error(core::ErrorKind::not_found, ""))
                    : parse_promql(found->second.query);
  if (!parsed) {
    if (unknown_.empty()) unknown_ = node.name;
    return delay;
  }
  delay = found->second.interval + expand(*parsed, depth + 1) + node.offset;
  if (node.range) {
    // A range over a recorded series looks back over both windows, like a subquery.
    Node outer{.kind = Node::Kind::subquery, .range = node.range};
    outer.children.push_back(std::move(*parsed));
    node = std::move(outer);
  } else {
    node = std::move(*parsed);
  }
  return delay;
}

/// What any expression depends on.
struct Reach {
  Nanoseconds window{};   ///< the longest way back
  bool clocked = false;   ///< depends on the time itself, or on a fixed moment
  bool instants = false;  ///< has a selector without a range
};

Nanoseconds sum_of(Nanoseconds a, Nanoseconds b) {
  return a > Nanoseconds::max() - b ? Nanoseconds::max() : a + b;
}

Reach reach_of(const Node& node) {
  Reach reach;
  for (const Node& child : node.children) {
    const Reach inner = reach_of(child);
    reach.window = std::max(reach.window, inner.window);
    reach.clocked = reach.clocked || inner.clocked;
    reach.instants = reach.instants || inner.instants;
  }
  if (node.range) reach.window = sum_of(reach.window, *node.range);
  reach.window = sum_of(reach.window, node.offset);
  if (node.kind == Node::Kind::selector && !node.range) reach.instants = true;
  // A vector that is absent is so once its last sample is stale: five minutes at the latest.
  if (node.kind == Node::Kind::call && node.name == "absent") {
    reach.window = std::max<Nanoseconds>(reach.window, std::chrono::minutes(5));
  }
  reach.clocked = reach.clocked || node.pinned || node.looks_ahead ||
                  (node.kind == Node::Kind::call &&
                   is_one_of(node.name, {"time", "timestamp", "hour", "minute", "month", "year",
                                         "day_of_month", "day_of_week", "day_of_year", "days_in_month"}));
  return reach;
}

void collect_selectors(const Node& node, std::vector<RuleShape::Selector>& selectors) {
  if (node.kind == Node::Kind::selector) {
    RuleShape::Selector selector{node.name, node.equal};
    if (std::find(selectors.begin(), selectors.end(), selector) == selectors.end()) {
      selectors.push_back(std::move(selector));
    }
  }
  for (const Node& child : node.children) collect_selectors(child, selectors);
}

/// What an expression that is linear in its counters looks over: rate(x[W]), sums and differences of them,
/// sums of those.
struct LinearPart {
  Nanoseconds window{};
  std::string function;  ///< rate or increase, of which only one kind may be in a ratio
  bool operator==(const LinearPart&) const = default;
};

std::optional<LinearPart> linear_part(const Node& node) {
  if (node.kind == Node::Kind::aggregation && node.name == "sum" && node.children.size() == 1) {
    return linear_part(node.children[0]);
  }
  if (node.kind == Node::Kind::binary && is_one_of(node.name, {"+", "-"})) {
    auto left = linear_part(node.children[0]);
    return left && left == linear_part(node.children[1]) ? left : std::nullopt;
  }
  if (node.kind != Node::Kind::call || !is_one_of(node.name, {"rate", "increase"}) ||
      node.children.size() != 1) {
    return std::nullopt;
  }
  const Node& counter = node.children[0];
  const bool plain = counter.kind == Node::Kind::selector && counter.range &&
                     counter.offset == Nanoseconds::zero() && !counter.pinned && !counter.looks_ahead;
  return plain ? std::optional(LinearPart{*counter.range, node.name}) : std::nullopt;
}

/// An expression as factor · core + shift, with the numbers around it taken off.
struct Affine {
  const Node* core = nullptr;
  double factor = 1;
  double shift = 0;
};

Affine affine_of(const Node& node) {
  Affine whole{&node};
  for (;;) {
    const Node& at = *whole.core;
    if (at.kind == Node::Kind::negation) {
      whole.factor = -whole.factor;
      whole.core = &at.children[0];
      continue;
    }
    if (at.kind != Node::Kind::binary) return whole;
    const auto left = constant_of(at.children[0]);
    const auto right = constant_of(at.children[1]);
    if (left.has_value() == right.has_value()) return whole;
    const double number = left ? *left : *right;
    if (at.name == "*") {
      whole.factor *= number;
    } else if (at.name == "/" && right) {
      whole.factor /= number;
    } else if (at.name == "+") {
      whole.shift += whole.factor * number;
    } else if (at.name == "-" && right) {
      whole.shift -= whole.factor * number;
    } else if (at.name == "-") {
      whole.shift += whole.factor * number;
      whole.factor = -whole.factor;
    } else {
      return whole;
    }
    whole.core = left ? &at.children[1] : &at.children[0];
  }
}

/// quantity `operation` bound, with the number on the right.
struct Comparison {
  const Node* quantity = nullptr;
  std::string operation;
  double bound = 0;
};

std::optional<Comparison> comparison_of(const Node& node) {
  if (node.kind != Node::Kind::binary || node.returns_bool ||
      !is_one_of(node.name, {"==", "!=", ">", "<", ">=", "<="})) {
    return std::nullopt;
  }
  if (const auto bound = constant_of(node.children[1]))
    return Comparison{&node.children[0], node.name, *bound};
  const auto bound = constant_of(node.children[0]);
  if (!bound) return std::nullopt;
  std::string turned = node.name;
  if (turned[0] == '>') {
    turned[0] = '<';
  } else if (turned[0] == '<') {
    turned[0] = '>';
  }
  return Comparison{&node.children[1], std::move(turned), *bound};
}

std::string number_text(double value) {
  return fmt::format("{:.6g}", value);
}

/// Whether the numerator falls back to a number where there is no series, and what stands before that.
const Node& without_fallback(const Node& node, bool& had_fallback) {
  if (node.kind == Node::Kind::binary && node.name == "or" && constant_of(node.children[1])) {
    had_fallback = true;
    return without_fallback(node.children[0], had_fallback);
  }
  if (node.kind == Node::Kind::call && is_one_of(node.name, {"clamp_min", "clamp_max", "clamp"}) &&
      !node.children.empty()) {
    had_fallback = true;
    return without_fallback(node.children[0], had_fallback);
  }
  return node;
}

/// The two sides of a division as sums of rates over one window.
struct Division {
  LinearPart part;
  double factor = 1;  ///< of numbers that are multiplied in: 100 * bad / all
};

std::optional<Division> division_of(const Node& node, bool& had_fallback) {
  if (node.kind != Node::Kind::binary || node.name != "/") return std::nullopt;
  const Affine above = affine_of(without_fallback(node.children[0], had_fallback));
  const Affine below = affine_of(without_fallback(node.children[1], had_fallback));
  if (above.shift != 0 || below.shift != 0 || !(above.factor > 0) || !(below.factor > 0)) return std::nullopt;
  const auto part = linear_part(without_fallback(*above.core, had_fallback));
  if (!part || part != linear_part(without_fallback(*below.core, had_fallback))) return std::nullopt;
  return Division{*part, above.factor / below.factor};
}

std::optional<RuleShape> recognise_ratio(const Comparison& comparison) {
  const Affine affine = affine_of(*comparison.quantity);
  bool fallback = false;
  const auto division = division_of(without_fallback(*affine.core, fallback), fallback);
  if (!division) return std::nullopt;
  const double factor = affine.factor * division->factor;
  if (factor == 0 || !std::isfinite(factor)) return std::nullopt;
  // Either the ratio itself, or what it leaves of one: 1 − good / all.
  const double scale = std::fabs(factor);
  const bool rest = factor < 0 && affine.shift == scale;
  if (!rest && (affine.shift != 0 || factor < 0)) return std::nullopt;
  if (comparison.operation == "==" || comparison.operation == "!=") return std::nullopt;
  RuleShape shape;
  shape.kind = RuleShape::Kind::ratio;
  shape.window = division->part.window;
  shape.threshold = comparison.bound / scale;
  shape.falls_below = comparison.operation[0] == '<';
  shape.includes_threshold = comparison.operation.size() == 2;
  shape.loose = fallback;
  if (fallback) shape.remark = "the ratio has a fallback (or, clamp) for when there is nothing to divide";
  shape.summary = fmt::format("ratio of rates over {}, {} {}", core::format_duration(division->part.window),
                              shape.falls_below ? "below" : "above", number_text(shape.threshold));
  return shape;
}

std::optional<RuleShape> recognise_quantile(const Comparison& comparison) {
  const Affine affine = affine_of(*comparison.quantity);
  const Node& call = *affine.core;
  if (call.kind != Node::Kind::call || call.name != "histogram_quantile" || call.children.size() != 2) {
    return std::nullopt;
  }
  const auto q = constant_of(call.children[0]);
  const auto part = linear_part(call.children[1]);
  if (!q || !(*q > 0 && *q < 1) || !part || !(affine.factor > 0) || affine.shift != 0) return std::nullopt;
  if (comparison.operation[0] != '>') return std::nullopt;
  std::vector<RuleShape::Selector> selectors;
  collect_selectors(call, selectors);
  if (selectors.size() != 1) return std::nullopt;
  RuleShape shape;
  shape.kind = RuleShape::Kind::quantile;
  shape.window = part->window;
  shape.threshold = 1 - *q;
  shape.includes_threshold = comparison.operation.size() == 2;
  shape.latency = comparison.bound / affine.factor;
  shape.histogram = selectors[0].metric;
  shape.loose = true;
  shape.remark = fmt::format("whether {} is a bucket bound of {} is not known", number_text(shape.latency),
                             shape.histogram);
  shape.summary = fmt::format("quantile {} over {}, above {}", number_text(*q),
                              core::format_duration(part->window), number_text(shape.latency));
  return shape;
}

std::optional<RuleShape> recognise_instant(const Comparison& comparison) {
  const Node* node = affine_of(*comparison.quantity).core;
  const bool aggregated = node->kind == Node::Kind::aggregation &&
                          is_one_of(node->name, {"sum", "avg", "min", "max", "count", "group"}) &&
                          node->children.size() == 1;
  if (aggregated) node = &node->children[0];
  if (node->kind != Node::Kind::selector || node->range || node->offset != Nanoseconds::zero() ||
      node->pinned) {
    return std::nullopt;
  }
  RuleShape shape;
  shape.kind = RuleShape::Kind::instant;
  shape.summary = fmt::format("{} {} {}", node->name, comparison.operation, number_text(comparison.bound));
  // A state is what it is from the first scrape on. Anything else may take its time to get where the rule
  // wants it.
  const bool state =
      is_one_of(node->name, {"up", "probe_success"}) || is_one_of(comparison.operation, {"==", "!="});
  if (!state) {
    shape.loose = true;
    shape.remark = fmt::format("how long {} itself takes to cross {} is not known", node->name,
                               number_text(comparison.bound));
  }
  return shape;
}

RuleShape unknown_shape(const Node& node) {
  const Reach reach = reach_of(node);
  RuleShape shape;
  shape.window = reach.window;
  shape.loose = true;
  shape.unbounded = reach.clocked || reach.window == Nanoseconds::max();
  shape.remark = shape.unbounded ? "the expression depends on the time itself"
                                 : "the expression is of no kind that is understood";
  shape.summary = reach.window == Nanoseconds::zero()
                      ? std::string("condition without a range")
                      : fmt::format("condition over at most {}", core::format_duration(reach.window));
  return shape;
}

RuleShape recognise(const Node& node);

std::optional<RuleShape> recognise_joined(const Node& node) {
  if (node.kind != Node::Kind::binary || !is_one_of(node.name, {"and", "or"})) return std::nullopt;
  const auto kind = node.name == "and" ? RuleShape::Kind::all_of : RuleShape::Kind::any_of;
  RuleShape shape;
  shape.kind = kind;
  for (const Node& child : node.children) {
    RuleShape part = recognise(child);
    // (a and b) and c is one list.
    if (part.kind == kind) {
      std::move(part.conditions.begin(), part.conditions.end(), std::back_inserter(shape.conditions));
    } else {
      shape.conditions.push_back(std::move(part));
    }
  }
  for (const RuleShape& part : shape.conditions) {
    if (!shape.summary.empty()) shape.summary += fmt::format(" {} ", node.name);
    shape.summary += part.summary;
    shape.window = std::max(shape.window, part.window);
    shape.unbounded = shape.unbounded || part.unbounded;
    if (part.loose && !shape.loose) shape.remark = part.remark;
    shape.loose = shape.loose || part.loose;
  }
  return shape;
}

RuleShape recognise(const Node& node) {
  if (auto joined = recognise_joined(node)) return std::move(*joined);
  if (const auto comparison = comparison_of(node)) {
    for (const auto attempt : {recognise_ratio, recognise_quantile, recognise_instant}) {
      if (auto shape = attempt(*comparison)) return std::move(*shape);
    }
  }
  return unknown_shape(node);
}

}  // namespace

RuleShape recognise_rule(std::string_view query, const std::map<std::string, RecordedSeries>& recorded) {
  auto parsed = parse_promql(query);
  if (!parsed) {
    RuleShape shape;
    shape.loose = shape.unbounded = true;
    shape.summary = "expression that cannot be read";
    shape.remark = parsed.error().message;
    return shape;
  }
  std::vector<RuleShape::Selector> selectors;
  Expansion expansion(recorded);
  const Nanoseconds delay = expansion.expand(*parsed);
  RuleShape shape = recognise(*parsed);
  shape.extra_delay = delay;
  collect_selectors(*parsed, shape.selectors);
  if (!expansion.unknown().empty()) {
    shape.kind = RuleShape::Kind::unknown;
    shape.conditions.clear();
    shape.loose = shape.unbounded = true;
    shape.remark = fmt::format("how {} is recorded is not known", expansion.unknown());
  }
  return shape;
}

RuleShape with_buckets(RuleShape shape, const std::vector<double>& bounds) {
  for (RuleShape& condition : shape.conditions) condition = with_buckets(std::move(condition), bounds);
  if (!shape.conditions.empty()) {
    shape.loose = std::any_of(shape.conditions.begin(), shape.conditions.end(),
                              [](const RuleShape& condition) { return condition.loose; });
    if (!shape.loose) shape.remark.clear();
  }
  if (shape.kind != RuleShape::Kind::quantile || bounds.empty()) return shape;
  const bool is_bound = std::any_of(bounds.begin(), bounds.end(), [&](double bound) {
    return std::isfinite(bound) && std::fabs(bound - shape.latency) <= 1e-9 * std::max(1.0, std::fabs(bound));
  });
  double highest = -INFINITY;
  for (const double bound : bounds) {
    if (std::isfinite(bound)) highest = std::max(highest, bound);
  }
  shape.loose = !is_bound;
  shape.remark =
      is_bound ? "" : fmt::format("{} is no bucket bound of {}", number_text(shape.latency), shape.histogram);
  if (shape.latency >= highest) {
    // The quantile never exceeds the highest finite bound.
    shape.loose = shape.unbounded = true;
    shape.remark = fmt::format("{} has no bucket above {}, so the quantile never exceeds it", shape.histogram,
                               number_text(shape.latency));
  }
  return shape;
}

}  // namespace obsctl::verifiers
