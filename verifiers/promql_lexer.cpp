// Cuts PromQL into tokens; what is not PromQL becomes one `bad` token that says what is wrong.
#include "verifiers/promql_lexer.hpp"

#include <array>

namespace obsctl::verifiers {

namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_hex(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}
bool is_first(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == ':';
}
bool is_further(char c) {
  return is_first(c) || is_digit(c);
}
bool is_unit(char c) {
  return c == 's' || c == 'm' || c == 'h' || c == 'd' || c == 'w' || c == 'y';
}

}  // namespace

void PromqlLexer::skip_blank() {
  while (at_ < text_.size()) {
    if (text_[at_] == '#') {
      while (at_ < text_.size() && text_[at_] != '\n') ++at_;
    } else if (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n' || text_[at_] == '\r') {
      ++at_;
    } else {
      return;
    }
  }
}

PromqlToken PromqlLexer::make(PromqlToken::Kind kind, std::size_t length) {
  PromqlToken token{kind, std::string(text_.substr(at_, length)), at_};
  at_ += length;
  return token;
}

PromqlToken PromqlLexer::next() {
  skip_blank();
  if (at_ >= text_.size()) return {PromqlToken::Kind::end, "", text_.size()};
  const char c = text_[at_];
  if (c == '"' || c == '\'' || c == '`') return quoted();
  if (is_digit(c) || (c == '.' && at_ + 1 < text_.size() && is_digit(text_[at_ + 1])))
    return number_or_duration();
  // A colon begins a recorded name, but inside brackets it parts a subquery's range from its step.
  if (is_first(c) && !(c == ':' && (at_ + 1 >= text_.size() || !is_first(text_[at_ + 1])))) {
    std::size_t length = 1;
    while (at_ + length < text_.size() && is_further(text_[at_ + length])) ++length;
    return make(PromqlToken::Kind::identifier, length);
  }
  constexpr std::array<std::string_view, 6> two = {"==", "!=", ">=", "<=", "=~", "!~"};
  for (const std::string_view symbol : two) {
    if (text_.substr(at_).starts_with(symbol)) return make(PromqlToken::Kind::symbol, 2);
  }
  constexpr std::string_view one = "()[]{},:=+-*/%^<>@";
  if (one.find(c) != std::string_view::npos) return make(PromqlToken::Kind::symbol, 1);
  return {PromqlToken::Kind::bad, "an unexpected character", at_};
}

PromqlToken PromqlLexer::quoted() {
  const char quote = text_[at_];
  PromqlToken token{PromqlToken::Kind::text, "", at_};
  for (std::size_t i = at_ + 1; i < text_.size(); ++i) {
    if (text_[i] == quote) {
      at_ = i + 1;
      return token;
    }
    if (text_[i] == '\\' && quote != '`' && i + 1 < text_.size()) {
      const char next = text_[++i];
      if (next == 'n') {
        token.text += '\n';
      } else if (next == 't') {
        token.text += '\t';
      } else {
        token.text += next;
      }
    } else {
      token.text += text_[i];
    }
  }
  return {PromqlToken::Kind::bad, "a string that is not closed", at_};
}

PromqlToken PromqlLexer::number_or_duration() {
  std::size_t i = at_;
  const auto peek = [&](std::size_t n) { return n < text_.size() ? text_[n] : '\0'; };
  if (peek(i) == '0' && (peek(i + 1) == 'x' || peek(i + 1) == 'X')) {
    i += 2;
    while (is_hex(peek(i))) ++i;
    return make(PromqlToken::Kind::number, i - at_);
  }
  while (is_digit(peek(i)) || peek(i) == '_') ++i;
  if (is_unit(peek(i))) {
    while (is_digit(peek(i)) || is_unit(peek(i))) ++i;
    return make(PromqlToken::Kind::duration, i - at_);
  }
  if (peek(i) == '.') {
    ++i;
    while (is_digit(peek(i))) ++i;
  }
  if (peek(i) == 'e' || peek(i) == 'E') {
    std::size_t exponent = i + 1;
    if (peek(exponent) == '+' || peek(exponent) == '-') ++exponent;
    if (is_digit(peek(exponent))) {
      i = exponent;
      while (is_digit(peek(i))) ++i;
    }
  }
  return make(PromqlToken::Kind::number, i - at_);
}

}  // namespace obsctl::verifiers
