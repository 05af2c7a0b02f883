// The parts that every chart is made of: axes with readable ticks, shapes, and the frame that gives a chart
// its title. Colours are classes of the report's style sheet, so that light, dark and print are decided
// there.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace obsctl::cli {

/// A range of values laid over a range of pixels.
struct Axis {
  double low = 0, high = 1;
  double from = 0, to = 1;  ///< pixels of `low` and `high`
  double step = 1;          ///< between ticks

  double at(double value) const;
  /// Multiples of `step` from `low` to `high`; never more than 50.
  std::vector<double> ticks() const;
};

/// Ticks at 1, 2 or 5 times a power of ten; the upper end is the first tick at or above `highest`.
Axis value_axis(double lowest, double highest, double from, double to, int most_ticks);
/// Ticks at what a clock shows: 1, 2, 5, 10, 15, 30 s, 1, 2, 5 min …; the ends are as given.
Axis time_axis(double low, double high, double from, double to, int most_ticks);

enum class Anchor { start, middle, end };

/// Shapes of one chart in the order in which they are drawn. Texts are escaped here.
class SvgShapes {
 public:
  void line(double x1, double y1, double x2, double y2, std::string_view style);
  /// `title` is shown when the pointer rests on it; may be empty.
  void box(double x, double y, double width, double height, std::string_view style,
           std::string_view title = {});
  void dot(double x, double y, double radius, std::string_view style, std::string_view title = {});
  void diamond(double x, double y, double radius, std::string_view style, std::string_view title = {});
  void text(double x, double y, std::string_view style, Anchor anchor, std::string_view text);
  /// Runs of points joined by lines; a run of one point is a dot.
  void curve(const std::vector<std::vector<std::pair<double, double>>>& runs, std::string_view style);
  /// The area between a run of points and the height `base`.
  void area(const std::vector<std::pair<double, double>>& points, double base, std::string_view style);

  /// On top of what is there.
  void append(const SvgShapes& shapes) { markup_ += shapes.markup_; }
  const std::string& markup() const { return markup_; }

 private:
  std::string markup_;
};

/// The <figure> of a chart. `id` is unique in the page; `title` and `description` are read out where nobody
/// sees the picture; `note` stands below it and may be empty.
std::string svg_figure(std::string_view id, std::string_view title, std::string_view description,
                       double width, double height, const SvgShapes& shapes, std::string_view note = {});

/// A length of time at a tick: "5s", "0.5s", "10m".
std::string tick_text(double seconds, double step);

/// How wide a text is drawn, about: fonts differ.
double text_width(std::string_view text);

}  // namespace obsctl::cli
