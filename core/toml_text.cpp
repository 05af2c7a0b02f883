#include "core/toml_text.hpp"

#include <algorithm>
#include <string>

namespace obsctl::core {

namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

bool is_ascii(char c) {
  return static_cast<unsigned char>(c) < 0x80;
}

/// Behind the string that begins at `at` with a quote, or behind what there is of it.
std::size_t end_of_string(std::string_view text, std::size_t at) {
  const char quote = text[at];
  const std::string three(3, quote);
  const bool multi_line = text.substr(at, 3) == three;
  at += multi_line ? 3 : 1;
  while (at < text.size()) {
    if (text[at] == '\\' && quote == '"') {
      at += 2;
    } else if (multi_line && text.substr(at, 3) == three) {
      // One or two quotes may stand before the closing ones.
      at += 3;
      while (at < text.size() && text[at] == quote) ++at;
      return at;
    } else if (!multi_line && (text[at] == quote || text[at] == '\n')) {
      return at + 1;
    } else {
      ++at;
    }
  }
  return text.size();
}

SourcePosition position_of(std::string_view text, std::size_t at, std::string_view file) {
  const std::string_view before = text.substr(0, at);
  const std::size_t line_begin = before.rfind('\n') + 1;  // npos + 1 is 0
  const std::string_view line = before.substr(line_begin);
  // Every byte of a UTF-8 character but its first is 10xxxxxx.
  const auto characters = std::count_if(
      line.begin(), line.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; });
  return {std::string(file), static_cast<int>(std::count(before.begin(), before.end(), '\n')) + 1,
          static_cast<int>(characters) + 1};
}

}  // namespace

std::optional<SourcePosition> first_stray_character(std::string_view text, std::string_view file) {
  if (text.substr(0, kByteOrderMark.size()) == kByteOrderMark) text.remove_prefix(kByteOrderMark.size());
  for (std::size_t at = 0; at < text.size();) {
    if (text[at] == '#') {
      at = std::min(text.find('\n', at), text.size());
    } else if (text[at] == '"' || text[at] == '\'') {
      at = end_of_string(text, at);
    } else if (!is_ascii(text[at])) {
      return position_of(text, at, file);
    } else {
      ++at;
    }
  }
  return std::nullopt;
}

}  // namespace obsctl::core
