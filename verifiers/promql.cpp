// A recursive-descent parser. Precedence, from the loosest: or; and, unless; comparisons; + -; * / % atan2; ^
// (to the right), with a sign between the last two.
#include "verifiers/promql.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <utility>

#include <fmt/format.h>

#include "core/text.hpp"
#include "verifiers/promql_lexer.hpp"

namespace obsctl::verifiers {

namespace {

using Kind = PromqlNode::Kind;
using Token = PromqlToken;

constexpr int kDeepest = 200;
constexpr int kMostTokens = 5000;
constexpr int kSignPrecedence = 6;

constexpr std::array<std::string_view, 14> kAggregations = {
    "sum",  "avg",     "min",          "max",      "count", "stddev", "stdvar",
    "topk", "bottomk", "count_values", "quantile", "group", "limitk", "limit_ratio"};

bool one_of(std::string_view word, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

/// 0: not a binary operator.
int precedence_of(const Token& token) {
  if (token.kind == Token::Kind::identifier) {
    const std::string word = lower(token.text);
    if (word == "or") return 1;
    if (word == "and" || word == "unless") return 2;
    return word == "atan2" ? 5 : 0;
  }
  if (token.kind != Token::Kind::symbol) return 0;
  if (one_of(token.text, {"==", "!=", ">", "<", ">=", "<="})) return 3;
  if (one_of(token.text, {"+", "-"})) return 4;
  if (one_of(token.text, {"*", "/", "%"})) return 5;
  return token.text == "^" ? 7 : 0;
}

/// The first mistake stops everything: after it the parser sees nothing but the end.
class Parser {
 public:
  explicit Parser(std::string_view text) : lexer_(text) { advance(); }

  core::Result<PromqlNode> parse();

 private:
  void advance();
  void fail(std::string_view what, std::size_t position);
  void fail_here(std::string_view expected);
  bool take(std::string_view symbol);
  bool take_word(std::string_view word);
  void expect(std::string_view symbol);

  PromqlNode expression(int weakest);
  PromqlNode signed_operand();
  PromqlNode operand();
  PromqlNode primary();
  PromqlNode named();
  PromqlNode aggregation(std::string name);
  PromqlNode call(std::string name);
  PromqlNode selector(std::string name);
  void matcher(PromqlNode& node);
  void modifiers(PromqlNode& node);
  void brackets(PromqlNode& node);
  void offset(PromqlNode& node);
  void matching(PromqlNode& node);
  bool grouping(PromqlNode& node);
  std::vector<std::string> label_list();
  std::vector<PromqlNode> arguments();
  core::Nanoseconds duration();

  PromqlLexer lexer_;
  Token token_;
  std::optional<core::Error> error_;
  int depth_ = 0;
  int tokens_ = 0;
};

core::Result<PromqlNode> Parser::parse() {
  PromqlNode root = expression(1);
  if (!error_ && token_.kind != Token::Kind::end) fail_here("the end");
  if (error_) return *error_;
  return root;
}

void Parser::advance() {
  if (error_) return;
  token_ = lexer_.next();
  // Chains of operators make a tree as deep as they are long.
  if (++tokens_ > kMostTokens) return fail("the expression is too long", token_.position);
  if (token_.kind == Token::Kind::bad) fail(token_.text, token_.position);
}

void Parser::fail(std::string_view what, std::size_t position) {
  if (error_) return;
  error_ = core::make_error(core::ErrorKind::invalid_input, fmt::format("column {}: {}", position + 1, what));
  token_ = {Token::Kind::end, "", position};
}

void Parser::fail_here(std::string_view expected) {
  fail(fmt::format("{} was expected, not {}", expected,
                   token_.kind == Token::Kind::end ? "the end" : fmt::format("\"{}\"", token_.text)),
       token_.position);
}

bool Parser::take(std::string_view symbol) {
  if (!token_.is(symbol)) return false;
  advance();
  return true;
}

bool Parser::take_word(std::string_view word) {
  if (token_.kind != Token::Kind::identifier || lower(token_.text) != word) return false;
  advance();
  return true;
}

void Parser::expect(std::string_view symbol) {
  if (!take(symbol)) fail_here(fmt::format("\"{}\"", symbol));
}

PromqlNode Parser::expression(int weakest) {
  PromqlNode left;
  if (++depth_ > kDeepest) {
    fail("the expression is nested too deeply", token_.position);
  } else {
    left = signed_operand();
    for (int precedence = precedence_of(token_); precedence >= weakest && precedence > 0;
         precedence = precedence_of(token_)) {
      PromqlNode node{.kind = Kind::binary, .name = lower(token_.text)};
      advance();
      matching(node);
      node.children.push_back(std::move(left));
      node.children.push_back(expression(precedence == 7 ? 7 : precedence + 1));  // ^ goes to the right
      left = std::move(node);
    }
  }
  --depth_;
  return left;
}

PromqlNode Parser::signed_operand() {
  if (take("-")) {
    PromqlNode node{.kind = Kind::negation};
    node.children.push_back(expression(kSignPrecedence));
    return node;
  }
  if (take("+")) return expression(kSignPrecedence);
  return operand();
}

PromqlNode Parser::operand() {
  PromqlNode node = primary();
  modifiers(node);
  return node;
}

PromqlNode Parser::primary() {
  if (token_.kind == Token::Kind::number) {
    const std::string digits = [&] {
      std::string text = token_.text;
      std::erase(text, '_');
      return text;
    }();
    PromqlNode node{.kind = Kind::number, .number = std::strtod(digits.c_str(), nullptr)};
    advance();
    return node;
  }
  if (token_.kind == Token::Kind::duration)
    return {.kind = Kind::number, .number = core::to_seconds(duration())};
  if (token_.kind == Token::Kind::text) {
    PromqlNode node{.kind = Kind::text, .name = token_.text};
    advance();
    return node;
  }
  if (take("(")) {
    PromqlNode node = expression(1);
    expect(")");
    return node;
  }
  if (token_.is("{")) return selector("");
  if (token_.kind == Token::Kind::identifier) return named();
  fail_here("an expression");
  return {};
}

PromqlNode Parser::named() {
  const std::string name = token_.text;
  const std::string word = lower(name);
  advance();
  const bool aggregates = std::find(kAggregations.begin(), kAggregations.end(), word) != kAggregations.end();
  if (aggregates && (token_.is("(") || (token_.kind == Token::Kind::identifier &&
                                        one_of(lower(token_.text), {"by", "without"})))) {
    return aggregation(word);
  }
  if (token_.is("(")) return call(name);
  if (word == "inf") return {.kind = Kind::number, .number = INFINITY};
  if (word == "nan") return {.kind = Kind::number, .number = NAN};
  return selector(name);
}

PromqlNode Parser::aggregation(std::string name) {
  PromqlNode node{.kind = Kind::aggregation, .name = std::move(name)};
  grouping(node);
  node.children = arguments();
  grouping(node);
  return node;
}

PromqlNode Parser::call(std::string name) {
  PromqlNode node{.kind = Kind::call, .name = std::move(name)};
  node.children = arguments();
  return node;
}

std::vector<PromqlNode> Parser::arguments() {
  std::vector<PromqlNode> all;
  expect("(");
  while (!error_ && !token_.is(")")) {
    all.push_back(expression(1));
    if (!take(",")) break;
  }
  expect(")");
  return all;
}

PromqlNode Parser::selector(std::string name) {
  PromqlNode node{.kind = Kind::selector, .name = std::move(name)};
  if (!take("{")) return node;
  while (!error_ && !token_.is("}")) {
    matcher(node);
    if (!take(",")) break;
  }
  expect("}");
  return node;
}

void Parser::matcher(PromqlNode& node) {
  const bool quoted = token_.kind == Token::Kind::text;
  if (!quoted && token_.kind != Token::Kind::identifier) return fail_here("a label's name");
  const std::string label = token_.text;
  advance();
  if (quoted && (token_.is(",") || token_.is("}"))) {
    node.name = label;  // {"metric.name"}
    return;
  }
  const std::string operation = token_.text;
  if (!token_.is("=") && !token_.is("!=") && !token_.is("=~") && !token_.is("!~"))
    return fail_here("a matcher");
  advance();
  if (token_.kind != Token::Kind::text) return fail_here("a string");
  if (operation != "=") {
    node.other_matchers = true;
  } else if (label == "__name__") {
    node.name = token_.text;
  } else {
    node.equal[label] = token_.text;
  }
  advance();
}

void Parser::modifiers(PromqlNode& node) {
  for (;;) {
    if (token_.is("[")) {
      brackets(node);
    } else if (token_.is("@")) {
      advance();
      node.pinned = true;
      take("-");
      take("+");
      const bool edge = token_.kind == Token::Kind::identifier;
      if (!edge && token_.kind != Token::Kind::number) return fail_here("a time");
      advance();
      if (edge) {
        expect("(");
        expect(")");
      }
    } else if (token_.kind == Token::Kind::identifier && lower(token_.text) == "offset") {
      offset(node);
    } else {
      return;
    }
  }
}

void Parser::brackets(PromqlNode& node) {
  expect("[");
  const core::Nanoseconds range = duration();
  if (take(":")) {
    if (!token_.is("]")) duration();
    PromqlNode outer{.kind = Kind::subquery, .range = range};
    outer.children.push_back(std::move(node));
    node = std::move(outer);
  } else if (node.kind == Kind::selector && !node.range) {
    node.range = range;
  } else {
    fail("only a selector takes a range", token_.position);
  }
  expect("]");
}

void Parser::offset(PromqlNode& node) {
  advance();
  node.looks_ahead = take("-");
  node.offset = duration();
}

core::Nanoseconds Parser::duration() {
  if (token_.kind == Token::Kind::number) {
    // Prometheus 3 takes seconds as well.
    const double seconds = std::strtod(token_.text.c_str(), nullptr);
    advance();
    return seconds < 9e9 ? core::from_seconds(seconds) : core::Nanoseconds::max();
  }
  if (token_.kind != Token::Kind::duration) {
    fail_here("a duration");
    return {};
  }
  const auto parsed = core::parse_duration(token_.text);
  if (!parsed) {
    fail(parsed.error().message, token_.position);
    return {};
  }
  advance();
  return *parsed;
}

/// bool, on/ignoring, group_left/group_right behind an operator. Which series match which is of no interest
/// here.
void Parser::matching(PromqlNode& node) {
  if (take_word("bool")) node.returns_bool = true;
  if (take_word("on") || take_word("ignoring")) {
    label_list();
    if (take_word("group_left") || take_word("group_right")) {
      if (token_.is("(")) label_list();
    }
  }
}

bool Parser::grouping(PromqlNode& node) {
  const bool by = take_word("by");
  if (!by && !take_word("without")) return false;
  node.without = !by;
  node.grouping = label_list();
  return true;
}

std::vector<std::string> Parser::label_list() {
  std::vector<std::string> labels;
  expect("(");
  while (!error_ && !token_.is(")")) {
    if (token_.kind != Token::Kind::identifier && token_.kind != Token::Kind::text) {
      fail_here("a label's name");
      break;
    }
    labels.push_back(token_.text);
    advance();
    if (!take(",")) break;
  }
  expect(")");
  return labels;
}

}  // namespace

core::Result<PromqlNode> parse_promql(std::string_view text) {
  return Parser(text).parse();
}

std::optional<double> constant_of(const PromqlNode& node) {
  if (node.kind == PromqlNode::Kind::number) return node.number;
  if (node.kind == PromqlNode::Kind::negation) {
    const auto value = constant_of(node.children[0]);
    return value ? std::optional(-*value) : std::nullopt;
  }
  if (node.kind == PromqlNode::Kind::call && (node.name == "vector" || node.name == "scalar") &&
      node.children.size() == 1) {
    return constant_of(node.children[0]);
  }
  if (node.kind != PromqlNode::Kind::binary) return std::nullopt;
  const auto left = constant_of(node.children[0]);
  const auto right = left ? constant_of(node.children[1]) : std::nullopt;
  if (!right) return std::nullopt;
  if (node.name == "+") return *left + *right;
  if (node.name == "-") return *left - *right;
  if (node.name == "*") return *left * *right;
  if (node.name == "/") return *left / *right;
  if (node.name == "^") return std::pow(*left, *right);
  return std::nullopt;
}

}  // namespace obsctl::verifiers
