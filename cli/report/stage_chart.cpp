// Every timed stage as a mark on the time that it had: from the earliest that it can come to its budget.
#include <algorithm>

#include <fmt/format.h>

#include "cli/report/charts.hpp"
#include "cli/report/report_text.hpp"

namespace obsctl::cli {

namespace {

constexpr double kLeft = 320;
constexpr double kRight = 770;
constexpr double kRow = 28;
constexpr double kTop = 4;
constexpr std::size_t kLongestName = 48;

/// Short, for there is little room; the table has the rest.
std::string result_text(const ReportedExpectation& one) {
  if (!one.measured) return verdict_text(one.verdict);
  const std::string measured = seconds_text(*one.measured);
  if (!one.passed() && one.verdict != "late") return measured + ", " + verdict_text(one.verdict);
  const std::string text = one.budget ? measured + " of " + seconds_text(*one.budget) : measured;
  return one.passed() ? text : text + ", late";
}

/// The class of its result.
std::string_view result_style(const ReportedExpectation& one) {
  if (one.passed()) return "result";
  return sign_of(one.verdict) == "✗" ? "result bad" : "result doubt";
}

void draw_row(const ReportedExpectation& one, const Axis& axis, double y, SvgShapes& shapes) {
  const double middle = y + kRow / 2;
  shapes.text(kLeft - 12, middle + 4, "name", Anchor::end, shortened(one.id, kLongestName));
  shapes.line(kLeft, middle, kRight, middle, "rail");
  if (one.budget) {
    const double from = axis.at(std::min(one.earliest.value_or(0), *one.budget));
    shapes.box(from, middle - 8, std::max(axis.at(*one.budget) - from, 2.0), 16,
               one.loose ? "window loose" : "window", fmt::format("{}: {}", one.id, budget_text(one)));
    shapes.box(axis.at(*one.budget) - 1, middle - 11, 2, 22, "deadline");
  }
  const bool met = one.passed();
  if (one.measured) {
    shapes.diamond(axis.at(std::max(*one.measured, 0.0)), middle, 7, met ? "met" : "unmet",
                   fmt::format("{}: {}", one.id, result_text(one)));
  }
  shapes.text(kRight + 14, middle + 4, result_style(one), Anchor::start,
              fmt::format("{} {}", sign_of(one.verdict), result_text(one)));
}

}  // namespace

std::string stage_chart(const RunReport& report) {
  std::vector<const ReportedExpectation*> stages;
  double longest = 0;
  for (const ReportedExpectation& one : report.expectations) {
    if (!is_timed(one)) continue;
    stages.push_back(&one);
    longest = std::max({longest, one.budget.value_or(0), one.measured.value_or(0)});
  }
  if (stages.empty()) return {};
  std::stable_partition(stages.begin(), stages.end(),
                        [](const ReportedExpectation* one) { return one->from_injection(); });
  const Axis axis = time_axis(0, std::max(longest * 1.03, 0.5), kLeft, kRight, 8);
  SvgShapes rows;
  double y = kTop;
  const ReportedExpectation* before = nullptr;
  std::size_t met = 0;
  for (const ReportedExpectation* one : stages) {
    if (before == nullptr || before->from_injection() != one->from_injection()) {
      rows.text(
          8, y + 20, "heading", Anchor::start,
          one->from_injection() ? "counted from the fault's injection" : "counted from the fault's removal");
      y += 30;
    }
    draw_row(*one, axis, y, rows);
    y += kRow;
    before = one;
    if (one->passed()) ++met;
  }
  SvgShapes shapes;
  for (const double tick : axis.ticks()) {
    shapes.line(axis.at(tick), kTop + 28, axis.at(tick), y + 2, "grid");
    shapes.text(axis.at(tick), y + 18, "tick", Anchor::middle, tick_text(tick, axis.step));
  }
  shapes.append(rows);
  return svg_figure(
      "stages", "Each stage against its budget",
      fmt::format("{} of {} met; the table below has the figures", met, counted(stages.size(), "stage")),
      kChartWidth, y + 28, shapes,
      "The box reaches from the earliest that a stage can come to its budget, the diamond is when it "
      "came. A dashed box is a budget that is wider than it could be.");
}

}  // namespace obsctl::cli
