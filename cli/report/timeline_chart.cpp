// The swimlanes: one lane for each load, fault, alert instance and receiver.
#include <algorithm>

#include <fmt/format.h>

#include "cli/report/charts.hpp"
#include "cli/report/report_text.hpp"

namespace obsctl::cli {

namespace {

constexpr double kLane = 28;
constexpr double kBar = 18;
constexpr double kTop = 12;
// More lanes than anybody reads; the tables have them all.
constexpr std::size_t kMostAlerts = 14;
constexpr std::size_t kLongestName = 28;

/// Draws lanes from the top down.
class Lanes {
 public:
  Lanes(const Axis& axis, SvgShapes& shapes) : axis_(axis), shapes_(shapes) {}

  void begin(const std::string& name, std::string_view kind) {
    if (kind != kind_ && !kind_.empty()) {
      shapes_.line(8, y_ + 3, kPlotRight, y_ + 3, "divide");
      y_ += 6;
    }
    kind_ = kind;
    middle_ = y_ + kLane / 2;
    shapes_.line(kPlotLeft, middle_, kPlotRight, middle_, "rail");
    shapes_.text(kPlotLeft - 12, middle_ + 4, "name", Anchor::end, shortened(name, kLongestName));
    y_ += kLane;
  }

  void bar(Seconds from, Seconds to, std::string_view style, const std::string& label,
           const std::string& title) {
    const double x = axis_.at(from);
    const double width = std::max(axis_.at(to) - x, 1.5);
    shapes_.box(x, middle_ - kBar / 2, width, kBar, style, title);
    if (text_width(label) + 8 < width)
      shapes_.text(x + width / 2, middle_ + 4, fmt::format("{}-text", style), Anchor::middle, label);
  }

  void tick(Seconds at, std::string_view style, const std::string& title) {
    shapes_.box(axis_.at(at) - 1, middle_ - kBar / 2 - 3, 2, kBar + 6, style, title);
  }

  /// A dot with a word beside it where there is room before `next`.
  void mark(Seconds at, double next, std::string_view style, const std::string& word,
            const std::string& title) {
    const double x = axis_.at(at);
    shapes_.dot(x, middle_, 6, style, title);
    const double width = text_width(word) + 14;
    if (x + width < std::min(next, kPlotRight)) {
      shapes_.text(x + 10, middle_ + 4, "small", Anchor::start, word);
    } else if (next > kPlotRight && x - width > last_mark_) {
      shapes_.text(x - 10, middle_ + 4, "small", Anchor::end, word);
    }
    last_mark_ = x + (x + width < next ? width : 10);
  }
  void begin_marks() { last_mark_ = kPlotLeft; }

  double bottom() const { return y_; }

 private:
  const Axis& axis_;
  SvgShapes& shapes_;
  std::string kind_;
  double y_ = kTop;
  double middle_ = 0;
  double last_mark_ = 0;
};

void draw_fault(const ReportedFault& fault, const RunReport& report, Lanes& lanes) {
  lanes.begin("fault " + fault.name, "fault");
  if (!fault.injected) return;
  const Seconds end = fault.cleared.value_or(report.length);
  const std::string lasted = seconds_text(end - *fault.injected);
  lanes.bar(*fault.injected, end, "fault", "in place " + lasted,
            fmt::format("{}: in place for {}", fault.description, lasted));
  if (fault.confirmed) lanes.tick(*fault.confirmed, "seen", "confirmed: " + fault.evidence);
  if (fault.clear_confirmed)
    lanes.tick(*fault.clear_confirmed, "seen", "removal confirmed: " + fault.clear_evidence);
}

void draw_load(const ReportedLoad& load, const RunReport& report, Lanes& lanes) {
  lanes.begin("load " + load.name, "load");
  if (!load.started) return;
  const Seconds end = load.finished.value_or(report.length);
  lanes.bar(*load.started, end, "load", load.rate,
            fmt::format("{} to {} for {}", load.rate, load.target, seconds_text(end - *load.started)));
}

/// The alert's name; where it has several instances, with the labels by which they differ.
std::string lane_name(const ReportedAlert& alert, const RunReport& report) {
  std::vector<const Pairs*> instances;
  for (const ReportedAlert& other : report.alerts) {
    if (other.alert == alert.alert) instances.push_back(&other.labels);
  }
  const std::string differing = differing_values(alert.labels, instances);
  if (differing.empty()) return alert.alert;
  const std::string name = shortened(alert.alert, kLongestName - 8);
  return name + " " + end_of(differing, kLongestName - std::min(name.size() + 1, kLongestName - 8));
}

void draw_alert(const ReportedAlert& alert, const RunReport& report, Lanes& lanes) {
  lanes.begin(lane_name(alert, report), "alert");
  for (const AlertSpan& span : alert.spans) {
    const std::string lasted = seconds_text(span.to - span.from);
    lanes.bar(
        span.from, span.to, span.state == "firing" ? "firing" : "pending",
        fmt::format("{} {}", span.state, lasted),
        fmt::format("{} {{{}}}: {} for {}", alert.alert, labels_text(alert.labels), span.state, lasted));
  }
  for (const auto& [t, by] : alert.suppressed)
    lanes.tick(t, "seen", fmt::format("{} seen suppressed by {}", alert.alert, by));
}

std::vector<std::string> receivers_of(const RunReport& report) {
  std::vector<std::string> names;
  for (const ReportedNotification& one : report.notifications) {
    if (std::find(names.begin(), names.end(), one.receiver) == names.end()) names.push_back(one.receiver);
  }
  return names;
}

void draw_receiver(const std::string& receiver, const RunReport& report, const Axis& axis, Lanes& lanes) {
  lanes.begin("to " + receiver, "notification");
  lanes.begin_marks();
  std::vector<const ReportedNotification*> mine;
  for (const ReportedNotification& one : report.notifications) {
    if (one.receiver == receiver) mine.push_back(&one);
  }
  for (std::size_t i = 0; i < mine.size(); ++i) {
    const ReportedNotification& one = *mine[i];
    const double next = i + 1 < mine.size() ? axis.at(mine[i + 1]->t) - 8 : 1e9;
    const bool fires = !one.firing.empty();
    const char* word = one.refused                      ? "refused"
                       : fires && !one.resolved.empty() ? "firing, resolved"
                       : fires                          ? "firing"
                       : one.resolved.empty()           ? "other"
                                                        : "resolved";
    lanes.mark(one.t, next,
               one.refused ? "refused"
               : fires     ? "told"
                           : "told-over",
               word,
               fmt::format("{} {} to {} ({})", fmt::join(fires ? one.firing : one.resolved, ", "), word,
                           receiver, one.via));
  }
}

std::string description_of(const RunReport& report) {
  std::vector<std::string> parts;
  for (const ReportedFault& fault : report.faults) {
    if (!fault.injected) continue;
    parts.push_back(fmt::format("fault {} from {}{}", fault.name, seconds_text(*fault.injected),
                                fault.cleared ? " to " + seconds_text(*fault.cleared) : ""));
  }
  for (const ReportedAlert& alert : report.alerts) {
    for (const AlertSpan& span : alert.spans) {
      if (parts.size() < 20)
        parts.push_back(fmt::format("{} {} from {} to {}", alert.alert, span.state, seconds_text(span.from),
                                    seconds_text(span.to)));
    }
  }
  return fmt::format("Seconds since the run began: {}", fmt::join(parts, "; "));
}

}  // namespace

Axis report_time_axis(const RunReport& report) {
  Seconds first = report.length;
  const auto see = [&first](Seconds t) { first = std::min(first, t); };
  for (const ReportedLoad& load : report.loads) see(load.started.value_or(first));
  for (const ReportedFault& fault : report.faults) see(fault.injected.value_or(first));
  for (const ReportedNotification& one : report.notifications) see(one.t);
  for (const ReportedAlert& alert : report.alerts) {
    for (const AlertSpan& span : alert.spans) see(span.from);
  }
  return time_axis(std::max(first, 0.0), report.length, kPlotLeft, kPlotRight, 12);
}

void draw_time_axis(const Axis& axis, double top, double bottom, SvgShapes& shapes) {
  for (const double tick : axis.ticks()) {
    const double x = axis.at(tick);
    shapes.line(x, top, x, bottom, "grid");
    shapes.text(x, bottom + 16, "tick", Anchor::middle, clock_text(tick, axis.step));
  }
}

void draw_fault_bands(const RunReport& report, const Axis& axis, double top, double bottom,
                      SvgShapes& shapes) {
  for (const ReportedFault& fault : report.faults) {
    if (!fault.injected) continue;
    const double from = axis.at(*fault.injected);
    const double to = axis.at(fault.cleared.value_or(report.length));
    shapes.box(from, top, to - from, bottom - top, "band", "fault " + fault.name + " in place");
  }
}

std::string timeline_chart(const RunReport& report) {
  if (report.loads.empty() && report.faults.empty() && report.alerts.empty() && report.notifications.empty())
    return {};
  const Axis axis = report_time_axis(report);
  std::vector<const ReportedAlert*> alerts;
  for (const ReportedAlert& alert : report.alerts) alerts.push_back(&alert);
  // Those that something is expected of come first.
  std::stable_partition(alerts.begin(), alerts.end(),
                        [&](const ReportedAlert* alert) { return report.rule(alert->alert) != nullptr; });
  const std::size_t left_out = alerts.size() > kMostAlerts ? alerts.size() - kMostAlerts : 0;
  alerts.resize(alerts.size() - left_out);

  SvgShapes lanes_drawn;
  Lanes lanes(axis, lanes_drawn);
  for (const ReportedLoad& load : report.loads) draw_load(load, report, lanes);
  for (const ReportedFault& fault : report.faults) draw_fault(fault, report, lanes);
  for (const ReportedAlert* alert : alerts) draw_alert(*alert, report, lanes);
  for (const std::string& receiver : receivers_of(report)) draw_receiver(receiver, report, axis, lanes);

  const double bottom = lanes.bottom() + 4;
  SvgShapes shapes;
  draw_fault_bands(report, axis, kTop - 6, bottom, shapes);
  draw_time_axis(axis, kTop - 6, bottom, shapes);
  shapes.append(lanes_drawn);
  return svg_figure(
      "timeline", "Load, faults, alerts and notifications", description_of(report), kChartWidth, bottom + 26,
      shapes,
      fmt::format(
          "Minutes and seconds since the run began, {}. A dot is a notification that something fires, a ring "
          "that it is over.{}",
          utc_text(report.started_at),
          left_out == 0 ? ""
                        : fmt::format(" {} more are among the events below.", counted(left_out, "alert"))));
}

}  // namespace obsctl::cli
