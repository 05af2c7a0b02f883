// obsctl stack verify: whether a stack that is up does what it is there for, down to the panels of its
// dashboards, asked of its Prometheus and, where it has one, of its Grafana.
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/findings_output.hpp"
#include "cli/stack_actions.hpp"
#include "core/file.hpp"
#include "stacks/manifest.hpp"
#include "stacks/promql_durations.hpp"
#include "stacks/stack_check.hpp"
#include "verifiers/grafana_check.hpp"
#include "verifiers/panel_check.hpp"

namespace obsctl::cli {

using core::Findings;
using core::Nanoseconds;
using core::Result;

namespace {

/// How far back panels look, and what Grafana would make of a scrape interval of five seconds: four of them.
/// Both times the time scale.
constexpr const char* kRange = "5m";
constexpr Nanoseconds kRangeLength = std::chrono::minutes(5);
constexpr const char* kRateInterval = "20s";

Nanoseconds range_of(const stacks::Stack& stack) {
  return core::from_seconds(core::to_seconds(kRangeLength) * stack.time_scale());
}

void append(Findings& to, Findings findings) {
  to.insert(to.end(), std::make_move_iterator(findings.begin()), std::make_move_iterator(findings.end()));
}

Result<Findings> check_dashboards(const stacks::Manifest& manifest, const stacks::Stack& stack,
                                  const std::stop_token& stop) {
  const auto rate = stacks::scale_duration(kRateInterval, stack.time_scale());
  if (!rate) return rate.error();
  const auto range = stacks::scale_duration(kRange, stack.time_scale());
  if (!range) return range.error();
  Findings findings;
  for (const std::string& url : stacks::prometheus_urls(manifest, stack)) {
    verifiers::PrometheusClient prometheus(url);
    for (const auto& path : verifiers::dashboards_in(manifest.folder)) {
      const auto text = core::read_file(path);
      if (!text) return text.error();
      const auto now = std::chrono::system_clock::now();
      const auto values =
          opened_with(*text, {{"__rate_interval", *rate}, {"__interval", *rate}, {"__range", *range}},
                      prometheus, now, stop);
      const auto dashboard = verifiers::read_dashboard(*text, path.string(), values);
      if (!dashboard) return dashboard.error();
      append(findings, check_panels(*dashboard, prometheus, now, range_of(stack), stop));
    }
  }
  return findings;
}

/// Nothing where the stack has no Grafana. One that cannot be asked has failed.
Findings check_grafana_of(const stacks::Stack& stack, bool panels, const std::stop_token& stop) {
  const auto url = stack.endpoint("grafana");
  if (!url) return {};
  const auto check = [&]() -> Result<Findings> {
    const auto access = verifiers::grafana_access(*url, verifiers::kGrafanaTokenVariable, stack.token());
    if (!access) return access.error();
    verifiers::GrafanaClient grafana(*access);
    return check_grafana(grafana, {.panels = panels, .range = range_of(stack)}, stop);
  };
  Result<Findings> findings = check();
  if (findings) return std::move(*findings);
  return {core::finding("grafana", *url, false, to_line(findings.error()))};
}

}  // namespace

Result<int> stack_verify(const StackFlags& flags, Context& context) {
  const auto stack = chosen_stack(flags);
  if (!stack) return stack.error();
  const auto manifest = stacks::load_stack(flags.stack.empty() ? (*stack)->name() : flags.stack);
  if (!manifest) return manifest.error();
  auto findings = stacks::check_stack(*manifest, **stack);
  if (!findings) return findings.error();
  if (!flags.no_panels) {
    auto panels = check_dashboards(*manifest, **stack, context.stop);
    if (!panels) return panels.error();
    append(*findings, std::move(*panels));
  }
  append(*findings, check_grafana_of(**stack, !flags.no_panels, context.stop));
  if (context.stop.stop_requested()) return kInterrupted;  // what was not asked any more has not failed
  const bool ok = none_failed(*findings);
  if (flags.json) {
    const nlohmann::json document{{"schema", 1},
                                  {"instance", (*stack)->instance()},
                                  {"ok", ok},
                                  {"findings", findings_json(*findings)}};
    fmt::print("{}\n", document.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
  } else {
    fmt::print("{}", findings_table(*findings));
  }
  return ok ? kPassed : kFailed;
}

}  // namespace obsctl::cli
