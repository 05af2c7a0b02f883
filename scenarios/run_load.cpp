#include "scenarios/run_load.hpp"

#include <array>

#include <fmt/format.h>

#include "core/http_client.hpp"

namespace obsctl::scenarios {

namespace {

// How late the generator may be (p99) before a run is inconclusive. Rules look at windows of seconds, which a
// quarter of a second does not change; response times count from when a request was due, so lateness can only
// make them look worse.
constexpr core::Nanoseconds kLagLimit = std::chrono::milliseconds(250);
// The part of the requests due before the fault that has to be sent, whoever was the limit: what a rule sees
// is the load that arrives.
constexpr double kSentLimit = 0.98;

constexpr std::array kPhases{kBeforeFault, kInjecting, kDuringFault, kClearing, kAfterFault};
constexpr std::array kMetrics{"error_ratio",  "achieved_rate", "response_p50", "response_p90", "response_p95",
                              "response_p99", "service_p50",   "service_p90",  "service_p95",  "service_p99"};

std::optional<core::Nanoseconds> quantile(const loadgen::Quantiles& quantiles, std::string_view name) {
  if (name == "p50") return quantiles.p50;
  if (name == "p90") return quantiles.p90;
  if (name == "p95") return quantiles.p95;
  if (name == "p99") return quantiles.p99;
  return std::nullopt;
}

Json metrics_json(const loadgen::Statistics& statistics) {
  Json json{{"completed", statistics.counts.completed()}, {"length_s", core::to_seconds(statistics.length)}};
  for (const char* metric : kMetrics) {
    if (const auto value = metric_of(statistics, metric)) json[metric] = *value;
  }
  return json;
}

Json windows_json(const std::vector<loadgen::Window>& windows) {
  Json list = Json::array();
  for (const loadgen::Window& window : windows) {
    list.push_back({{"start_s", window.start_s()},
                    {"length_s", core::to_seconds(window.length)},
                    {"asked", window.counts.scheduled},
                    {"sent", window.counts.sent},
                    {"errors", window.counts.errors()},
                    {"p50_s", core::to_seconds(window.p50)},
                    {"p95_s", core::to_seconds(window.p95)},
                    {"p99_s", core::to_seconds(window.p99)},
                    {"lag_p99_s", core::to_seconds(window.lag_p99)}});
  }
  return list;
}

core::Result<loadgen::LoadPlan> plan_of(const Load& load, const std::string& url) {
  loadgen::LoadPlan plan = load.plan;
  const auto target = core::parse_url(url);
  if (!target) return target.error();
  plan.target = *target;
  plan.first_phase = kBeforeFault;
  plan.drain_timeout = std::chrono::seconds(2);
  plan.lag_limit = kLagLimit;
  return plan;
}

/// Why the load is not what the scenario asked for; empty when it is.
std::string shortfall(const std::string& name, const loadgen::Statistics& before_fault,
                      const loadgen::GeneratorLimited& limited) {
  if (limited.limited) return fmt::format("load {}: {}", name, limited.reason);
  const loadgen::Counts& counts = before_fault.counts;
  // What became due in the last moments may still be on its way, and of a phase that has just begun that is
  // all.
  if (before_fault.length <= kLagLimit) return {};
  const double on_its_way = core::to_seconds(kLagLimit) / core::to_seconds(before_fault.length);
  if (static_cast<double>(counts.sent) >= (kSentLimit - on_its_way) * static_cast<double>(counts.scheduled)) {
    return {};
  }
  return fmt::format("load {}: only {} of the {} requests due before the fault were sent", name, counts.sent,
                     counts.scheduled);
}

}  // namespace

std::optional<double> metric_of(const loadgen::Statistics& statistics, const std::string& metric) {
  if (metric == "error_ratio") return statistics.error_ratio();
  if (metric == "achieved_rate") {
    const double seconds = core::to_seconds(statistics.length);
    return seconds > 0 ? static_cast<double>(statistics.counts.sent) / seconds : 0;
  }
  const std::size_t split = metric.find('_');
  if (split == std::string::npos) return std::nullopt;
  const std::string kind = metric.substr(0, split);
  if (kind != "response" && kind != "service") return std::nullopt;
  const auto value = quantile(kind == "response" ? statistics.response_time : statistics.service_time,
                              metric.substr(split + 1));
  return value ? std::optional(core::to_seconds(*value)) : std::nullopt;
}

core::Result<void> RunLoad::start(const Scenario& scenario, const std::map<std::string, FaultPlace>& places) {
  for (const Load& load : scenario.loads) {
    const std::string& url = places.at(load.target).url;
    auto plan = plan_of(load, url);
    if (!plan) return plan.error();
    const std::uint64_t seed = plan->seed;
    auto run = loadgen::LoadRun::start(std::move(*plan), log_);
    if (!run) return run.error();
    loads_.push_back({load, std::move(*run)});
    journal_.append("load.started", {{"load", load.name},
                                     {"target", load.target},
                                     {"url", core::without_credentials(url)},
                                     {"rate", rate_text(load)},
                                     {"seed", seed}});
  }
  return {};
}

void RunLoad::begin_phase(const std::string& phase) {
  for (Running& load : loads_) load.run->begin_phase(phase);
}

std::optional<loadgen::Statistics> RunLoad::seen(const std::string& target, const std::string& phase) const {
  for (const Running& load : loads_) {
    if (load.spec.target == target) return load.run->phase(phase);
  }
  return std::nullopt;
}

std::vector<LoadView> RunLoad::view() const {
  std::vector<LoadView> views;
  for (const Running& load : loads_)
    views.push_back({load.spec.name, load.run->snapshot(), load.run->recent_windows(30)});
  return views;
}

std::string RunLoad::shortfall() const {
  for (const Running& load : loads_) {
    std::string reason =
        scenarios::shortfall(load.spec.name, load.run->phase(kBeforeFault), load.run->generator_limited());
    if (!reason.empty()) return reason;
  }
  return {};
}

bool RunLoad::tell_shortfall() {
  const std::string reason = shortfall();
  if (reason.empty() || told_) return told_;
  told_ = true;
  journal_.append("run.inconclusive", {{"reason", "the load could not be sent as asked: " + reason}});
  return true;
}

void RunLoad::finish(const std::stop_token& urgent) {
  for (const Running& load : loads_) {
    const loadgen::Summary summary = load.run->stop(urgent);
    Json phases;
    for (const char* phase : kPhases) {
      const loadgen::Statistics statistics = load.run->phase(phase);
      if (statistics.counts.scheduled > 0) phases[phase] = metrics_json(statistics);
    }
    phases["whole"] = metrics_json(load.run->whole());
    journal_.append("load.finished",
                    {{"load", load.spec.name},
                     {"started_at", core::format_utc(summary.started_at)},
                     {"asked_rate", summary.asked_rate},
                     {"achieved_rate", summary.achieved_rate},
                     {"counts", Json(nlohmann::json(summary.counts))},
                     {"schedule_lag_p99_s", core::to_seconds(summary.statistics().schedule_lag.p99)},
                     {"generator_limited", summary.generator_limited.limited},
                     {"phases", std::move(phases)},
                     {"windows", windows_json(summary.windows)}});
    const std::string reason =
        scenarios::shortfall(load.spec.name, load.run->phase(kBeforeFault), summary.generator_limited);
    if (!summary.broken_invariant.empty()) {
      journal_.append(
          "run.error",
          {{"reason", fmt::format("the load's books do not balance: {}", summary.broken_invariant)}});
    } else if (!reason.empty() && !told_) {
      journal_.append("run.inconclusive", {{"reason", "the load could not be sent as asked: " + reason}});
    }
  }
  loads_.clear();
}

}  // namespace obsctl::scenarios
