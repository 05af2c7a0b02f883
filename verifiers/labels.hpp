// Label sets as Prometheus and Alertmanager use them, and the ways a label can be asked for: equal, unequal,
// by regular expression as both programs do it (anchored), and by glob, which is what people write in
// scenarios.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"
#include "core/regex.hpp"

namespace obsctl::verifiers {

using core::Result;

using Labels = std::map<std::string, std::string>;

/// The value of a label; empty when it is absent, which both programs treat alike.
std::string_view label_of(const Labels& labels, std::string_view name);

/// `{alertname="HighErrorRate", job="api"}`, `up{job="api"}`.
std::string to_text(const Labels& labels);

/// True when every label of `wanted` has the same value in `actual`.
bool includes(const Labels& actual, const Labels& wanted);

/// What keeps `actual` from including `wanted`, as evidence for a person: `severity is "warning", not
/// "critical"`, `team is absent, not "core"`. Empty when nothing does.
std::string difference(const Labels& actual, const Labels& wanted);

/// One condition on one label.
class LabelMatcher {
 public:
  enum class Operator { equal, not_equal, regex, not_regex, glob };

  /// Errors: invalid_input, when `value` is a regular expression that cannot be read. Expressions are
  /// anchored at both ends.
  static Result<LabelMatcher> make(std::string name, Operator operation, std::string value);

  /// Reads what Alertmanager takes for `matchers`: `severity="critical"`, `team=~a|b`, and several in one
  /// text:
  /// `{severity!="info", job=api}`. Errors: invalid_input.
  static Result<std::vector<LabelMatcher>> parse(std::string_view text);

  bool matches(const Labels& labels) const;
  bool matches_value(std::string_view value) const;

  const std::string& name() const { return name_; }
  Operator operation() const { return operation_; }
  const std::string& value() const { return value_; }
  /// `severity=~"critical|page"`; a glob is written with `~*`.
  std::string text() const;

 private:
  LabelMatcher() = default;

  std::string name_;
  Operator operation_ = Operator::equal;
  std::string value_;
  std::optional<core::Regex> pattern_;  // of the two operators that take one
};

/// True when every matcher does; also when there is none.
bool all_match(const std::vector<LabelMatcher>& matchers, const Labels& labels);

}  // namespace obsctl::verifiers
