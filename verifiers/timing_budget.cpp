// The formulas. A condition becomes true within a window of time after the fault begins (its rise) and false
// within one after the fault ends (its fall); the stages of the alert follow from the two by the rule's and
// the group's intervals.
#include "verifiers/timing_budget.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>

namespace obsctl::verifiers {

namespace {

/// Of StageWindow::kUnbounded and of sums that would pass it.
Nanoseconds sum(Nanoseconds a, Nanoseconds b) {
  return a > StageWindow::kUnbounded - b ? StageWindow::kUnbounded : a + b;
}

/// ⌈duration / E⌉ · E.
Nanoseconds whole_evaluations(Nanoseconds duration, Nanoseconds interval) {
  return (duration + interval - Nanoseconds(1)) / interval * interval;
}

core::Error reject(std::string message, std::string hint = {}) {
  return core::make_error(core::ErrorKind::usage, std::move(message), std::move(hint));
}

std::string number(double value) {
  return fmt::format("{:.4g}", value);
}

/// When a condition turns, and what is certain about it.
struct Turns {
  StageWindow rise;
  StageWindow fall;
  std::optional<double> fill;
  /// True before the fault: it rises at once and may never fall.
  bool already = false;
};

/// Derives the turns of one condition after the other.
class Turning {
 public:
  Turning(const RuleTiming& timing, const FaultStep& fault, Nanoseconds slack, Nanoseconds extra_delay)
      : timing_(timing), fault_(fault), slack_(slack), extra_(extra_delay) {}

  Result<Turns> derive(const RuleShape& shape);
  std::vector<std::string> take_remarks() { return std::move(remarks_); }

 private:
  Result<Turns> of_ratio(const RuleShape& shape);
  Turns of_instant(const RuleShape& shape);
  Turns of_anything(const RuleShape& shape);
  Result<Turns> of_all(const RuleShape& shape);
  Result<Turns> of_any(const RuleShape& shape);
  Result<void> check_step(const RuleShape& shape) const;
  StageWindow window(Nanoseconds earliest, Nanoseconds latest, bool loose, std::string derivation) const;
  void remark(const std::string& text);

  Nanoseconds scrapes_in(Nanoseconds window) const {
    return window / timing_.scrape_interval * timing_.scrape_interval;
  }
  bool true_at(const RuleShape& shape, double value) const;
  /// Whether the step decides the condition. Between bucket bounds a quantile is interpolated, and may be
  /// wrong.
  bool tells(const RuleShape& shape) const { return shape.kind != RuleShape::Kind::quantile || !shape.loose; }

  const RuleTiming& timing_;
  const FaultStep& fault_;
  const Nanoseconds slack_;
  const Nanoseconds extra_;
  std::vector<std::string> remarks_;
};

void Turning::remark(const std::string& text) {
  if (!text.empty() && std::find(remarks_.begin(), remarks_.end(), text) == remarks_.end())
    remarks_.push_back(text);
}

/// Adds what every condition waits for: the query's offset, and at the latest a scrape, an evaluation and the
/// slack.
StageWindow Turning::window(Nanoseconds earliest, Nanoseconds latest, bool loose,
                            std::string derivation) const {
  derivation += " + S + E";
  if (timing_.query_offset > Nanoseconds::zero()) derivation += " + q";
  if (extra_ > Nanoseconds::zero()) derivation += " + recording rules and offsets";
  Nanoseconds total = sum(latest, timing_.scrape_interval + timing_.evaluation_interval);
  total = sum(sum(total, timing_.query_offset), sum(extra_, slack_));
  return {earliest + timing_.query_offset, total, loose, std::move(derivation)};
}

bool Turning::true_at(const RuleShape& shape, double value) const {
  if (shape.includes_threshold && value == shape.threshold) return true;
  return shape.falls_below ? value < shape.threshold : value > shape.threshold;
}

Result<void> Turning::check_step(const RuleShape& shape) const {
  if (shape.window < 2 * timing_.scrape_interval) {
    return reject(
        fmt::format("the rule's window of {} is shorter than two scrape intervals of {}, so its rates are "
                    "mostly empty",
                    core::format_duration(shape.window), core::format_duration(timing_.scrape_interval)),
        "scrape more often, or widen the rule's range");
  }
  if (shape.kind == RuleShape::Kind::quantile && shape.unbounded)
    return reject("no fault can trip the rule: " + shape.remark);
  if (fault_.during && tells(shape) && !true_at(shape, *fault_.during)) {
    return reject(fmt::format("the fault cannot trip the rule: it takes the quantity from {} to {}, and the "
                              "rule wants it {} {}",
                              number(fault_.before), number(*fault_.during),
                              shape.falls_below ? "below" : "above", number(shape.threshold)),
                  "make the fault stronger");
  }
  return {};
}

Result<Turns> Turning::of_ratio(const RuleShape& shape) {
  if (const auto checked = check_step(shape); !checked) return checked.error();
  Turns turns;
  if (tells(shape) && true_at(shape, fault_.before)) {
    turns.already = true;
    turns.rise = window(Nanoseconds::zero(), Nanoseconds::zero(), false, "0");
    turns.fall = {Nanoseconds::zero(), StageWindow::kUnbounded, true, "not derived: true without the fault"};
    return turns;
  }
  const Nanoseconds high = scrapes_in(shape.window);
  const Nanoseconds low = high - timing_.scrape_interval;
  const bool loose = shape.loose || shape.unbounded;
  const auto fill_for = [&](double during) {
    return (shape.threshold - fault_.before) / (during - fault_.before);
  };
  // How much has to be filled at least and at most: the same, where the step is known.
  double least = 0, most = 1;
  if (fault_.during) {
    least = most = fill_for(*fault_.during);
    turns.fill = least;
  } else {
    const double furthest = shape.falls_below ? 0 : 1;
    if (furthest != fault_.before) least = std::clamp(fill_for(furthest), 0.0, 1.0);
    remark("how far the fault moves the ratio is not known");
  }
  if (loose) {
    remark(shape.remark);
    least = 0;
    most = 1;
  }
  const bool wide = loose || !fault_.during;
  const auto text = [&](std::string_view what, double share) {
    return fmt::format("{}·C_hi (θ = {}, C_hi = {})", what, number(share), core::format_duration(high));
  };
  turns.rise = window(core::scale(low, least), core::scale(high, most), wide, text("θ", most));
  turns.fall = window(core::scale(low, 1 - most), core::scale(high, 1 - least), wide, text("(1−θ)", least));
  if (loose) {
    // A series that did not exist needs a scrape more to have a rate.
    turns.rise.latest = sum(turns.rise.latest, timing_.scrape_interval);
    turns.fall.latest = sum(turns.fall.latest, timing_.scrape_interval);
  }
  if (shape.unbounded) turns.rise.latest = StageWindow::kUnbounded;
  return turns;
}

Turns Turning::of_instant(const RuleShape& shape) {
  Turns turns;
  if (shape.loose) remark(shape.remark);
  const bool hangs = timing_.scrape_timeout > Nanoseconds::zero();
  turns.rise = turns.fall =
      window(Nanoseconds::zero(), timing_.scrape_timeout, shape.loose, hangs ? "scrape timeout" : "0");
  return turns;
}

Turns Turning::of_anything(const RuleShape& shape) {
  Turns turns;
  remark(shape.remark);
  if (shape.unbounded) {
    turns.rise =
        turns.fall = {Nanoseconds::zero(), StageWindow::kUnbounded, true, "not derived: " + shape.remark};
    return turns;
  }
  // Once every sample in the window, and one more for rates, is from during the fault.
  turns.rise = turns.fall = window(Nanoseconds::zero(), sum(shape.window, timing_.scrape_interval), true,
                                   fmt::format("W + S (W = {})", core::format_duration(shape.window)));
  return turns;
}

/// `and`: true once all are, false once one is.
Result<Turns> Turning::of_all(const RuleShape& shape) {
  Turns all;
  all.already = true;
  all.fall.earliest = all.fall.latest = StageWindow::kUnbounded;
  bool falls_derived = false;
  for (const RuleShape& condition : shape.conditions) {
    auto one = derive(condition);
    if (!one) return one.error();
    all.already = all.already && one->already;
    all.rise.loose = all.rise.loose || one->rise.loose;
    all.rise.earliest = std::max(all.rise.earliest, one->rise.earliest);
    if (one->rise.latest >= all.rise.latest) {
      all.rise.latest = one->rise.latest;
      all.rise.derivation = one->rise.derivation;
    }
    all.fall.earliest = std::min(all.fall.earliest, one->fall.earliest);
    // A condition of an unknown kind may be a guard that stays true; one that is known to fall ends the
    // whole.
    const bool certain = !one->already && condition.kind != RuleShape::Kind::unknown;
    all.fall.loose = all.fall.loose || one->fall.loose || !certain;
    if (certain ? (!falls_derived || one->fall.latest < all.fall.latest) : false) {
      all.fall.latest = one->fall.latest;
      all.fall.derivation = one->fall.derivation;
      falls_derived = true;
    }
  }
  if (!falls_derived) all.fall.derivation = "not derived: it is not known which condition ends it";
  return all;
}

/// `or`: true once one is, false once all are.
Result<Turns> Turning::of_any(const RuleShape& shape) {
  Turns any;
  any.rise.earliest = any.rise.latest = StageWindow::kUnbounded;
  std::optional<core::Error> refused;
  bool possible = false;
  for (const RuleShape& condition : shape.conditions) {
    auto one = derive(condition);
    if (!one) {
      refused = one.error();  // this one stays false; another may do
      continue;
    }
    possible = true;
    any.already = any.already || one->already;
    any.rise.loose = any.rise.loose || one->rise.loose;
    any.rise.earliest = std::min(any.rise.earliest, one->rise.earliest);
    if (condition.kind != RuleShape::Kind::unknown && one->rise.latest < any.rise.latest) {
      any.rise.latest = one->rise.latest;
      any.rise.derivation = one->rise.derivation;
    }
    any.fall.loose = any.fall.loose || one->fall.loose;
    any.fall.earliest = std::max(any.fall.earliest, one->fall.earliest);
    if (one->fall.latest >= any.fall.latest) {
      any.fall.latest = one->fall.latest;
      any.fall.derivation = one->fall.derivation;
    }
  }
  if (!possible && refused) return *refused;
  if (!any.rise.bounded()) any.rise.derivation = "not derived: it is not known which condition begins it";
  return any;
}

Result<Turns> Turning::derive(const RuleShape& shape) {
  switch (shape.kind) {
    case RuleShape::Kind::ratio:
    case RuleShape::Kind::quantile:
      return of_ratio(shape);
    case RuleShape::Kind::instant:
      return of_instant(shape);
    case RuleShape::Kind::all_of:
      return of_all(shape);
    case RuleShape::Kind::any_of:
      return of_any(shape);
    case RuleShape::Kind::unknown:
      break;
  }
  return of_anything(shape);
}

/// The stage that follows `stage` after `least` to `most`.
StageWindow after(const StageWindow& stage, Nanoseconds least, Nanoseconds most, std::string_view what) {
  StageWindow next = stage;
  next.earliest = sum(stage.earliest, least);
  next.latest = sum(stage.latest, most);
  if (next.bounded() && !what.empty()) next.derivation += fmt::format(" + {}", what);
  return next;
}

Result<void> check_timing(const RuleTiming& timing) {
  if (timing.scrape_interval <= Nanoseconds::zero())
    return reject("the scrape interval behind the rule is not known");
  if (timing.evaluation_interval <= Nanoseconds::zero())
    return reject("the rule's evaluation interval is not known");
  return {};
}

}  // namespace

Result<Budget> derive_budget(const RuleShape& shape, const RuleTiming& timing, const FaultStep& fault,
                             Nanoseconds slack) {
  if (const auto checked = check_timing(timing); !checked) return checked.error();
  Turning turning(timing, fault, slack, shape.extra_delay);
  auto turns = turning.derive(shape);
  if (!turns) return turns.error();
  if (turns->already) {
    return reject(
        fmt::format("the rule is true without the fault: the quantity is {} before it", number(fault.before)),
        "mend the service first, or check the threshold");
  }
  const Nanoseconds hold = whole_evaluations(timing.hold, timing.evaluation_interval);
  const Nanoseconds keep = whole_evaluations(timing.keep_firing_for, timing.evaluation_interval);
  const Nanoseconds longer = std::max(timing.group_wait, timing.group_interval);
  Budget budget;
  budget.pending = turns->rise;
  budget.firing = after(budget.pending, hold, hold, hold > Nanoseconds::zero() ? "⌈F/E⌉·E" : "");
  budget.notified = after(budget.firing, timing.group_wait, timing.group_wait + slack, "G");
  budget.notified_existing_group = after(budget.firing, Nanoseconds::zero(), longer + slack, "max(G, GI)");
  budget.inactive = after(turns->fall, keep, keep, keep > Nanoseconds::zero() ? "⌈K/E⌉·E" : "");
  budget.resolved = after(budget.inactive, Nanoseconds::zero(), timing.group_interval + slack, "GI");
  budget.shortest_fault = budget.firing.bounded() ? sum(budget.firing.latest - slack, timing.group_wait)
                                                  : StageWindow::kUnbounded;
  budget.fill = turns->fill;
  budget.remarks = turning.take_remarks();
  return budget;
}

}  // namespace obsctl::verifiers
