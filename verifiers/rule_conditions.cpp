// Works on the tokens and not on the tree, which has no texts: and, or, unless and comparisons outside of all
// brackets are the only ones that divide a rule.
#include "verifiers/rule_conditions.hpp"

#include <algorithm>
#include <array>
#include <initializer_list>
#include <optional>
#include <utility>

#include "core/text.hpp"
#include "verifiers/promql.hpp"
#include "verifiers/promql_lexer.hpp"

namespace obsctl::verifiers {

namespace {

// Of brackets around brackets; no rule that people write has more.
constexpr int kDeepest = 20;

using Tokens = std::vector<PromqlToken>;

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return text;
}

bool is_word(const PromqlToken& token, std::initializer_list<std::string_view> words) {
  if (token.kind != PromqlToken::Kind::identifier) return false;
  return std::find(words.begin(), words.end(), lower(token.text)) != words.end();
}

bool is_comparison(const PromqlToken& token) {
  constexpr std::array<std::string_view, 6> kOperations{"==", "!=", ">", "<", ">=", "<="};
  return std::any_of(kOperations.begin(), kOperations.end(),
                     [&](std::string_view operation) { return token.is(operation); });
}

/// The text of a rule with its tokens.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {
    PromqlLexer lexer(text);
    do tokens_.push_back(lexer.next());
    while (tokens_.back().kind != PromqlToken::Kind::end && tokens_.back().kind != PromqlToken::Kind::bad);
  }

  std::vector<RuleCondition> read() {
    read_part(0, tokens_.size() - 1, 0);
    return std::move(found_);
  }

 private:
  std::string_view text_of(std::size_t from, std::size_t to) const {
    const std::size_t begin = tokens_[from].position;
    return core::trimmed(text_.substr(begin, tokens_[to].position - begin));
  }

  /// The token after the bracket that closes the one at `at`; `to` when none does.
  std::size_t after_bracket(std::size_t at, std::size_t to) const {
    int depth = 0;
    for (; at < to; ++at) {
      const PromqlToken& token = tokens_[at];
      if (token.is("(") || token.is("[") || token.is("{")) ++depth;
      if ((token.is(")") || token.is("]") || token.is("}")) && --depth == 0) return at + 1;
    }
    return to;
  }

  bool opens(std::size_t at) const {
    return tokens_[at].is("(") || tokens_[at].is("[") || tokens_[at].is("{");
  }

  /// Tokens from `from` to before `to`.
  void read_part(std::size_t from, std::size_t to, int depth) {
    if (from < to && is_word(tokens_[from], {"on", "ignoring"})) from = after_bracket(from + 1, to);
    if (from >= to || depth > kDeepest) return;
    if (tokens_[from].is("(") && after_bracket(from, to) == to) return read_part(from + 1, to - 1, depth + 1);
    std::size_t comparison = to;
    std::size_t part = from;
    bool divided = false;
    for (std::size_t at = from; at < to;) {
      if (opens(at)) {
        at = after_bracket(at, to);
        continue;
      }
      if (is_word(tokens_[at], {"and", "or", "unless"})) {
        read_part(part, at, depth + 1);
        part = at + 1;
        divided = true;
      } else if (is_comparison(tokens_[at])) {
        comparison = at;
      }
      ++at;
    }
    if (divided) {
      read_part(part, to, depth + 1);
    } else if (comparison != to) {
      add(from, comparison, to);
    }
  }

  void add(std::size_t from, std::size_t comparison, std::size_t to) {
    if (comparison == from || comparison + 1 == to || is_word(tokens_[comparison + 1], {"bool"})) return;
    const std::string_view left = text_of(from, comparison);
    const std::string_view right = text_of(comparison + 1, to);
    const auto left_tree = parse_promql(left);
    const auto right_tree = parse_promql(right);
    if (!left_tree || !right_tree) return;
    std::string operation = tokens_[comparison].text;
    if (const auto bound = constant_of(*right_tree)) {
      found_.push_back({std::string(left), std::move(operation), *bound});
    } else if (const auto turned = constant_of(*left_tree)) {
      if (operation[0] == '<' || operation[0] == '>') operation[0] = operation[0] == '<' ? '>' : '<';
      found_.push_back({std::string(right), std::move(operation), *turned});
    }
  }

  std::string_view text_;
  Tokens tokens_;
  std::vector<RuleCondition> found_;
};

}  // namespace

std::vector<RuleCondition> conditions_of(std::string_view query) {
  if (!parse_promql(query)) return {};
  return Reader(query).read();
}

}  // namespace obsctl::verifiers
