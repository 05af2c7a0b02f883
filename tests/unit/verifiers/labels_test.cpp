// Label sets and matchers, as tables.
#include "verifiers/labels.hpp"

#include <string>
#include <vector>

#include "tests/support/catch.hpp"

using obsctl::core::ErrorKind;
using obsctl::verifiers::all_match;
using obsctl::verifiers::difference;
using obsctl::verifiers::includes;
using obsctl::verifiers::LabelMatcher;
using obsctl::verifiers::Labels;
using obsctl::verifiers::to_text;
using Operator = obsctl::verifiers::LabelMatcher::Operator;

TEST_CASE("labels are written as Prometheus writes them") {
  CHECK(to_text({}) == "{}");
  CHECK(to_text({{"job", "api"}, {"alertname", "X"}}) == "{alertname=\"X\", job=\"api\"}");
}

TEST_CASE("a label set includes another when it has all of its labels with the same values") {
  const Labels actual{{"a", "1"}, {"b", "2"}};
  CHECK(includes(actual, {}));
  CHECK(includes(actual, {{"a", "1"}}));
  CHECK_FALSE(includes(actual, {{"a", "2"}}));
  CHECK_FALSE(includes(actual, {{"c", ""}}));
}

TEST_CASE("a difference between label sets reads as evidence") {
  const Labels actual{{"severity", "warning"}, {"job", "api"}};
  CHECK(difference(actual, {{"job", "api"}}).empty());
  CHECK(difference(actual, {{"severity", "critical"}, {"team", "core"}}) ==
        "severity is \"warning\", not \"critical\", team is absent, not \"core\"");
}

TEST_CASE("a matcher judges a label by its operator, an absent label as an empty one") {
  struct Row {
    Operator operation;
    std::string wanted, actual;
    bool matches;
  };
  const auto row = GENERATE(values<Row>({
      {Operator::equal, "x", "x", true},
      {Operator::equal, "x", "xx", false},
      {Operator::equal, "", "", true},
      {Operator::not_equal, "x", "", true},
      {Operator::not_equal, "x", "x", false},
      {Operator::regex, "a|b", "a", true},
      {Operator::regex, "a|b", "ab", false},  // anchored at both ends
      {Operator::regex, "a.*", "", false},
      {Operator::regex, ".*", "", true},
      {Operator::regex, "(?i)CRIT.*", "critical", true},
      {Operator::regex, "(?P<level>crit)ical", "critical", true},
      {Operator::regex, "5..", "503", true},
      {Operator::not_regex, "5..", "503", false},
      {Operator::not_regex, "5..", "200", true},
      {Operator::glob, "High*", "HighErrorRate", true},
      {Operator::glob, "High*", "TooHigh", false},
      {Operator::glob, "a.c", "abc", false},
  }));
  CAPTURE(row.wanted, row.actual);
  const auto matcher = LabelMatcher::make("label", row.operation, row.wanted);
  REQUIRE(matcher);
  CHECK(matcher->matches_value(row.actual) == row.matches);
  Labels labels;
  if (!row.actual.empty()) labels["label"] = row.actual;
  CHECK(matcher->matches(labels) == row.matches);
}

TEST_CASE("a regular expression that cannot be read is refused") {
  const auto matcher = LabelMatcher::make("team", Operator::regex, "a(");
  REQUIRE_FALSE(matcher);
  CHECK(matcher.error().kind == ErrorKind::invalid_input);
  CHECK(matcher.error().message == "team: \"a(\" is not a regular expression: missing ): a(");
}

TEST_CASE("matchers are read in Alertmanager's spellings") {
  struct Row {
    std::string text;
    std::vector<std::string> matchers;
  };
  const auto row = GENERATE(values<Row>({
      {"severity=\"critical\"", {"severity=\"critical\""}},
      {"severity=critical", {"severity=\"critical\""}},
      {"  severity = critical  ", {"severity=\"critical\""}},
      {"severity!=info", {"severity!=\"info\""}},
      {"team=~a|b", {"team=~\"a|b\""}},
      {"team!~\"a|b\"", {"team!~\"a|b\""}},
      {"{a=\"1\", b=~\"2,3\",}", {"a=\"1\"", "b=~\"2,3\""}},
      {"a=1,b=2", {"a=\"1\"", "b=\"2\""}},
      {"{}", {}},
      {"owner=", {"owner=\"\""}},
      {"path=\"C:\\\\x\\\"y\\n\"", {"path=\"C:\\x\"y\n\""}},
      {"\"label with space\"=\"x\"", {"label with space=\"x\""}},
  }));
  CAPTURE(row.text);
  const auto matchers = LabelMatcher::parse(row.text);
  REQUIRE(matchers);
  std::vector<std::string> texts;
  for (const LabelMatcher& matcher : *matchers) texts.push_back(matcher.text());
  CHECK(texts == row.matchers);
}

TEST_CASE("what is not a matcher is refused with the reason") {
  const auto [text, why] = GENERATE(table<std::string, std::string>({
      {"", "\"\" is not a matcher: the label's name is missing"},
      {"=x", "\"=x\" is not a matcher: the label's name is missing"},
      {"severity", "\"severity\" is not a matcher: the operator is missing"},
      {"severity~x", "\"severity~x\" is not a matcher: the operator is missing"},
      {"a=\"x", "\"a=\"x\" is not a matcher: a quote is not closed"},
      {"{a=\"x\"", "\"{a=\"x\"\" is not a matcher: the brace is not closed"},
      {"a=\"x\" b=\"y\"", "\"a=\"x\" b=\"y\"\" is not a matcher: a comma is missing"},
  }));
  CAPTURE(text);
  const auto matchers = LabelMatcher::parse(text);
  REQUIRE_FALSE(matchers);
  CHECK(matchers.error().message == why);
}

TEST_CASE("all matchers have to match, and none asks for nothing") {
  const auto matchers = LabelMatcher::parse("{a=\"1\",b!=\"2\"}");
  REQUIRE(matchers);
  CHECK(all_match(*matchers, {{"a", "1"}, {"b", "3"}}));
  CHECK(all_match(*matchers, {{"a", "1"}}));
  CHECK_FALSE(all_match(*matchers, {{"a", "1"}, {"b", "2"}}));
  CHECK(all_match({}, {}));
}
