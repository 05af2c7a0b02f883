#include "scenarios/rule_samples.hpp"

#include <algorithm>
#include <cmath>
#include <set>
#include <string>

#include "verifiers/rule_conditions.hpp"

namespace obsctl::scenarios {

namespace {

using verifiers::RuleCondition;

// Enough for a chart, little enough for a journal.
constexpr int kMostPoints = 400;
constexpr std::size_t kMostSeries = 10;

/// Twice in each evaluation, so that no step is overlooked; less often in a long run.
Nanoseconds step_for(const PlannedRule& rule, Nanoseconds length) {
  const Nanoseconds often =
      std::max<Nanoseconds>(rule.timing.evaluation_interval / 2, std::chrono::seconds(1) / 10);
  return std::max(often, length / kMostPoints);
}

Json values_json(const verifiers::Series& series, core::WallTime start) {
  Json values = Json::array();
  for (const verifiers::Series::Point& point : series.points) {
    const double seconds = std::round(core::to_seconds(point.at - start) * 1e3) / 1e3;
    Json value = std::isfinite(point.value) ? Json(point.value) : Json();
    values.push_back(Json::array({seconds, std::move(value)}));
  }
  return values;
}

Json samples_json(const PlannedRule& rule, const RuleCondition& condition, Nanoseconds step,
                  const std::vector<verifiers::Series>& all, core::WallTime start) {
  Json fields{{"alert", rule.alert}, {"expression", condition.quantity}};
  if (!condition.operation.empty()) {
    fields["operation"] = condition.operation;
    fields["threshold"] = condition.bound;
  }
  fields["step_s"] = core::to_seconds(step);
  fields["series"] = Json::array();
  for (std::size_t i = 0; i < std::min(all.size(), kMostSeries); ++i) {
    fields["series"].push_back({{"labels", all[i].labels}, {"values", values_json(all[i], start)}});
  }
  if (all.size() > kMostSeries) fields["left_out"] = all.size() - kMostSeries;
  return fields;
}

/// What can be drawn of a rule: its comparisons, or the whole where it has none.
std::vector<RuleCondition> drawn_of(const PlannedRule& rule) {
  std::vector<RuleCondition> conditions = verifiers::conditions_of(rule.query);
  if (conditions.empty()) conditions.push_back({rule.query, "", 0});
  return conditions;
}

}  // namespace

void append_rule_samples(Journal& journal, verifiers::PrometheusClient& prometheus, const Plan& plan,
                         core::WallTime from, core::WallTime to, const std::stop_token& stop) {
  std::set<std::string> told;  // a rule that two faults trip is planned twice
  for (const PlannedRule& rule : plan.rules) {
    if (!told.insert(rule.alert).second) continue;
    const Nanoseconds step = step_for(rule, to - from);
    for (const RuleCondition& condition : drawn_of(rule)) {
      const auto series = prometheus.query_range(condition.quantity, from, to, step, stop);
      if (!series) return;  // whoever does not answer once will not answer the next time either
      journal.append("rule.samples", samples_json(rule, condition, step, *series, journal.start()));
    }
  }
}

}  // namespace obsctl::scenarios
