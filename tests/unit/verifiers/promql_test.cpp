// The PromQL reader, by the trees it makes.
#include "verifiers/promql.hpp"

#include <fmt/format.h>

#include "tests/support/catch.hpp"

using namespace obsctl::verifiers;

namespace {

/// The tree as a list in brackets: (> (sum:job (rate x[60])) 5).
std::string text(const PromqlNode& node) {
  using Kind = PromqlNode::Kind;
  std::string suffix;
  if (node.range) suffix += fmt::format("[{:g}]", obsctl::core::to_seconds(*node.range));
  if (node.offset.count() != 0) {
    suffix += fmt::format("{}{:g}", node.looks_ahead ? "-" : "~", obsctl::core::to_seconds(node.offset));
  }
  if (node.pinned) suffix += "@";
  if (node.kind == Kind::number) return fmt::format("{:g}", node.number);
  if (node.kind == Kind::text) return "'" + node.name + "'";
  if (node.kind == Kind::selector) {
    return node.name + (node.equal.empty() ? "" : to_text(node.equal)) + (node.other_matchers ? "*" : "") +
           suffix;
  }
  std::string out = "(";
  out += node.kind == Kind::negation ? "neg" : node.kind == Kind::subquery ? "sub" : node.name;
  if (node.returns_bool) out += "?";
  for (const std::string& label : node.grouping) out += (node.without ? "!" : ":") + label;
  for (const PromqlNode& child : node.children) out += " " + text(child);
  return out + ")" + suffix;
}

}  // namespace

TEST_CASE("PromQL is read as Prometheus reads it") {
  const auto [query, tree] = GENERATE(table<std::string, std::string>({
      {"up", "up"},
      {"up == 0", "(== up 0)"},
      {"up{job=\"api\", env!=\"dev\",}", "up{job=\"api\"}*"},
      {"{__name__=\"up\", job='x'}", "up{job=\"x\"}"},
      {"{\"http.requests\", code=\"200\"}", "http.requests{code=\"200\"}"},
      {"job:errors:rate5m > 0.05", "(> job:errors:rate5m 0.05)"},
      {"rate(x[1m])", "(rate x[60])"},
      {"rate(x[1m30s] offset 5m)", "(rate x[90]~300)"},
      {"x offset -5m @ 1609746000", "x-300@"},
      {"x @ end()", "x@"},
      {"sum by (a, b) (x)", "(sum:a:b x)"},
      {"sum(x) without (c)", "(sum!c x)"},
      {"SUM(x)", "(sum x)"},
      {"sum", "sum"},
      {"topk(5, x)", "(topk 5 x)"},
      {"a + b * c ^ d ^ e", "(+ a (* b (^ c (^ d e))))"},
      {"a - b - c", "(- (- a b) c)"},
      {"a or b and c unless d == e", "(or a (unless (and b c) (== d e)))"},
      {"-a ^ 2", "(neg (^ a 2))"},
      {"-a * b", "(* (neg a) b)"},
      {"a > bool 5", "(>? a 5)"},
      {"a / on(job) group_left(team) b > ignoring (x) c", "(> (/ a b) c)"},
      {"max_over_time(rate(x[1m])[1h:5m])", "(max_over_time (sub (rate x[60]))[3600])"},
      {"x[5m:]", "(sub x)[300]"},
      {"label_replace(x, \"a\", \"$1\", 'b', `c\\d`)", "(label_replace x 'a' '$1' 'b' 'c\\d')"},
      {"1e3 + 0x1F + .5 + 1_000", "(+ (+ (+ 1000 31) 0.5) 1000)"},
      {"x > Inf", "(> x inf)"},
      {"time() - x > 5m", "(> (- (time) x) 300)"},
      {"x[300]", "x[300]"},
      {"# a comment\nsum( # another\n x )", "(sum x)"},
      {"histogram_quantile(0.95, sum by (le) (rate(h_bucket[1m]))) > 0.25",
       "(> (histogram_quantile 0.95 (sum:le (rate h_bucket[60]))) 0.25)"},
  }));
  CAPTURE(query);
  const auto parsed = parse_promql(query);
  REQUIRE(parsed);
  CHECK(text(*parsed) == tree);
}

TEST_CASE("what is not PromQL is refused with the column") {
  const auto [query, why] = GENERATE(table<std::string, std::string>({
      {"", "column 1: an expression was expected, not the end"},
      {"up ==", "column 6: an expression was expected, not the end"},
      {"sum(up", "column 7: \")\" was expected, not the end"},
      {"up}", "column 3: the end was expected, not \"}\""},
      {"up{job}", "column 7: a matcher was expected, not \"}\""},
      {"up{job=api}", "column 8: a string was expected, not \"api\""},
      {"rate(x[soon])", "column 8: a duration was expected, not \"soon\""},
      {"(x)[5m] [5m]", "column 12: only a selector takes a range"},
      {"x[5m", "column 5: \"]\" was expected, not the end"},
      {"\"open", "column 1: a string that is not closed"},
      {"a ; b", "column 3: an unexpected character"},
      {"x offset", "column 9: a duration was expected, not the end"},
  }));
  CAPTURE(query);
  const auto parsed = parse_promql(query);
  REQUIRE_FALSE(parsed);
  CHECK(parsed.error().message == why);
}

TEST_CASE("expressions without end are refused, not survived by luck") {
  CHECK(parse_promql(std::string(100'000, '(')).error().message ==
        "column 201: the expression is nested too deeply");
  CHECK_FALSE(parse_promql(std::string(100'000, '-')));
  std::string chain = "x";
  for (int i = 0; i < 100'000; ++i) chain += "+x";
  CHECK(parse_promql(chain).error().message.find("the expression is too long") != std::string::npos);
  std::string ranges = "x";
  for (int i = 0; i < 100'000; ++i) ranges += "[1m:]";
  CHECK_FALSE(parse_promql(ranges));
}
