// Rate, errors and latency of the load over time. A long run has more windows than a chart has room for: then
// several become one, by sums for rates and by the highest for latencies, so that no spike is lost.
#include <algorithm>
#include <array>
#include <cmath>
#include <functional>

#include <fmt/format.h>

#include "cli/report/charts.hpp"
#include "cli/report/report_text.hpp"

namespace obsctl::cli {

namespace {

using Points = std::vector<std::pair<double, double>>;

constexpr double kTop = 14;
constexpr double kPlotBottom = 174;
constexpr double kHeight = kPlotBottom + 26;
constexpr std::size_t kMostWindows = 360;

std::size_t windows_to_one(const ReportedLoad& load) {
  return (load.windows.size() + kMostWindows - 1) / kMostWindows;
}

std::vector<LoadWindow> drawn_windows(const ReportedLoad& load) {
  const std::size_t group = windows_to_one(load);
  std::vector<LoadWindow> windows;
  for (std::size_t i = 0; i < load.windows.size(); ++i) {
    const LoadWindow& one = load.windows[i];
    if (!(one.length > 0)) continue;
    if (i % group == 0 || windows.empty()) {
      windows.push_back(one);
      continue;
    }
    LoadWindow& sum = windows.back();
    sum.length += one.length;
    sum.asked += one.asked;
    sum.sent += one.sent;
    sum.errors += one.errors;
    sum.p50 = std::max(sum.p50, one.p50);
    sum.p95 = std::max(sum.p95, one.p95);
    sum.p99 = std::max(sum.p99, one.p99);
  }
  // The last one is cut off where the load stopped; a rate over a sliver says nothing.
  if (windows.size() > 2 && windows.back().length < windows.front().length / 4) windows.pop_back();
  return windows;
}

Points points_of(const std::vector<LoadWindow>& windows, const Axis& time, const Axis& axis,
                 const std::function<double(const LoadWindow&)>& value) {
  Points points;
  for (const LoadWindow& window : windows)
    points.emplace_back(time.at(window.start + window.length / 2), axis.at(value(window)));
  return points;
}

double highest_of(const std::vector<LoadWindow>& windows,
                  const std::function<double(const LoadWindow&)>& value) {
  double highest = 0;
  for (const LoadWindow& window : windows) highest = std::max(highest, value(window));
  return highest;
}

struct LegendEntry {
  std::string_view style;
  std::string_view text;
};

void draw_legend(const std::vector<LegendEntry>& entries, SvgShapes& shapes) {
  double y = kTop + 10;
  for (const LegendEntry& entry : entries) {
    if (entry.style == "errors-area") {
      shapes.box(10, y - 6, 22, 10, entry.style);
    } else {
      shapes.line(10, y - 1, 32, y - 1, entry.style);
    }
    shapes.text(40, y + 3, "small", Anchor::start, entry.text);
    y += 20;
  }
}

void draw_value_axis(const Axis& axis, const std::function<std::string(double)>& text, SvgShapes& shapes) {
  for (const double tick : axis.ticks()) {
    const double y = axis.at(tick);
    shapes.line(kPlotLeft, y, kPlotRight, y, "grid");
    shapes.text(kPlotLeft - 8, y + 4, "tick", Anchor::end, text(tick));
  }
}

std::string note_of(const ReportedLoad& load, std::string_view how) {
  const std::size_t group = windows_to_one(load);
  return group <= 1 ? ""
                    : fmt::format("Each point is {} of {}.", how,
                                  seconds_text(static_cast<double>(group) * load.windows.front().length));
}

/// The name of the load where there are several.
std::string title_of(const RunReport& report, const ReportedLoad& load, std::string_view title) {
  return report.loads.size() == 1 ? std::string(title) : fmt::format("{}: {}", load.name, title);
}

double asked_rate(const LoadWindow& window) {
  return window.asked / window.length;
}
double sent_rate(const LoadWindow& window) {
  return window.sent / window.length;
}
double error_rate(const LoadWindow& window) {
  return window.errors / window.length;
}

std::string rate_chart(const RunReport& report, const ReportedLoad& load, std::size_t index) {
  const std::vector<LoadWindow> windows = drawn_windows(load);
  if (windows.empty()) return {};
  const double highest = std::max(highest_of(windows, asked_rate), highest_of(windows, sent_rate));
  const Axis time = report_time_axis(report);
  const Axis axis = value_axis(0, highest * 1.05, kPlotBottom, kTop, 4);
  SvgShapes shapes;
  draw_fault_bands(report, time, kTop, kPlotBottom, shapes);
  draw_time_axis(time, kTop, kPlotBottom, shapes);
  draw_value_axis(
      axis, [](double value) { return fmt::format("{:g}/s", value); }, shapes);
  const Points errors = points_of(windows, time, axis, error_rate);
  shapes.area(errors, kPlotBottom, "errors-area");
  shapes.curve({errors}, "errors-line");
  shapes.curve({points_of(windows, time, axis, sent_rate)}, "sent-line");
  shapes.curve({points_of(windows, time, axis, asked_rate)}, "asked-line");
  draw_legend({{"asked-line", "asked for"}, {"sent-line", "sent"}, {"errors-area", "of these errors"}},
              shapes);
  const std::string description = fmt::format(
      "Requests a second: at most {:.4g} asked for, {:.4g} sent, {:.4g} errors.",
      highest_of(windows, asked_rate), highest_of(windows, sent_rate), highest_of(windows, error_rate));
  return svg_figure(fmt::format("rate-{}", index), title_of(report, load, "Requests a second, and errors"),
                    description, kChartWidth, kHeight, shapes, note_of(load, "the mean"));
}

double p50_of(const LoadWindow& window) {
  return window.p50;
}
double p95_of(const LoadWindow& window) {
  return window.p95;
}
double p99_of(const LoadWindow& window) {
  return window.p99;
}

std::string latency_chart(const RunReport& report, const ReportedLoad& load, std::size_t index) {
  const std::vector<LoadWindow> windows = drawn_windows(load);
  if (windows.empty()) return {};
  const Axis time = report_time_axis(report);
  const double highest = std::max(highest_of(windows, p99_of), 1e-6);
  const Axis axis = value_axis(0, highest * 1.05, kPlotBottom, kTop, 4);
  SvgShapes shapes;
  draw_fault_bands(report, time, kTop, kPlotBottom, shapes);
  draw_time_axis(time, kTop, kPlotBottom, shapes);
  draw_value_axis(
      axis, [](double value) { return value == 0 ? "0" : seconds_text(value); }, shapes);
  shapes.curve({points_of(windows, time, axis, p99_of)}, "p99-line");
  shapes.curve({points_of(windows, time, axis, p95_of)}, "p95-line");
  shapes.curve({points_of(windows, time, axis, p50_of)}, "p50-line");
  draw_legend({{"p99-line", "p99"}, {"p95-line", "p95"}, {"p50-line", "p50"}}, shapes);
  const std::string description = fmt::format(
      "Highest response times: p50 {}, p95 {}, p99 {}.", seconds_text(highest_of(windows, p50_of)),
      seconds_text(highest_of(windows, p95_of)), seconds_text(highest));
  return svg_figure(fmt::format("latency-{}", index),
                    title_of(report, load, "Response time, from when a request was due"), description,
                    kChartWidth, kHeight, shapes, note_of(load, "the highest"));
}

using Chart = std::string (*)(const RunReport&, const ReportedLoad&, std::size_t);

std::string one_each(const RunReport& report, Chart chart) {
  std::string charts;
  for (std::size_t i = 0; i < report.loads.size(); ++i) charts += chart(report, report.loads[i], i + 1);
  return charts;
}

}  // namespace

std::string rate_charts(const RunReport& report) {
  return one_each(report, rate_chart);
}

std::string latency_charts(const RunReport& report) {
  return one_each(report, latency_chart);
}

}  // namespace obsctl::cli
