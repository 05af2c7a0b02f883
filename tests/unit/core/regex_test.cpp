// Expressions mean what they mean to Prometheus, and no text and no expression can exhaust anything.
#include "core/regex.hpp"

#include "tests/support/catch.hpp"

namespace {

using obsctl::core::Regex;

std::string refusal(const std::string& expression) {
  const auto regex = Regex::parse(expression);
  return regex ? "none" : regex.error().message;
}

TEST_CASE("an expression is searched for or must match the whole") {
  struct Row {
    std::string expression;
    std::string text;
    bool whole;
    bool part;
  };
  const auto row = GENERATE(values<Row>({
      {"a|b", "a", true, true},
      {"a|b", "ab", false, true},
      {"", "", true, true},
      {"", "a", false, true},
      {"(?i)CRIT.*", "critical", true, true},
      {"(?P<level>crit)ical", "critical", true, true},
      {"5..", "503", true, true},
      {"^b", "ab", false, false},
      {"gr.ße", "größe", true, true},  // a character, not a byte
      {R"(\d{3})", "code 503", false, true},
  }));
  CAPTURE(row.expression, row.text);
  const auto regex = Regex::parse(row.expression);
  REQUIRE(regex);
  CHECK(regex->matches_whole(row.text) == row.whole);
  CHECK(regex->found_in(row.text) == row.part);
}

TEST_CASE("what is no expression is refused with the reason") {
  CHECK(refusal("a(") == "\"a(\" is not a regular expression: missing ): a(");
  CHECK(refusal("[z-a]") == "\"[z-a]\" is not a regular expression: invalid character class range: z-a");
  CHECK(refusal(R"((a)\1)") == R"("(a)\1" is not a regular expression: invalid escape sequence: \1)");
  CHECK(refusal("a(?!b)") == "\"a(?!b)\" is not a regular expression: invalid perl operator: (?!");
  CHECK(refusal("(a{1000}){1000}") ==
        "\"(a{1000}){1000}\" is not a regular expression: invalid repetition size: {1000}");
}

TEST_CASE("a search needs no stack and no patience") {
  const auto regex = Regex::parse("(?:(?:a|b)|(?:a|d))*e");
  REQUIRE(regex);
  CHECK(!regex->found_in(std::string(1'000'000, 'a')));
  CHECK(Regex::parse(std::string(500, '(') + std::string(500, ')')));
}

}  // namespace
