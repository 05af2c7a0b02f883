// See planner.hpp. Everything that is known before the start is said before the start.
#include "scenarios/planner.hpp"

#include <algorithm>
#include <iterator>

#include <fmt/format.h>

#include "core/text.hpp"
#include "scenarios/library.hpp"
#include "scenarios/notification_forecast.hpp"
#include "scenarios/whole_plan.hpp"
#include "verifiers/rule_shape.hpp"
#include "verifiers/rule_timing.hpp"

namespace obsctl::scenarios {

using core::Error;
using core::ErrorKind;
using core::Result;
using verifiers::Budget;
using verifiers::FaultStep;
using verifiers::RuleShape;
using verifiers::StageWindow;

namespace {

/// What a fault does to the quantity that a rule of this shape looks at, as far as it can be said beforehand.
FaultStep step_of(const FaultSpec& fault, const RuleShape& shape) {
  const FaultEffect& effect = fault.effect;
  // What is not answered is in no counter of the service's own.
  if (shape.kind == RuleShape::Kind::ratio && effect.failing > 0 && effect.status != 0 && effect.everywhere) {
    return shape.falls_below ? FaultStep{1, 1 - effect.failing} : FaultStep{0, effect.failing};
  }
  if (shape.kind == RuleShape::Kind::quantile && effect.delayed > 0 && effect.everywhere &&
      core::to_seconds(effect.delay) >= shape.latency) {
    return {0, effect.delayed};
  }
  return {shape.falls_below ? 1.0 : 0.0, std::nullopt};
}

/// How long back a rule looks, and two scrapes more, so that its window holds nothing but load.
Nanoseconds settle_of(const RuleShape& shape, const verifiers::RuleTiming& timing) {
  return shape.window + shape.extra_delay + 2 * timing.scrape_interval;
}

class Planner {
 public:
  Planner(const Scenario& scenario, const Situation& situation)
      : scenario_(scenario), situation_(situation), recorded_(recorded_series(situation.groups)) {}

  Result<Plan> make() {
    for (const verifiers::RuleGroup& group : situation_.groups) {
      plan_.evaluation_interval = std::max(plan_.evaluation_interval, group.interval);
    }
    add_looks("before");
    for (const AlertExpectation& alert : scenario_.alerts) add_alert(alert);
    for (const SuppressionExpectation& suppression : scenario_.suppressions) add_suppression(suppression);
    for (const NotificationExpectation& notification : scenario_.notifications)
      add_notification(notification);
    for (const QueryExpectation& query : scenario_.queries) add_query(query);
    for (const std::string& text : impossible_orders(plan_)) remark(text);
    order_by_stage();
    add_looks("after");
    add_thresholds();
    add_nothing_else();
    std::vector<Error> too_short = short_faults(scenario_, plan_);
    std::move(too_short.begin(), too_short.end(), std::back_inserter(problems_));
    if (!problems_.empty()) return joined(problems_);
    plan_.longest = longest_run(scenario_, plan_);
    return std::move(plan_);
  }

 private:
  void reject(std::string message, std::string hint = {}) {
    problems_.push_back(core::make_error(ErrorKind::invalid_input, std::move(message), std::move(hint)));
  }

  void remark(const std::string& text) {
    if (std::find(plan_.remarks.begin(), plan_.remarks.end(), text) == plan_.remarks.end()) {
      plan_.remarks.push_back(text);
    }
  }

  RuleShape shape_of(const verifiers::Rule& rule) const {
    RuleShape shape = verifiers::recognise_rule(rule.query, recorded_);
    const auto bounds = situation_.buckets.find(shape.histogram);
    return bounds == situation_.buckets.end() ? shape : with_buckets(std::move(shape), bounds->second);
  }

  /// The labels that an alert will carry, as far as they are known beforehand.
  static Labels labels_of(const verifiers::Rule& rule, const Labels& expected) {
    Labels labels = verifiers::labels_of(rule);
    labels.insert(expected.begin(), expected.end());
    return labels;
  }

  /// The rule of an alert, planned once for each fault that causes it. Null when it cannot be; the reason has
  /// been kept.
  const PlannedRule* planned(const std::string& alert, const Labels& labels, const std::string& cause) {
    const auto known = planned_.find({alert, cause});
    if (known != planned_.end()) return known->second ? &*known->second : nullptr;
    const verifiers::RuleGroup* group = nullptr;
    const verifiers::Rule* rule = situation_.rule(alert, &group);
    std::optional<PlannedRule>& slot = planned_[{alert, cause}];
    if (rule == nullptr) {
      const std::vector<std::string> names = situation_.alert_names();
      reject(fmt::format("Prometheus has loaded no alerting rule \"{}\"{}", alert,
                         core::did_you_mean(alert, names)),
             names.empty() ? "it has loaded no alerting rule at all"
                           : fmt::format("there is {}", fmt::join(names, ", ")));
      return nullptr;
    }
    slot = plan_rule(*group, *rule, labels, cause);
    if (slot) plan_.rules.push_back(*slot);
    return slot ? &*slot : nullptr;
  }

  std::optional<PlannedRule> plan_rule(const verifiers::RuleGroup& group, const verifiers::Rule& rule,
                                       const Labels& labels, const std::string& cause) {
    PlannedRule result{rule.name, group.name, group.file, rule.query,  {},
                       {},        {},         {},         rule.labels, rule.annotations};
    const RuleShape shape = shape_of(rule);
    result.shape = shape.summary;
    verifiers::Route route;
    route.group_wait = route.group_interval = Nanoseconds::zero();
    if (situation_.alertmanager) {
      const auto routes = routes_for(*situation_.alertmanager, labels_of(rule, labels));
      for (const verifiers::Route* one : routes) result.receivers.push_back(one->receiver);
      if (!routes.empty()) route = *routes.front();
    }
    result.timing = rule_timing(group, rule, shape, situation_.targets, route);
    const FaultSpec* fault = scenario_.fault(cause);
    if (fault != nullptr && fault->kind == "pause") {
      for (const verifiers::ScrapeTarget& target : situation_.targets) {
        result.timing.scrape_timeout = std::max(result.timing.scrape_timeout, target.scrape_timeout);
      }
    }
    auto budget = derive_budget(shape, result.timing, fault == nullptr ? FaultStep{} : step_of(*fault, shape),
                                kBudgetSlack);
    if (!budget) {
      reject(fmt::format("{} cannot be caused by fault \"{}\": {}", rule.name, cause, budget.error().message),
             budget.error().hint);
      return std::nullopt;
    }
    for (const std::string& text : budget->remarks) remark(fmt::format("{}: {}", rule.name, text));
    result.budget = std::move(*budget);
    plan_.settle = std::max(plan_.settle, settle_of(shape, result.timing));
    return result;
  }

  void set_budget(Expectation& expectation, const Within& within, const StageWindow& window) {
    expectation.earliest = window.earliest;
    if (!within.automatic) {
      expectation.budget = within.limit;
      expectation.derivation = "given in the scenario";
      if (within.limit < window.earliest) {
        reject(
            fmt::format("{}: within {} is shorter than the stage can take; {} at the least", expectation.id,
                        core::format_rounded(within.limit), core::format_rounded(window.earliest)),
            "use \"auto\" for the derived budget");
      }
      return;
    }
    if (window.bounded()) expectation.budget = window.latest;
    expectation.loose = window.loose;
    expectation.derivation = window.derivation;
  }

  void add_alert(const AlertExpectation& alert) {
    const PlannedRule* rule = planned(alert.name, alert.labels, alert.caused_by);
    if (rule == nullptr) return;
    for (const std::string& text : labels_set_otherwise(*situation_.rule(alert.name), alert.labels))
      remark(text);
    const auto add = [&](const Within& within, const char* stage, const StageWindow& window) {
      if (!within.expected) return;
      Expectation expectation;
      expectation.kind = Expectation::Kind::alert;
      expectation.id = fmt::format("alert.{}.{}", alert.name, stage);
      expectation.stage = stage;
      expectation.fault = alert.caused_by;
      expectation.alert = alert.name;
      expectation.labels = alert.labels;
      set_budget(expectation, within, window);
      plan_.expectations.push_back(std::move(expectation));
    };
    add(alert.pending, "pending", rule->budget.pending);
    add(alert.firing, "firing", rule->budget.firing);
    add(alert.inactive, "inactive", rule->budget.inactive);
  }

  void add_suppression(const SuppressionExpectation& suppression) {
    const PlannedRule* rule = planned(suppression.alert, {}, suppression.caused_by);
    if (rule == nullptr) return;
    Expectation expectation;
    expectation.kind = Expectation::Kind::suppressed;
    expectation.id = fmt::format("suppressed.{}.{}", suppression.alert, suppression.by);
    expectation.stage = "suppressed";
    expectation.fault = suppression.caused_by;
    expectation.alert = suppression.alert;
    expectation.by = suppression.by;
    // Alertmanager is asked again and again, not told: one more second.
    StageWindow window = rule->budget.firing;
    if (window.bounded()) window.latest += std::chrono::seconds(1);
    set_budget(expectation, {true, suppression.within.count() == 0, suppression.within}, window);
    plan_.expectations.push_back(std::move(expectation));
  }

  /// The windows of a notification on its own route; those of the alert's first route were only a stand-in.
  std::optional<Budget> budget_on_route(const NotificationExpectation& notification,
                                        const PlannedRule& rule) {
    if (!situation_.alertmanager) return rule.budget;
    const verifiers::RuleGroup* group = nullptr;
    const verifiers::Rule* loaded = situation_.rule(notification.alert, &group);
    Labels expected = expected_labels(notification.alert);
    expected.insert(notification.content.labels.begin(), notification.content.labels.end());
    const Labels labels = labels_of(*loaded, expected);
    const verifiers::Route* route = route_to(*situation_.alertmanager, labels, notification.receiver);
    if (route == nullptr) {
      remark(fmt::format("{} is not routed to \"{}\" (its routes lead to {}): no notification can arrive",
                         notification.alert, notification.receiver, fmt::join(rule.receivers, ", ")));
      return rule.budget;
    }
    Forecast told = forecast(notification, *loaded, labels, *situation_.alertmanager, *route);
    for (const std::string& text : told.remarks) remark(text);
    std::move(told.refusals.begin(), told.refusals.end(), std::back_inserter(problems_));
    const RuleShape shape = shape_of(*loaded);
    verifiers::RuleTiming timing = rule.timing;
    timing.group_wait = route->group_wait;
    timing.group_interval = route->group_interval;
    const FaultSpec* fault = scenario_.fault(notification.caused_by);
    auto budget =
        derive_budget(shape, timing, fault == nullptr ? FaultStep{} : step_of(*fault, shape), kBudgetSlack);
    return budget ? std::optional(std::move(*budget)) : std::nullopt;
  }

  Labels expected_labels(const std::string& alert) const {
    for (const AlertExpectation& expectation : scenario_.alerts) {
      if (expectation.name == alert) return expectation.labels;
    }
    return {};
  }

  void add_notification(const NotificationExpectation& notification) {
    const PlannedRule* rule =
        planned(notification.alert, expected_labels(notification.alert), notification.caused_by);
    if (rule == nullptr) return;
    const std::optional<Budget> budget = budget_on_route(notification, *rule);
    if (!budget) return;
    StageWindow notified = budget->notified;
    if (!situation_.fresh) {
      // Its group may be left over from an earlier alert; then it waits for the group's next turn.
      const StageWindow& existing = budget->notified_existing_group;
      if (existing.latest > notified.latest) {
        notified.latest = existing.latest;
        notified.derivation = existing.derivation;
      }
      notified.earliest = std::min(notified.earliest, existing.earliest);
    }
    const auto add = [&](const Within& within, const char* stage, const StageWindow& window,
                         const std::optional<std::int64_t>& count) {
      if (!within.expected) return;
      Expectation expectation;
      expectation.kind = Expectation::Kind::notification;
      expectation.id = fmt::format("notification.{}.{}.{}", notification.alert, notification.receiver, stage);
      expectation.stage = stage;
      expectation.fault = notification.caused_by;
      expectation.alert = notification.alert;
      expectation.receiver = notification.receiver;
      expectation.count = count;
      expectation.content = notification.content;
      if (expectation.on_injection()) expectation.after = notification.after;
      set_budget(expectation, within, window);
      plan_.expectations.push_back(std::move(expectation));
    };
    add(notification.firing, "firing", notified, notification.firing_count);
    add(notification.resolved, "resolved", budget->resolved, notification.resolved_count);
    auto& shortest = plan_.shortest_fault[notification.caused_by];
    if (budget->shortest_fault != StageWindow::kUnbounded)
      shortest = std::max(shortest, budget->shortest_fault);
  }

  void add_query(const QueryExpectation& query) {
    Expectation expectation;
    expectation.kind = Expectation::Kind::query;
    expectation.id = fmt::format("query.{}", query.name);
    expectation.stage = "met";
    expectation.fault = query.caused_by;
    expectation.alert = query.name;
    expectation.budget = query.within;
    expectation.derivation = "given in the scenario";
    plan_.expectations.push_back(std::move(expectation));
  }

  /// What is looked at before the first fault, or after everything.
  void add_looks(const char* stage) {
    const auto add = [&](Expectation::Kind kind, const char* what, const std::string& name) {
      Expectation expectation;
      expectation.kind = kind;
      expectation.id = fmt::format("{}.{}.{}", what, name, stage);
      expectation.stage = stage;
      expectation.alert = name;
      plan_.expectations.push_back(std::move(expectation));
    };
    for (const SteadyState& state : scenario_.steady_states)
      add(Expectation::Kind::steady_state, "steady_state", state.name);
    for (const CheckStep& check : scenario_.checks) {
      if (std::string_view(stage) == "before" ? check.before : check.after)
        add(Expectation::Kind::check, "check", check.name);
    }
  }

  void add_thresholds() {
    for (const Threshold& threshold : scenario_.thresholds) {
      Expectation expectation;
      expectation.kind = Expectation::Kind::threshold;
      expectation.id = fmt::format("threshold.{}.{}.{}", threshold.load, threshold.metric, threshold.phase);
      expectation.alert = threshold.load;
      expectation.metric = threshold.metric;
      expectation.phase = threshold.phase;
      expectation.bounds = threshold.bounds;
      plan_.expectations.push_back(std::move(expectation));
    }
  }

  void add_nothing_else() {
    if (!scenario_.nothing_else) return;
    Expectation expectation;
    expectation.kind = Expectation::Kind::nothing_else;
    expectation.id = "nothing_else";
    expectation.allowed = scenario_.nothing_else->allow;
    for (const AlertExpectation& alert : scenario_.alerts)
      expectation.allowed.push_back({alert.name, {}, {}, {}});
    for (const SuppressionExpectation& one : scenario_.suppressions) {
      expectation.allowed.push_back({one.alert, {}, {}, {}});
    }
    plan_.expectations.push_back(std::move(expectation));
    plan_.watch = scenario_.nothing_else->watch.value_or(scenario_.alerts.empty() ? long_enough()
                                                                                  : Nanoseconds::zero());
  }

  /// How long a rule that the fault has touched can take to fire.
  Nanoseconds long_enough() const {
    Nanoseconds longest{};
    for (const verifiers::RuleGroup& group : situation_.groups) {
      for (const verifiers::Rule& rule : group.rules) {
        if (!rule.alerting) continue;
        const RuleShape shape = shape_of(rule);
        const verifiers::RuleTiming timing = rule_timing(group, rule, shape, situation_.targets, {});
        longest = std::max(longest, shape.window + shape.extra_delay + rule.hold + timing.scrape_interval +
                                        2 * group.interval);
      }
    }
    return longest;
  }

  static int rank(const Expectation& expectation) {
    if (expectation.stage == "before") return 0;
    if (expectation.stage == "pending") return 1;
    if (expectation.kind == Expectation::Kind::alert && expectation.stage == "firing") return 2;
    if (expectation.on_injection()) return 3;
    return expectation.kind == Expectation::Kind::alert ? 4 : 5;
  }

  void order_by_stage() {
    std::stable_sort(plan_.expectations.begin(), plan_.expectations.end(),
                     [](const Expectation& a, const Expectation& b) { return rank(a) < rank(b); });
  }

  const Scenario& scenario_;
  const Situation& situation_;
  const std::map<std::string, verifiers::RecordedSeries> recorded_;
  std::map<std::pair<std::string, std::string>, std::optional<PlannedRule>> planned_;
  std::vector<Error> problems_;
  Plan plan_;
};

}  // namespace

Result<Plan> make_plan(const Scenario& scenario, const Situation& situation) {
  return Planner(scenario, situation).make();
}

}  // namespace obsctl::scenarios
