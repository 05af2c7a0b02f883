#include "verifiers/labels.hpp"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "core/text.hpp"

namespace obsctl::verifiers {

std::string_view label_of(const Labels& labels, std::string_view name) {
  const auto found = labels.find(std::string(name));
  return found == labels.end() ? std::string_view() : std::string_view(found->second);
}

std::string to_text(const Labels& labels) {
  std::string metric(label_of(labels, "__name__"));
  if (!metric.empty() && labels.size() == 1) return metric;
  std::string text = std::move(metric) + "{";
  for (const auto& [name, value] : labels) {
    if (name == "__name__") continue;
    if (text.back() != '{') text += ", ";
    text += fmt::format("{}=\"{}\"", name, value);
  }
  return text + "}";
}

bool includes(const Labels& actual, const Labels& wanted) {
  return std::all_of(wanted.begin(), wanted.end(), [&](const auto& label) {
    const auto found = actual.find(label.first);
    return found != actual.end() && found->second == label.second;
  });
}

std::string difference(const Labels& actual, const Labels& wanted) {
  std::string text;
  for (const auto& [name, value] : wanted) {
    const auto found = actual.find(name);
    if (found != actual.end() && found->second == value) continue;
    if (!text.empty()) text += ", ";
    if (found == actual.end()) {
      text += fmt::format("{} is absent, not \"{}\"", name, value);
    } else {
      text += fmt::format("{} is \"{}\", not \"{}\"", name, found->second, value);
    }
  }
  return text;
}

namespace {

std::string_view symbol_of(LabelMatcher::Operator operation) {
  switch (operation) {
    case LabelMatcher::Operator::equal:
      return "=";
    case LabelMatcher::Operator::not_equal:
      return "!=";
    case LabelMatcher::Operator::regex:
      return "=~";
    case LabelMatcher::Operator::not_regex:
      return "!~";
    case LabelMatcher::Operator::glob:
      return "~*";
  }
  return "?";
}

}  // namespace

Result<LabelMatcher> LabelMatcher::make(std::string name, Operator operation, std::string value) {
  LabelMatcher matcher;
  matcher.name_ = std::move(name);
  matcher.operation_ = operation;
  matcher.value_ = std::move(value);
  if (operation == Operator::regex || operation == Operator::not_regex) {
    auto pattern = core::Regex::parse(matcher.value_);
    if (!pattern) {
      core::Error error = pattern.error();
      error.message = fmt::format("{}: {}", matcher.name_, error.message);
      return error;
    }
    matcher.pattern_ = std::move(*pattern);
  }
  return matcher;
}

bool LabelMatcher::matches_value(std::string_view value) const {
  switch (operation_) {
    case Operator::equal:
      return value == value_;
    case Operator::not_equal:
      return value != value_;
    case Operator::regex:
      return pattern_->matches_whole(value);
    case Operator::not_regex:
      return !pattern_->matches_whole(value);
    case Operator::glob:
      return core::glob_matches(value_, value);
  }
  return false;
}

bool LabelMatcher::matches(const Labels& labels) const {
  return matches_value(label_of(labels, name_));
}

std::string LabelMatcher::text() const {
  return fmt::format("{}{}\"{}\"", name_, symbol_of(operation_), value_);
}

bool all_match(const std::vector<LabelMatcher>& matchers, const Labels& labels) {
  return std::all_of(matchers.begin(), matchers.end(),
                     [&](const LabelMatcher& matcher) { return matcher.matches(labels); });
}

namespace {

/// Reads `name op value` pieces off the front of a matcher text.
class MatcherScanner {
 public:
  explicit MatcherScanner(std::string_view text) : text_(text), rest_(core::trimmed(text)) {}

  Result<std::vector<LabelMatcher>> scan();

 private:
  core::Error refuse(std::string_view reason) const {
    return core::make_error(
        core::ErrorKind::invalid_input, fmt::format("\"{}\" is not a matcher: {}", text_, reason),
        "write it as name=\"value\", name!=\"value\", name=~\"regex\" or name!~\"regex\"");
  }
  void skip_space() {
    while (!rest_.empty() && core::trimmed(rest_.substr(0, 1)).empty()) rest_.remove_prefix(1);
  }
  std::optional<std::string> quoted();
  Result<LabelMatcher> one();

  std::string_view text_;
  std::string_view rest_;
};

/// A "…" at the front with \\, \" and \n; nothing when it does not end.
std::optional<std::string> MatcherScanner::quoted() {
  std::string out;
  for (std::size_t i = 1; i < rest_.size(); ++i) {
    if (rest_[i] == '"') {
      rest_.remove_prefix(i + 1);
      return out;
    }
    if (rest_[i] == '\\' && i + 1 < rest_.size()) {
      const char next = rest_[++i];
      if (next == 'n') {
        out += '\n';
      } else if (next == '"' || next == '\\') {
        out += next;
      } else {
        out += '\\';
        out += next;
      }
    } else {
      out += rest_[i];
    }
  }
  return std::nullopt;
}

Result<LabelMatcher> MatcherScanner::one() {
  std::string name;
  if (rest_.starts_with('"')) {
    auto text = quoted();
    if (!text) return refuse("a quote is not closed");
    name = std::move(*text);
  } else {
    const std::size_t end = std::min(rest_.find_first_of("=!~,{}\""), rest_.size());
    name = core::trimmed(rest_.substr(0, end));
    rest_.remove_prefix(end);
  }
  if (name.empty()) return refuse("the label's name is missing");
  skip_space();
  auto operation = LabelMatcher::Operator::equal;
  if (rest_.starts_with("=~")) {
    operation = LabelMatcher::Operator::regex;
  } else if (rest_.starts_with("!~")) {
    operation = LabelMatcher::Operator::not_regex;
  } else if (rest_.starts_with("!=")) {
    operation = LabelMatcher::Operator::not_equal;
  } else if (!rest_.starts_with("=")) {
    return refuse("the operator is missing");
  }
  rest_.remove_prefix(operation == LabelMatcher::Operator::equal ? 1 : 2);
  skip_space();
  std::string value;
  if (rest_.starts_with('"')) {
    auto text = quoted();
    if (!text) return refuse("a quote is not closed");
    value = std::move(*text);
  } else {
    const std::size_t end = std::min(rest_.find(','), rest_.size());
    value = core::trimmed(rest_.substr(0, end));
    rest_.remove_prefix(end);
  }
  return LabelMatcher::make(std::move(name), operation, std::move(value));
}

Result<std::vector<LabelMatcher>> MatcherScanner::scan() {
  if (rest_.starts_with('{')) {
    if (!rest_.ends_with('}')) return refuse("the brace is not closed");
    rest_ = core::trimmed(rest_.substr(1, rest_.size() - 2));
    if (rest_.empty()) return std::vector<LabelMatcher>();
  }
  std::vector<LabelMatcher> matchers;
  do {
    auto matcher = one();
    if (!matcher) return matcher.error();
    matchers.push_back(std::move(*matcher));
    skip_space();
    if (rest_.empty()) return matchers;
    if (rest_.front() != ',') return refuse("a comma is missing");
    rest_.remove_prefix(1);
    skip_space();
  } while (!rest_.empty());
  return matchers;
}

}  // namespace

Result<std::vector<LabelMatcher>> LabelMatcher::parse(std::string_view text) {
  return MatcherScanner(text).scan();
}

}  // namespace obsctl::verifiers
