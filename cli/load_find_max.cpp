// obsctl load run --find-max: the capacity search, one run a rate.
#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/load_commands.hpp"
#include "cli/load_display.hpp"
#include "cli/load_watch.hpp"
#include "core/file.hpp"
#include "loadgen/capacity.hpp"
#include "loadgen/load_run.hpp"

namespace obsctl::cli {

using core::Result;

namespace {

/// A search changes the rate itself and judges by its own condition.
Result<void> check_search(const LoadOptions& options) {
  const std::pair<const char*, bool> others[] = {{"--concurrency", options.concurrency > 0},
                                                 {"--stage", !options.stages.empty()},
                                                 {"--sine", !options.sine.empty()},
                                                 {"--requests", options.requests > 0},
                                                 {"--fail-if", !options.fail_if.empty()},
                                                 {"--abort-if", !options.abort_if.empty()},
                                                 {"--csv", !options.csv.empty()},
                                                 {"--prometheus", !options.prometheus.empty()},
                                                 {"--metrics", !options.metrics.empty()},
                                                 {"--stripe", !options.stripe.empty()},
                                                 {"--feed-order unique", options.feed_order == "unique"}};
  for (const auto& [flag, given] : others) {
    if (!given) continue;
    return core::make_error(core::ErrorKind::usage, fmt::format("--find-max excludes {}", flag),
                            "the search sets the rate and judges each one by its own condition");
  }
  return {};
}

Result<loadgen::CapacityPoint> probe(double rate, loadgen::LoadPlan plan, const loadgen::Condition& condition,
                                     const LoadOptions& options, Context& context) {
  plan.arrivals.rate =
      core::Rate{std::max<std::int64_t>(1, static_cast<std::int64_t>(rate)), std::chrono::seconds(1)};
  auto run = loadgen::LoadRun::start(std::move(plan), context.log);
  if (!run) return run.error();
  LoadProgress progress(options.quiet, context.terminal_err);
  watch_load(**run, {}, progress, nullptr, context);
  const loadgen::Summary summary = (*run)->stop(context.urgent);
  if (context.stop.stop_requested()) return core::make_error(core::ErrorKind::cancelled, "");
  if (summary.counts.completed() > 0 && summary.statuses.empty()) {
    return core::make_error(core::ErrorKind::unavailable,
                            fmt::format("{} answered not one request", summary.target));
  }
  loadgen::CapacityPoint point;
  point.asked = summary.asked_rate;
  point.achieved = summary.achieved_rate;
  point.error_ratio = summary.counts.error_ratio();
  point.response_time = loadgen::quantiles_of(summary.response_time);
  point.generator_limited = summary.generator_limited.limited;
  point.good = condition.holds(summary) && summary.achieved_rate >= 0.98 * summary.asked_rate;
  if (!options.quiet) {
    progress.clear();
    tell("{:>10.0f}/s  {}  {}\n", point.asked, condition.measured(summary), point.good ? "good" : "too much");
  }
  return point;
}

nlohmann::json to_document(const loadgen::Capacity& capacity, const std::string& condition) {
  nlohmann::json curve = nlohmann::json::array();
  for (const loadgen::CapacityPoint& point : capacity.curve) {
    curve.push_back({{"asked", point.asked},
                     {"achieved", point.achieved},
                     {"error_ratio", point.error_ratio},
                     {"response_time", point.response_time},
                     {"good", point.good},
                     {"generator_limited", point.generator_limited}});
  }
  return {{"schema", 1},
          {"kind", "capacity"},
          {"condition", condition},
          {"knee", capacity.knee},
          {"upper_bound_found", capacity.upper_bound_found},
          {"curve", std::move(curve)}};
}

}  // namespace

Result<int> find_max(const LoadOptions& options, const loadgen::LoadPlan& plan, Context& context) {
  const auto checked = check_search(options);
  if (!checked) return checked.error();
  const auto conditions = conditions_from("--find-max", {options.find_max});
  if (!conditions) return conditions.error();
  const loadgen::Condition& condition = conditions->front();
  const auto highest = rate_of("--max-rate", options.max_rate);
  if (!highest) return highest.error();
  loadgen::CapacityLimits limits;
  limits.first = plan.arrivals.rate.per_second();
  limits.highest = highest->per_second();
  const auto capacity = loadgen::find_capacity(
      limits, [&](double rate) { return probe(rate, plan, condition, options, context); });
  if (!capacity) return capacity.error();
  const nlohmann::json document = to_document(*capacity, condition.text());
  if (!options.output.empty()) {
    const auto written = core::write_file(options.output, document.dump(1) + "\n");
    if (!written) return written.error();
  }
  if (options.json) {
    fmt::print("{}\n", document.dump(1));
  } else {
    fmt::print("{}", capacity_text(*capacity, condition.text()));
  }
  if (capacity->knee == 0) return int{kFailed};
  return int{capacity->upper_bound_found ? kPassed : kInconclusive};
}

}  // namespace obsctl::cli
