#include "scenarios/baseline.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace obsctl::scenarios {

namespace {

bool is_expected(const Scenario& scenario, const std::string& alert) {
  return std::any_of(scenario.alerts.begin(), scenario.alerts.end(),
                     [&](const AlertExpectation& one) { return one.name == alert; }) ||
         std::any_of(scenario.suppressions.begin(), scenario.suppressions.end(),
                     [&](const SuppressionExpectation& one) { return one.alert == alert; });
}

bool may_fire(const Scenario& scenario, const std::string& alert, const Labels& labels,
              const std::string& date) {
  if (!scenario.nothing_else) return true;
  const std::vector<AllowedAlert>& allowed = scenario.nothing_else->allow;
  return std::any_of(allowed.begin(), allowed.end(),
                     [&](const AllowedAlert& rule) { return rule.covers(alert, labels, date); });
}

}  // namespace

std::string unclean_rule(const Scenario& scenario, bool whole_stack, const verifiers::Rule& rule,
                         const std::string& date) {
  const bool expected = is_expected(scenario, rule.name);
  if (!expected && !whole_stack && !scenario.nothing_else) return {};
  if (rule.health == verifiers::RuleHealth::err) {
    return fmt::format("rule {} cannot be evaluated: {}", rule.name, rule.last_error);
  }
  if (rule.health == verifiers::RuleHealth::unknown) {
    return fmt::format("rule {} has not been evaluated yet", rule.name);
  }
  for (const verifiers::ActiveAlert& alert : rule.alerts) {
    // Pending alone is no trouble, but the pending of an expected alert is what will be measured.
    const bool firing = alert.state == verifiers::AlertState::firing;
    if (!expected && (!firing || may_fire(scenario, rule.name, alert.labels, date))) continue;
    return fmt::format("{} is {} already, since {}: {}", rule.name, to_string(alert.state),
                       core::format_utc(alert.active_at), verifiers::to_text(alert.labels));
  }
  return {};
}

BaselineLook look_at_baseline(const Scenario& scenario, bool whole_stack,
                              verifiers::PrometheusClient& prometheus, const core::Clock& clock,
                              const std::stop_token& stop) {
  BaselineLook look;
  const std::string date = core::format_utc(clock.wall_now()).substr(0, 10);
  const auto groups = prometheus.rules(stop);
  if (!groups) return {to_line(groups.error())};
  for (const verifiers::RuleGroup& group : *groups) {
    look.rules += group.rules.size();
    for (const verifiers::Rule& rule : group.rules) {
      look.problem = unclean_rule(scenario, whole_stack, rule, date);
      if (!look.problem.empty()) return look;
    }
  }
  const auto targets = prometheus.targets(stop);
  if (!targets) return {to_line(targets.error())};
  look.targets = targets->size();
  for (const verifiers::ScrapeTarget& target : *targets) {
    if (!whole_stack || target.up) continue;
    return {fmt::format("target {} is {}: {}", target.scrape_url, target.health, target.last_error)};
  }
  if (scenario.notifications.empty()) return look;
  const auto found = prometheus.alertmanagers(stop);
  if (!found) return {to_line(found.error())};
  if (found->empty()) return {"Prometheus has found no Alertmanager to send alerts to"};
  return look;
}

}  // namespace obsctl::scenarios
