// The pure half of the observer: two looks at the rules in, transitions and findings out.
//
// A look is not taken at one instant. Prometheus answers with each rule's alerts first and its lastEvaluation
// after that, and while an evaluation runs the alerts are ahead of lastEvaluation by one. What follows from a
// look is therefore right to one evaluation, and to the nanosecond unless an evaluation ran at that very
// moment; the ALERTS series settle the rest
// (`refine_with`).
#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "verifiers/alert_observer.hpp"
#include "verifiers/evaluation_grid.hpp"

namespace obsctl::verifiers {

namespace {

const RuleGroup* find_group(const RulesSnapshot* snapshot, const RuleGroup& like) {
  if (snapshot == nullptr) return nullptr;
  for (const RuleGroup& group : snapshot->groups) {
    if (group.name == like.name && group.file == like.file) return &group;
  }
  return nullptr;
}

/// The rule of `group` that is `like`, which is one of `home`: same name and labels and, where several have
/// those, the same one in order among them.
const Rule* find_rule(const RuleGroup* group, const RuleGroup& home, const Rule& like) {
  if (group == nullptr) return nullptr;
  const auto same = [&](const Rule& rule) {
    return rule.alerting == like.alerting && rule.name == like.name && rule.labels == like.labels;
  };
  auto ahead = std::count_if(home.rules.data(), &like, same);
  for (const Rule& rule : group->rules) {
    if (same(rule) && ahead-- == 0) return &rule;
  }
  return nullptr;
}

const ActiveAlert* find_instance(const Rule* rule, const Labels& labels) {
  if (rule == nullptr) return nullptr;
  for (const ActiveAlert& alert : rule->alerts) {
    if (alert.labels == labels) return &alert;
  }
  return nullptr;
}

/// What two looks show of one rule, as transitions.
class RuleDiff {
 public:
  /// `before` is null when the rule was not loaded at the look before, or there was none; `after` when it is
  /// not any more.
  RuleDiff(const RuleGroup& group, const Rule* before, const Rule* after, bool first_look, WallTime seen_at)
      : group_(group), before_(before), after_(after), first_look_(first_look), seen_at_(seen_at) {}

  std::vector<AlertTransition> run() && {
    if (before_ != nullptr) {
      for (const ActiveAlert& old : before_->alerts) look_for_end(old);
    }
    if (after_ != nullptr) {
      for (const ActiveAlert& now : after_->alerts) look_for_rise(now);
    }
    return std::move(transitions_);
  }

 private:
  /// When the rule was last evaluated before each look, by Prometheus' clock.
  WallTime evaluated_before() const {
    return before_ == nullptr ? WallTime::min() : before_->last_evaluation;
  }
  WallTime evaluated_until() const { return after_ == nullptr ? seen_at_ : after_->last_evaluation; }

  void look_for_end(const ActiveAlert& old) {
    const ActiveAlert* now = find_instance(after_, old.labels);
    if (now != nullptr && now->active_at == old.active_at) return;
    const EvaluationGrid grid(old.active_at, group_.interval);
    const WallTime first = grid.begun_at(evaluated_before()) + grid.interval();
    if (after_ == nullptr) {
      // The rule itself has gone, at any time.
      add(old, old.state, AlertState::inactive, evaluated_before(), evaluated_until());
    } else if (now != nullptr) {
      // It ended and began again: the end was at least one evaluation before the beginning.
      const WallTime last = grid.begun_at(now->active_at) - grid.interval();
      add(old, old.state, AlertState::inactive, std::min(first, last), last);
    } else {
      add(old, old.state, AlertState::inactive, first, std::max(first, grid.begun_at(evaluated_until())));
    }
  }

  void look_for_rise(const ActiveAlert& now) {
    const ActiveAlert* old = find_instance(before_, now.labels);
    const bool known = old != nullptr && old->active_at == now.active_at;
    if (!known) {
      AlertTransition& began =
          add(now, AlertState::inactive, AlertState::pending, now.active_at, now.active_at);
      began.source = TimeSource::active_at;
    }
    if (now.state != AlertState::firing || (known && old->state == AlertState::firing)) return;
    add_firing(now, known);
  }

  /// Fires at the first evaluation with ts − activeAt ≥ for.
  void add_firing(const ActiveAlert& now, bool was_pending) {
    const EvaluationGrid grid(now.active_at, group_.interval);
    const WallTime due = grid.ceil(now.active_at + after_->hold);
    const WallTime until = grid.begun_at(evaluated_until());
    const WallTime pending_at = was_pending ? grid.begun_at(evaluated_before()) : WallTime::min();
    WallTime first = due, last = due;
    if (until + grid.interval() < due) {
      // Not on its grid: restored after a restart of Prometheus, or `for` or the interval has been changed.
      first = was_pending ? evaluated_before() : now.active_at;
      last = evaluated_until();
    } else if (pending_at >= due) {
      // It was pending when it should have fired: the evaluation due was missed, or `for` has been changed.
      first = pending_at;
      last = std::max(until, pending_at + grid.interval());
    }
    add(now, AlertState::pending, AlertState::firing, first, last);
  }

  AlertTransition& add(const ActiveAlert& alert, AlertState from, AlertState to, WallTime first,
                       WallTime last) {
    AlertTransition made;
    made.group = group_.name;
    made.name = after_ == nullptr ? before_->name : after_->name;
    made.labels = alert.labels;
    made.annotations = alert.annotations;
    made.from = from;
    made.to = to;
    made.at = last;
    made.not_before = first;
    made.source = first == last ? TimeSource::evaluation : TimeSource::window;
    made.seen_at = seen_at_;
    made.value = alert.value;
    made.active_at = alert.active_at;
    made.evaluation_interval = group_.interval;
    made.preexisting = first_look_;
    return transitions_.emplace_back(std::move(made));
  }

  const RuleGroup& group_;
  const Rule* before_;
  const Rule* after_;
  const bool first_look_;
  const WallTime seen_at_;
  std::vector<AlertTransition> transitions_;
};

std::vector<AlertTransition> transitions_between(const RulesSnapshot* previous, const RulesSnapshot& next) {
  std::vector<AlertTransition> all;
  const auto take = [&](RuleDiff&& rule) {
    std::vector<AlertTransition> some = std::move(rule).run();
    std::move(some.begin(), some.end(), std::back_inserter(all));
  };
  for (const RuleGroup& group : next.groups) {
    const RuleGroup* before = find_group(previous, group);
    for (const Rule& rule : group.rules) {
      if (!rule.alerting) continue;
      take(RuleDiff(group, find_rule(before, group, rule), &rule, previous == nullptr, next.taken_at));
    }
  }
  if (previous == nullptr) return all;
  // Alerts of rules that are not loaded any more have ended too.
  for (const RuleGroup& group : previous->groups) {
    const RuleGroup* now = find_group(&next, group);
    for (const Rule& rule : group.rules) {
      if (!rule.alerting || find_rule(now, group, rule) != nullptr) continue;
      take(RuleDiff(group, &rule, nullptr, false, next.taken_at));
    }
  }
  return all;
}

std::vector<ObserverFinding> gone_rules(const RulesSnapshot& previous, const RulesSnapshot& next) {
  std::vector<ObserverFinding> findings;
  for (const RuleGroup& group : previous.groups) {
    const RuleGroup* now = find_group(&next, group);
    for (const Rule& rule : group.rules) {
      if (find_rule(now, group, rule) != nullptr) continue;
      findings.push_back({ObserverFinding::Kind::rule_gone, group.name, rule.name,
                          fmt::format("rule {} of group {} is not loaded any more", rule.name, group.name)});
    }
  }
  return findings;
}

}  // namespace

RulesSnapshot make_snapshot(std::vector<RuleGroup> groups, WallTime taken_at, const RulesSnapshot* previous) {
  RulesSnapshot snapshot{taken_at, std::move(groups), {}};
  for (RuleGroup& group : snapshot.groups) {
    const RuleGroup* before = find_group(previous, group);
    const bool stands = before != nullptr && before->last_evaluation == group.last_evaluation;
    snapshot.advanced_at.push_back(
        stands ? previous->advanced_at[static_cast<std::size_t>(before - previous->groups.data())]
               : taken_at);
    for (Rule& rule : group.rules) {
      const Rule* known = find_rule(before, group, rule);
      if (known == nullptr || known->alerts.empty() || rule.last_evaluation != WallTime::min()) continue;
      rule.alerts = known->alerts;
      rule.state = known->state;
      rule.last_evaluation = known->last_evaluation;
    }
  }
  return snapshot;
}

std::vector<ObserverFinding> findings_in(const RulesSnapshot& snapshot) {
  using Kind = ObserverFinding::Kind;
  std::vector<ObserverFinding> findings;
  for (std::size_t i = 0; i < snapshot.groups.size(); ++i) {
    const RuleGroup& group = snapshot.groups[i];
    const Nanoseconds patience = 2 * group.interval + std::chrono::seconds(1);
    if (snapshot.taken_at - snapshot.advanced_at[i] > patience) {
      findings.push_back(
          {Kind::evaluation_stalled, group.name, "",
           fmt::format("rule group {} is evaluated every {}, but has not been for more than {}", group.name,
                       core::format_duration(group.interval), core::format_duration(patience))});
    }
    for (const Rule& rule : group.rules) {
      if (rule.health == RuleHealth::err) {
        findings.push_back(
            {Kind::rule_unhealthy, group.name, rule.name,
             fmt::format("rule {}: its evaluation fails: {}", rule.name,
                         rule.last_error.empty() ? "Prometheus does not say why" : rule.last_error)});
      } else if (rule.health == RuleHealth::unknown) {
        findings.push_back({Kind::not_evaluated_yet, group.name, rule.name,
                            fmt::format("rule {} has not been evaluated yet", rule.name)});
      }
    }
  }
  return findings;
}

Observation diff(const RulesSnapshot* previous, const RulesSnapshot& next) {
  Observation observation{next.taken_at, transitions_between(previous, next), findings_in(next)};
  std::stable_sort(observation.transitions.begin(), observation.transitions.end(),
                   [](const AlertTransition& a, const AlertTransition& b) { return a.at < b.at; });
  if (previous == nullptr) return observation;
  const std::vector<ObserverFinding> known = findings_in(*previous);
  std::erase_if(observation.findings, [&](const ObserverFinding& finding) {
    return std::find(known.begin(), known.end(), finding) != known.end();
  });
  for (ObserverFinding& finding : gone_rules(*previous, next))
    observation.findings.push_back(std::move(finding));
  return observation;
}

}  // namespace obsctl::verifiers
