// See panel_check.hpp.
#include "verifiers/panel_check.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace obsctl::verifiers {

using core::Finding;
using core::Findings;
using core::Result;

namespace {

constexpr int kSteps = 60;

/// Of the series that a query returns, those with a number; NaN is none.
Result<std::size_t> series_with_numbers(const PanelQuery& query, PrometheusClient& prometheus, WallTime now,
                                        Nanoseconds range, const std::stop_token& stop) {
  std::size_t count = 0;
  if (query.instant) {
    const auto samples = prometheus.query_at(query.expr, now, stop);
    if (!samples) return samples.error();
    for (const Sample& sample : *samples) count += std::isfinite(sample.value) ? 1 : 0;
    return count;
  }
  const auto all = prometheus.query_range(query.expr, now - range, now, range / kSteps, stop);
  if (!all) return all.error();
  for (const Series& series : *all) {
    const bool any = std::any_of(series.points.begin(), series.points.end(),
                                 [](const Series::Point& point) { return std::isfinite(point.value); });
    count += any ? 1 : 0;
  }
  return count;
}

}  // namespace

std::string name_of(const Dashboard& dashboard, const Panel& panel, const PanelQuery& query) {
  return fmt::format("{}: {} {}", dashboard.title, panel.title, query.ref);
}

Finding library_panel(const Dashboard& dashboard, const Panel& panel) {
  return {"panel", fmt::format("{}: {}", dashboard.title, panel.title), Finding::State::skipped,
          "it is a library panel, whose queries are not in the dashboard"};
}

Finding series_seen(std::string name, std::size_t series) {
  return core::finding("panel", std::move(name), series > 0,
                       series > 0 ? fmt::format("{} series", series) : "no data: is there any load?");
}

VariableValues opened_with(std::string_view dashboard, VariableValues values, PrometheusClient& prometheus,
                           WallTime now, const std::stop_token& stop) {
  while (const auto variable = unset_variable(dashboard, values)) {
    const auto samples = prometheus.query_at(variable->expr, now, stop);
    if (!samples) break;
    std::vector<Labels> series;
    for (const Sample& sample : *samples) series.push_back(sample.labels);
    values[variable->name] = first_value(*variable, series);
  }
  return values;
}

Findings check_panels(const Dashboard& dashboard, PrometheusClient& prometheus, WallTime now,
                      Nanoseconds range, const std::stop_token& stop) {
  Findings findings;
  for (const Panel& panel : dashboard.panels) {
    if (panel.in_library) findings.push_back(library_panel(dashboard, panel));
    if (!panel.unreadable.empty()) {
      findings.push_back(core::finding("panel", fmt::format("{}: {}", dashboard.title, panel.title), false,
                                       panel.unreadable));
    }
    for (const PanelQuery& query : panel.queries) {
      if (query.expr.empty() || query.hidden) continue;
      const std::string& type = query.datasource_type;
      if (!type.empty() && type != "prometheus" && type != "datasource") {
        findings.push_back({"panel", name_of(dashboard, panel, query), Finding::State::skipped,
                            fmt::format("it asks {}, not Prometheus", type)});
        continue;
      }
      const auto series = series_with_numbers(query, prometheus, now, range, stop);
      std::string name = name_of(dashboard, panel, query);
      findings.push_back(series ? series_seen(std::move(name), *series)
                                : core::finding("panel", std::move(name), false, to_line(series.error())));
    }
  }
  return findings;
}

}  // namespace obsctl::verifiers
