// PromQL's tokens. Internal to verifiers/.
#pragma once

#include <string>
#include <string_view>

namespace obsctl::verifiers {

struct PromqlToken {
  enum class Kind { end, identifier, number, duration, text, symbol, bad };
  Kind kind = Kind::end;
  /// As written; of a string its content, unescaped; of a bad one what is wrong.
  std::string text = {};
  std::size_t position = 0;

  bool is(std::string_view symbol) const { return kind == Kind::symbol && text == symbol; }
};

class PromqlLexer {
 public:
  explicit PromqlLexer(std::string_view text) : text_(text) {}

  /// The next token; `end` again and again at the end, `bad` again and again after an error.
  PromqlToken next();

 private:
  void skip_blank();
  PromqlToken quoted();
  PromqlToken number_or_duration();
  PromqlToken make(PromqlToken::Kind kind, std::size_t length);

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace obsctl::verifiers
