#include "tests/support/tutorial_page.hpp"

#include <algorithm>
#include <cmath>
#include <regex>
#include <utility>

#include "core/duration.hpp"
#include "core/text.hpp"

namespace obsctl::tests {

namespace {

constexpr std::string_view kAnything = "…";

enum class Kind { literal, anything, instant, count, fraction, duration };

struct Token {
  Kind kind = Kind::literal;
  std::string text;
  double value = 0;  ///< of a fraction or a duration, which is in seconds
};

Kind kind_of(const std::smatch& match) {
  if (match[1].matched) return Kind::anything;
  if (match[2].matched) return Kind::instant;
  if (match[3].matched) return Kind::literal;
  if (match[4].matched) return Kind::duration;
  if (match[5].matched) return Kind::fraction;
  if (match[6].matched) return Kind::count;
  return Kind::literal;
}

/// Blanks count as one: columns move with the width of what is in them.
std::vector<Token> tokens_of(std::string_view line) {
  static const std::string time = R"((?:\d+(?:\.\d+)?(?:ns|µs|ms|s|m|h))+)";
  static const std::regex pattern(
      "(…)"
      R"(|(\d{4}-\d\d-\d\dT[\d:.]+Z))"
      // Given, not measured: a budget, a duration of one round number, an address or a version, a word.
      "|(" +
      time + " – " + time + "|≤ " + time + R"(|\d+[smh](?![\w.])|\d+(?:\.\d+){2,}|[A-Za-z_]\w*))" + "|(" +
      time +
      R"((?!\w)))"
      R"(|(\d+\.\d+))"
      R"(|(\d{4,}))"
      R"(|\s+|\d+|[^\s\d])");
  const std::string text(core::trimmed(line));
  std::vector<Token> tokens;
  for (std::sregex_iterator at(text.begin(), text.end(), pattern); at != std::sregex_iterator(); ++at) {
    Token token{kind_of(*at), at->str()};
    if (core::trimmed(token.text).empty()) token.text = " ";
    if (token.kind == Kind::fraction) token.value = std::stod(token.text);
    if (token.kind == Kind::duration) {
      if (const auto duration = core::parse_duration(token.text)) token.value = core::to_seconds(*duration);
    }
    tokens.push_back(std::move(token));
  }
  return tokens;
}

/// A long number, such as a process's, may be a short one elsewhere.
bool is_number(const Token& token) {
  return token.text.find_first_not_of("0123456789") == std::string::npos;
}

bool alike(const Token& shown, const Token& printed) {
  if (shown.kind == Kind::count && is_number(printed)) return true;
  if (shown.kind != printed.kind) return false;
  switch (shown.kind) {
    case Kind::instant:
    case Kind::count:
    case Kind::anything:
      return true;
    case Kind::fraction:
    case Kind::duration:
      return std::abs(shown.value - printed.value) <=
             std::max(shown.value, printed.value) / 2 + (shown.kind == Kind::duration ? 2 : 0.05);
    case Kind::literal:
      return shown.text == printed.text;
  }
  return false;
}

using Place = std::vector<Token>::const_iterator;

bool matches(Place shown, Place shown_end, Place printed, Place printed_end) {
  for (; shown != shown_end; ++shown, ++printed) {
    if (shown->kind == Kind::anything) {
      for (Place from = printed;; ++from) {
        if (matches(shown + 1, shown_end, from, printed_end)) return true;
        if (from == printed_end) return false;
      }
    }
    if (printed == printed_end || !alike(*shown, *printed)) return false;
  }
  return printed == printed_end;
}

bool line_matches(std::string_view shown, std::string_view printed) {
  const std::vector<Token> left = tokens_of(shown);
  const std::vector<Token> right = tokens_of(printed);
  return matches(left.begin(), left.end(), right.begin(), right.end());
}

/// The lines with something in them.
std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  for (const std::string_view line : core::split(text, '\n')) {
    if (!core::trimmed(line).empty()) lines.emplace_back(line);
  }
  return lines;
}

/// Reads a page line by line.
class PageReader {
 public:
  std::vector<ShellSession> read(std::string_view markdown) {
    for (const std::string_view line : core::split(markdown, '\n')) {
      ++line_;
      if (line.starts_with("```")) {
        fence(std::string(line.substr(3)));
      } else if (language_) {
        block_line(line);
      } else if (core::trimmed(line) == "<!-- a new shell -->") {
        sessions_.emplace_back();
      }
    }
    std::erase_if(sessions_, [](const ShellSession& session) { return session.empty(); });
    return std::move(sessions_);
  }

 private:
  void fence(std::string language) {
    const bool opens = !language_;
    if (opens) {
      language_ = std::move(language);
      first_line_ = true;
    } else {
      if (*language_ == "sh" && !first_line_) sessions_.back().back().text += "\n)";
      language_.reset();
    }
  }

  void begin(std::string_view command) { sessions_.back().push_back({line_, std::string(command)}); }

  void block_line(std::string_view line) {
    ShellSession& session = sessions_.back();
    const bool first = std::exchange(first_line_, false);
    if (*language_ == "sh") {
      if (first) begin("(set -e");
      session.back().text += "\n" + std::string(line);
    } else if (*language_ == "console" && line.starts_with("$ ")) {
      begin(line.substr(2));
    } else if (*language_ == "console" && line.starts_with("> ") && session.back().shown.empty()) {
      session.back().text += "\n" + std::string(line.substr(2));
    } else if ((*language_ == "console" || language_->empty()) && !session.empty()) {
      if (first && language_->empty()) session.back().shown.emplace_back(kAnything);
      if (!core::trimmed(line).empty()) session.back().shown.emplace_back(line);
    }
  }

  std::vector<ShellSession> sessions_{1};
  std::optional<std::string> language_;  ///< of the block that is being read
  bool first_line_ = false;
  int line_ = 0;
};

}  // namespace

std::vector<ShellSession> shell_sessions(std::string_view markdown) {
  return PageReader().read(markdown);
}

std::optional<std::string> first_missing(const std::vector<std::string>& shown, std::string_view output) {
  const std::vector<std::string> printed = lines_of(output);
  std::size_t from = 0;
  for (std::size_t begin = 0; begin < shown.size();) {
    if (core::trimmed(shown[begin]) == kAnything) {
      ++begin;
      continue;
    }
    std::size_t end = begin;
    while (end < shown.size() && core::trimmed(shown[end]) != kAnything) ++end;
    // The lines between two "…" are together; where no place has all of them, the place with the most says
    // which line is wrong.
    std::size_t best = 0;
    for (; from < printed.size() && best < end - begin; ++from) {
      std::size_t same = 0;
      while (begin + same < end && from + same < printed.size() &&
             line_matches(shown[begin + same], printed[from + same])) {
        ++same;
      }
      best = std::max(best, same);
      if (same == end - begin) from += same - 1;
    }
    if (best < end - begin) return shown[begin + best];
    begin = end;
  }
  return std::nullopt;
}

}  // namespace obsctl::tests
