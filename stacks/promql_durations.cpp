// A scanner that walks the expression token by token. It only has to know where strings, comments, names and
// numbers begin and end, and what a duration's place looks like; an expression that is not valid PromQL is
// left to Prometheus to refuse.
#include "stacks/promql_durations.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <chrono>

#include <fmt/format.h>

#include "core/duration.hpp"

namespace obsctl::stacks {

using core::ErrorKind;
using core::Nanoseconds;
using core::Result;

namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}
bool starts_name(char c) {
  return std::isalpha(static_cast<unsigned char>(c)) != 0 || c == '_' || c == ':';
}
bool continues_name(char c) {
  return starts_name(c) || is_digit(c);
}

/// Digits and a unit, at least once: Prometheus takes no fractions, and no bare numbers outside PromQL.
bool looks_like_duration(std::string_view text) {
  if (text == "0") return true;
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t digits = at;
    while (at < text.size() && is_digit(text[at])) ++at;
    const std::size_t unit = at;
    while (at < text.size() && std::islower(static_cast<unsigned char>(text[at])) != 0) ++at;
    const std::string_view name = text.substr(unit, at - unit);
    constexpr std::array<std::string_view, 7> units{"y", "w", "d", "h", "m", "s", "ms"};
    if (unit == digits || std::find(units.begin(), units.end(), name) == units.end()) return false;
  }
  return !text.empty();
}

core::Error not_a_duration(std::string_view text) {
  return core::make_error(ErrorKind::invalid_input, fmt::format("\"{}\" is not a Prometheus duration", text),
                          "write it like 30s, 5m, 1h30m or 250ms");
}

Result<std::string> scaled(Nanoseconds duration, double factor, std::string_view text) {
  using std::chrono::milliseconds;
  const auto rounded = std::chrono::round<milliseconds>(core::scale(duration, factor));
  if (rounded.count() < 1) {
    return core::make_error(
        ErrorKind::invalid_input,
        fmt::format("{} at a time scale of {} is less than 1ms, the shortest duration of Prometheus", text,
                    factor),
        "use a larger time scale");
  }
  return core::format_duration(rounded);
}

/// Seconds as PromQL writes a bare number where a duration is expected (Prometheus 3): "300", "1.5".
Result<Nanoseconds> read_seconds(std::string_view text) {
  return core::parse_duration(fmt::format("{}s", text));
}

class Scanner {
 public:
  Scanner(std::string_view text, double factor) : text_(text), factor_(factor) {}

  boost::system::result<PromqlScaling, PromqlProblem> run() {
    while (at_ < text_.size() && !problem_) step();
    if (problem_) return *problem_;
    return std::move(result_);
  }

 private:
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  void skip_spaces() {
    while (at_ < text_.size() && is_space(text_[at_])) ++at_;
  }
  void fail(std::size_t offset, std::string message) { problem_ = PromqlProblem{offset, std::move(message)}; }

  void step() {
    const char c = peek();
    if (c == '"' || c == '\'' || c == '`') {
      skip_string(c);
      after_operand_ = true;
    } else if (c == '#') {
      at_ = std::min(text_.find('\n', at_), text_.size());
    } else if (c == '[') {
      scale_range();
      after_operand_ = true;
    } else if (starts_name(c)) {
      read_name();
    } else if (is_digit(c)) {
      read_number();
      after_operand_ = true;
    } else {
      ++at_;
      if (!is_space(c)) after_operand_ = c == ')' || c == '}';
    }
  }

  void skip_string(char quote) {
    ++at_;
    while (at_ < text_.size() && text_[at_] != quote) at_ += text_[at_] == '\\' && quote != '`' ? 2 : 1;
    ++at_;
  }

  std::string_view take_while(bool (*accept)(char)) {
    const std::size_t begin = at_;
    while (at_ < text_.size() && accept(text_[at_])) ++at_;
    return text_.substr(begin, at_ - begin);
  }

  static bool in_duration(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '.'; }

  /// The duration (or number of seconds) that stands here. Anything else cannot be scaled faithfully.
  void scale_here() {
    const std::size_t begin = at_;
    const std::string_view word = take_while(in_duration);
    if (word.empty() || !is_digit(word.front())) {
      fail(begin, "a plain duration was expected here; an expression in its place cannot be scaled");
      return;
    }
    const bool bare = !looks_like_duration(word);
    const Result<Nanoseconds> duration = bare ? read_seconds(word) : core::parse_duration(word);
    if (!duration) {
      fail(begin, not_a_duration(word).message);
      return;
    }
    if (*duration == Nanoseconds(0)) return;
    const Result<std::string> replacement = scaled(*duration, factor_, word);
    if (!replacement) {
      fail(begin, replacement.error().message);
    } else if (*replacement != word) {
      result_.edits.push_back({begin, word.size(), *replacement});
    }
  }

  /// [range] or [range:resolution] or [range:]
  void scale_range() {
    const std::size_t open = at_++;
    skip_spaces();
    scale_here();
    skip_spaces();
    if (!problem_ && peek() == ':') {
      ++at_;
      skip_spaces();
      if (peek() != ']') scale_here();
      skip_spaces();
    }
    if (problem_) return;
    if (peek() != ']') {
      fail(open,
           fmt::format("\"{}\" is more than a plain duration; such a range cannot be scaled",
                       text_.substr(open, std::min(text_.find(']', open), text_.size() - 1) - open + 1)));
      return;
    }
    ++at_;
  }

  void read_name() {
    std::string word(take_while(continues_name));
    std::transform(word.begin(), word.end(), word.begin(), [](unsigned char c) { return std::tolower(c); });
    const bool modifier = word == "offset" && after_operand_;
    const std::size_t end = at_;
    skip_spaces();
    if (modifier) {
      scale_offset();
    } else if (peek() == '(') {
      note_function(word);
    }
    if (!modifier) at_ = end;
    after_operand_ = true;
  }

  /// What follows the word offset. A label of that name, as in `by (offset)`, is followed by neither digit
  /// nor sign.
  void scale_offset() {
    if (peek() == '-' || peek() == '+') {
      ++at_;
      skip_spaces();
    }
    if (is_digit(peek()) || peek() == '(') scale_here();
  }

  /// A number, or (Prometheus 3) a duration in the place of a number, which nobody can tell from a threshold
  /// in seconds.
  void read_number() {
    const std::string_view word = take_while(in_duration);
    if (looks_like_duration(word) && word != "0") note(std::string(word));
  }

  void note_function(const std::string& name) {
    constexpr std::array<std::string_view, 15> dependent{
        "increase",       "delta", "idelta",    "changes",      "resets",
        "predict_linear", "time",  "timestamp", "day_of_month", "day_of_week",
        "day_of_year",    "hour",  "minute",    "month",        "year"};
    if (std::find(dependent.begin(), dependent.end(), name) != dependent.end()) note(name);
  }

  void note(std::string name) {
    auto& names = result_.unscaled;
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(std::move(name));
  }

  std::string_view text_;
  double factor_;
  std::size_t at_ = 0;
  bool after_operand_ = false;
  PromqlScaling result_;
  std::optional<PromqlProblem> problem_;
};

}  // namespace

Result<std::string> scale_duration(std::string_view text, double factor) {
  if (!looks_like_duration(text)) return not_a_duration(text);
  const Result<Nanoseconds> duration = core::parse_duration(text);
  if (!duration) return not_a_duration(text);
  if (*duration == Nanoseconds(0)) return std::string(text);
  return scaled(*duration, factor, text);
}

core::Result<std::string> scaled_seconds(std::string_view text, double factor) {
  const core::Result<std::string> scaled = scale_duration(text, factor);
  if (!scaled) return scaled.error();
  const auto duration = core::parse_duration(*scaled);
  if (!duration) return duration.error();
  return fmt::format("{}", core::to_seconds(*duration));
}

boost::system::result<PromqlScaling, PromqlProblem> scale_promql(std::string_view expression, double factor) {
  return Scanner(expression, factor).run();
}

}  // namespace obsctl::stacks
