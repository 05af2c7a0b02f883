// What a rule looked at, against the limit that it had to pass.
#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "cli/report/charts.hpp"
#include "cli/report/report_text.hpp"

namespace obsctl::cli {

namespace {

constexpr double kTop = 20;
constexpr double kPlotBottom = 190;
constexpr double kHeight = kPlotBottom + 26;
constexpr std::size_t kLongestName = 18;
constexpr std::size_t kSeriesStyles = 4;  // after that they repeat

struct Range {
  double lowest = 0;
  double highest = 0;
  bool any = false;

  void see(double value) {
    lowest = any ? std::min(lowest, value) : std::min(value, 0.0);
    highest = any ? std::max(highest, value) : std::max(value, 0.0);
    any = true;
  }
};

Range range_of(const ReportedSamples& samples) {
  Range range;
  for (const ReportedSeries& series : samples.series) {
    for (const auto& [t, value] : series.points) {
      if (value) range.see(*value);
    }
  }
  if (range.any && samples.threshold) range.see(*samples.threshold);
  return range;
}

/// Runs of points without a gap. A step that is missing is a gap too: Prometheus leaves out what has no
/// value.
std::vector<std::vector<std::pair<double, double>>> runs_of(const ReportedSeries& series, const Axis& time,
                                                            const Axis& axis) {
  std::vector<std::vector<std::pair<double, double>>> runs;
  Seconds step = 1e12;
  for (std::size_t i = 1; i < series.points.size(); ++i)
    step = std::min(step, std::max(series.points[i].first - series.points[i - 1].first, 1e-3));
  bool open = false;
  Seconds last = 0;
  for (const auto& [t, value] : series.points) {
    if (!value || t < time.low || t > time.high) {
      open = false;
      continue;
    }
    if (!open || t - last > 1.5 * step) runs.emplace_back();
    // A value holds until the next one is known.
    if (!runs.back().empty()) runs.back().emplace_back(time.at(t), runs.back().back().second);
    runs.back().emplace_back(time.at(t), axis.at(*value));
    open = true;
    last = t;
  }
  return runs;
}

void draw_threshold(const ReportedSamples& samples, const Axis& axis, SvgShapes& shapes) {
  if (!samples.threshold) return;
  const double y = axis.at(*samples.threshold);
  shapes.line(kPlotLeft, y, kPlotRight, y, "threshold");
  shapes.text(kPlotRight - 4, y - 6, "limit", Anchor::end,
              fmt::format("{} {:.4g}", samples.operation, *samples.threshold));
}

void draw_transitions(const RunReport& report, const std::string& alert, const Axis& time,
                      SvgShapes& shapes) {
  for (const ReportedAlert& one : report.alerts) {
    if (one.alert != alert) continue;
    for (const AlertSpan& span : one.spans) {
      const double from = time.at(span.from);
      const double to = time.at(span.to);
      shapes.box(from, kTop - 12, std::max(to - from, 1.5), 7, span.state == "firing" ? "firing" : "pending",
                 fmt::format("{} {}", alert, span.state));
    }
  }
}

std::string series_name(const ReportedSeries& series, const std::vector<const Pairs*>& all) {
  if (all.size() > 1) return differing_values(series.labels, all);
  Pairs labels = series.labels;
  std::erase_if(labels, [](const auto& label) { return label.first == "__name__"; });
  return labels.size() == 1 ? labels_text(labels) : "value";
}

/// Which series is which, as far as there is room.
void draw_series_names(const ReportedSamples& samples, SvgShapes& shapes) {
  std::vector<const Pairs*> all;
  for (const ReportedSeries& series : samples.series) all.push_back(&series.labels);
  double y = kTop + 10;
  for (std::size_t i = 0; i < std::min(samples.series.size(), kSeriesStyles); ++i) {
    shapes.line(10, y - 1, 26, y - 1, fmt::format("series-{}", i % kSeriesStyles + 1));
    shapes.text(32, y + 3, "small", Anchor::start, end_of(series_name(samples.series[i], all), kLongestName));
    y += 20;
  }
}

std::string chart_of(const RunReport& report, const ReportedSamples& samples, std::size_t index) {
  const Range range = range_of(samples);
  if (!range.any) return {};
  const Axis time = report_time_axis(report);
  const double room = 0.05 * (range.highest - range.lowest);
  const Axis axis = value_axis(range.lowest, range.highest + room, kPlotBottom, kTop, 4);
  SvgShapes shapes;
  draw_fault_bands(report, time, kTop, kPlotBottom, shapes);
  draw_time_axis(time, kTop, kPlotBottom, shapes);
  for (const double tick : axis.ticks()) {
    const double y = axis.at(tick);
    shapes.line(kPlotLeft, y, kPlotRight, y, "grid");
    shapes.text(kPlotLeft - 8, y + 4, "tick", Anchor::end, fmt::format("{:.4g}", tick));
  }
  for (std::size_t i = 0; i < samples.series.size(); ++i)
    shapes.curve(runs_of(samples.series[i], time, axis), fmt::format("series-{}", i % kSeriesStyles + 1));
  draw_threshold(samples, axis, shapes);
  draw_transitions(report, samples.alert, time, shapes);
  draw_series_names(samples, shapes);
  const std::string left_out =
      samples.left_out > 0 ? fmt::format("; {} more series are not drawn", samples.left_out) : "";
  const std::string limit =
      samples.threshold ? fmt::format(" {} {:.4g}", samples.operation, *samples.threshold) : "";
  return svg_figure(fmt::format("rule-{}", index),
                    samples.threshold ? samples.alert + ": its expression against the threshold"
                                      : samples.alert + ": its expression, where it has a value",
                    fmt::format("{}{}: values from {:.4g} to {:.4g}", samples.expression, limit, range.lowest,
                                range.highest),
                    kChartWidth, kHeight, shapes, samples.expression + limit + left_out);
}

}  // namespace

std::string rule_charts(const RunReport& report, const std::string& alert) {
  std::string charts;
  for (std::size_t i = 0; i < report.samples.size(); ++i) {
    if (report.samples[i].alert == alert) charts += chart_of(report, report.samples[i], i + 1);
  }
  return charts;
}

}  // namespace obsctl::cli
