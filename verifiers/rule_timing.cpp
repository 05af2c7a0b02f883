// Gathers, and decides nothing: where targets differ the longest interval counts, since that bounds the rest.
#include "verifiers/rule_timing.hpp"

#include <algorithm>
#include <cstdlib>

namespace obsctl::verifiers {

namespace {

bool agrees(const ScrapeTarget& target, const RuleShape::Selector& selector) {
  return std::all_of(selector.labels.begin(), selector.labels.end(), [&](const auto& label) {
    // job and instance are always the target's; others may be the series' own.
    const auto found = target.labels.find(label.first);
    if (found == target.labels.end()) return label.first != "job" && label.first != "instance";
    return found->second == label.second;
  });
}

}  // namespace

std::vector<const ScrapeTarget*> targets_behind(const RuleShape& shape,
                                                const std::vector<ScrapeTarget>& targets) {
  std::vector<const ScrapeTarget*> behind;
  for (const ScrapeTarget& target : targets) {
    const bool wanted = shape.selectors.empty() || std::any_of(shape.selectors.begin(), shape.selectors.end(),
                                                               [&](const RuleShape::Selector& selector) {
                                                                 return agrees(target, selector);
                                                               });
    if (wanted) behind.push_back(&target);
  }
  return behind;
}

RuleTiming rule_timing(const RuleGroup& group, const Rule& rule, const RuleShape& shape,
                       const std::vector<ScrapeTarget>& targets, const Route& route) {
  RuleTiming timing;
  for (const ScrapeTarget* target : targets_behind(shape, targets)) {
    timing.scrape_interval = std::max(timing.scrape_interval, target->scrape_interval);
  }
  timing.evaluation_interval = group.interval;
  timing.hold = rule.hold;
  timing.keep_firing_for = rule.keep_firing_for;
  timing.query_offset = group.query_offset;
  timing.group_wait = route.group_wait;
  timing.group_interval = route.group_interval;
  return timing;
}

std::map<std::string, RecordedSeries> recorded_series(const std::vector<RuleGroup>& groups) {
  std::map<std::string, RecordedSeries> recorded;
  for (const RuleGroup& group : groups) {
    for (const Rule& rule : group.rules) {
      if (!rule.alerting) recorded.insert({rule.name, {rule.query, group.interval}});
    }
  }
  return recorded;
}

Result<std::vector<double>> bucket_bounds(PrometheusClient& prometheus, const std::string& histogram,
                                          const std::stop_token& stop) {
  const auto samples = prometheus.query("group by (le) (" + histogram + ")", stop);
  if (!samples) return samples.error();
  std::vector<double> bounds;
  for (const Sample& sample : *samples) {
    const std::string le(label_of(sample.labels, "le"));
    char* end = nullptr;
    const double bound = std::strtod(le.c_str(), &end);
    if (!le.empty() && *end == '\0') bounds.push_back(bound);
  }
  std::sort(bounds.begin(), bounds.end());
  return bounds;
}

}  // namespace obsctl::verifiers
