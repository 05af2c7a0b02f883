// The charts of a report. Those over time share one axis, so that what stands above each other happened at
// the same time. Each is empty where the journal has nothing to draw.
#pragma once

#include <string>

#include "cli/report/run_report.hpp"
#include "cli/report/svg_chart.hpp"

namespace obsctl::cli {

inline constexpr double kChartWidth = 960;
/// Names, legends and the labels of value axes stand to the left of this.
inline constexpr double kPlotLeft = 200;
inline constexpr double kPlotRight = kChartWidth - 24;

/// From the first thing that a chart shows to the end of the run.
Axis report_time_axis(const RunReport& report);
/// Vertical lines and labels of a time axis, between two heights.
void draw_time_axis(const Axis& axis, double top, double bottom, SvgShapes& shapes);
/// Where faults were in place, behind everything else.
void draw_fault_bands(const RunReport& report, const Axis& axis, double top, double bottom,
                      SvgShapes& shapes);

/// Load, faults, alerts and notifications on one time axis.
std::string timeline_chart(const RunReport& report);
/// Of every load: the rate asked for, the rate achieved, and errors.
std::string rate_charts(const RunReport& report);
/// Of every load: p50, p95 and p99 of the response time.
std::string latency_charts(const RunReport& report);
/// What a rule looked at, against its threshold: one chart for each of its comparisons.
std::string rule_charts(const RunReport& report, const std::string& alert);
/// Every stage that was timed against its budget.
std::string stage_chart(const RunReport& report);

}  // namespace obsctl::cli
