#include "cli/report/svg_chart.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>

#include <fmt/format.h>

#include "core/markup.hpp"

namespace obsctl::cli {

namespace {

/// A tenth of a pixel is enough, and the same everywhere.
std::string px(double value) {
  const double rounded = std::round(std::clamp(value, -1e5, 1e5) * 10) / 10;
  return fmt::format("{}", rounded == 0 ? 0.0 : rounded);
}

std::string titled(std::string_view tag, std::string_view title) {
  if (title.empty()) return "/>";
  return fmt::format("><title>{}</title></{}>", core::escape_markup(title), tag);
}

std::string path_of(const std::vector<std::pair<double, double>>& points) {
  std::string path;
  for (const auto& [x, y] : points) path += (path.empty() ? "M" : "L") + px(x) + " " + px(y);
  return path;
}

double nice_step(double span, int most_ticks) {
  const double rough = span / most_ticks;
  const double power = std::pow(10, std::floor(std::log10(rough)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= rough * (1 - 1e-9)) return factor * power;
  }
  return 10 * power;
}

}  // namespace

double Axis::at(double value) const {
  return from + (value - low) / (high - low) * (to - from);
}

std::vector<double> Axis::ticks() const {
  std::vector<double> ticks;
  const double first = std::ceil(low / step - 1e-6);
  for (int i = 0; i < 50; ++i) {
    const double tick = (first + i) * step;
    if (tick > high + step * 1e-6) break;
    ticks.push_back(tick == 0 ? 0 : tick);
  }
  return ticks;
}

Axis value_axis(double lowest, double highest, double from, double to, int most_ticks) {
  Axis axis{lowest, highest, from, to, 1};
  if (!(axis.high > axis.low)) axis.high = axis.low + 1;
  axis.step = nice_step(axis.high - axis.low, most_ticks);
  axis.low = std::floor(axis.low / axis.step + 1e-9) * axis.step;
  axis.high = std::ceil(axis.high / axis.step - 1e-9) * axis.step;
  return axis;
}

Axis time_axis(double low, double high, double from, double to, int most_ticks) {
  constexpr std::array kSteps{0.1,  0.2,  0.5,   1.0,   2.0,   5.0,   10.0,   15.0,
                              30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0};
  Axis axis{low, high, from, to, 1};
  if (!(axis.high > axis.low + 0.1)) axis.high = axis.low + 0.1;
  const double span = axis.high - axis.low;
  const auto step =
      std::find_if(kSteps.begin(), kSteps.end(), [&](double one) { return span / one <= most_ticks; });
  axis.step = step == kSteps.end() ? nice_step(span / 3600, most_ticks) * 3600 : *step;
  return axis;
}

void SvgShapes::line(double x1, double y1, double x2, double y2, std::string_view style) {
  fmt::format_to(std::back_inserter(markup_),
                 "<line x1=\"{}\" y1=\"{}\" x2=\"{}\" y2=\"{}\" class=\"{}\"/>\n", px(x1), px(y1), px(x2),
                 px(y2), style);
}

void SvgShapes::box(double x, double y, double width, double height, std::string_view style,
                    std::string_view title) {
  fmt::format_to(std::back_inserter(markup_),
                 "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" class=\"{}\"{}\n", px(x), px(y),
                 px(std::max(width, 0.0)), px(height), style, titled("rect", title));
}

void SvgShapes::dot(double x, double y, double radius, std::string_view style, std::string_view title) {
  fmt::format_to(std::back_inserter(markup_), "<circle cx=\"{}\" cy=\"{}\" r=\"{}\" class=\"{}\"{}\n", px(x),
                 px(y), px(radius), style, titled("circle", title));
}

void SvgShapes::diamond(double x, double y, double radius, std::string_view style, std::string_view title) {
  const std::string path = path_of({{x - radius, y}, {x, y - radius}, {x + radius, y}, {x, y + radius}});
  fmt::format_to(std::back_inserter(markup_), "<path d=\"{}Z\" class=\"{}\"{}\n", path, style,
                 titled("path", title));
}

void SvgShapes::text(double x, double y, std::string_view style, Anchor anchor, std::string_view text) {
  constexpr std::array<std::string_view, 3> kAnchors{"start", "middle", "end"};
  fmt::format_to(std::back_inserter(markup_),
                 "<text x=\"{}\" y=\"{}\" class=\"{}\" text-anchor=\"{}\">{}</text>\n", px(x), px(y), style,
                 kAnchors.at(static_cast<std::size_t>(anchor)), core::escape_markup(text));
}

void SvgShapes::curve(const std::vector<std::vector<std::pair<double, double>>>& runs,
                      std::string_view style) {
  std::string path;
  for (const auto& run : runs) {
    path += path_of(run);
    if (run.size() == 1) path += "h0.1";
  }
  if (path.empty()) return;
  fmt::format_to(std::back_inserter(markup_), "<path d=\"{}\" class=\"{}\"/>\n", path, style);
}

void SvgShapes::area(const std::vector<std::pair<double, double>>& points, double base,
                     std::string_view style) {
  if (points.size() < 2) return;
  fmt::format_to(std::back_inserter(markup_), "<path d=\"{}L{} {}L{} {}Z\" class=\"{}\"/>\n", path_of(points),
                 px(points.back().first), px(base), px(points.front().first), px(base), style);
}

std::string svg_figure(std::string_view id, std::string_view title, std::string_view description,
                       double width, double height, const SvgShapes& shapes, std::string_view note) {
  std::string figure = fmt::format(
      "<figure id=\"{0}\"><figcaption>{1}</figcaption><div class=\"wide\">\n"
      "<svg viewBox=\"0 0 {2} {3}\" role=\"img\" aria-labelledby=\"{0}-title {0}-text\">"
      "<title id=\"{0}-title\">{1}</title><desc id=\"{0}-text\">{4}</desc>\n{5}</svg></div>",
      id, core::escape_markup(title), px(width), px(height), core::escape_markup(description),
      shapes.markup());
  if (!note.empty()) figure += "<p class=\"quiet\">" + core::escape_markup(note) + "</p>";
  return figure + "</figure>\n";
}

std::string tick_text(double seconds, double step) {
  return step < 60 ? fmt::format("{:g}s", seconds) : fmt::format("{:g}m", seconds / 60);
}

double text_width(std::string_view text) {
  const auto points = std::count_if(text.begin(), text.end(),
                                    [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; });
  return 6.3 * static_cast<double>(points);
}

}  // namespace obsctl::cli
