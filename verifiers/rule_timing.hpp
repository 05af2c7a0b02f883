// The intervals around a rule, gathered from what Prometheus and Alertmanager report.
#pragma once

#include <map>
#include <stop_token>
#include <string>
#include <vector>

#include "verifiers/alertmanager_config.hpp"
#include "verifiers/prometheus_client.hpp"
#include "verifiers/rule_shape.hpp"
#include "verifiers/timing_budget.hpp"

namespace obsctl::verifiers {

/// The targets that a rule's selectors can be about: those that agree with the equality matchers on every
/// label that targets have (job, instance, …). All of them where the selectors name none.
std::vector<const ScrapeTarget*> targets_behind(const RuleShape& shape,
                                                const std::vector<ScrapeTarget>& targets);

/// S is the longest scrape interval among the targets behind the rule (0 where there are none), the group's
/// timers are those of `route`. `scrape_timeout` is left at 0: whether a target hangs depends on the fault.
RuleTiming rule_timing(const RuleGroup& group, const Rule& rule, const RuleShape& shape,
                       const std::vector<ScrapeTarget>& targets, const Route& route);

/// The recording rules of all groups, as `recognise_rule` takes them.
std::map<std::string, RecordedSeries> recorded_series(const std::vector<RuleGroup>& groups);

/// The bucket bounds that a histogram (its "…_bucket" metric, as RuleShape::histogram names it) has now,
/// rising, for `with_buckets`. Empty where there is no such series. Errors: PrometheusClient's.
Result<std::vector<double>> bucket_bounds(PrometheusClient& prometheus, const std::string& histogram,
                                          const std::stop_token& stop = {});

}  // namespace obsctl::verifiers
