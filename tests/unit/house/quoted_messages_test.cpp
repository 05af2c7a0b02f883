// A page that quotes a message which obsctl no longer prints sends its reader astray: every message of the
// troubleshooting page is a text of the sources, or stands in a tutorial, which is executed as it is written.
#include <algorithm>
#include <string>

#include <fmt/format.h>

#include "core/text.hpp"
#include "tests/support/catch.hpp"
#include "tests/unit/house/source_tree.hpp"

using obsctl::tests::ends_with;
using obsctl::tests::read_source_tree;
using obsctl::tests::SourceTree;
using obsctl::tests::top_folder;
using obsctl::tests::Violations;

namespace {

constexpr std::string_view kAnything = "…";
/// So many letters of a message make it one: "… is …" stands in any page.
constexpr std::size_t kEnough = 16;

/// The string literals of a source file, those that follow each other as one.
std::vector<std::string> literals_of(std::string_view source) {
  std::vector<std::string> literals;
  bool goes_on = false;  // nothing but white space since the last one
  for (std::size_t i = 0; i < source.size(); ++i) {
    const char c = source[i];
    if (source.substr(i, 2) == "//") {
      i = std::min(source.find('\n', i), source.size());
    } else if (c == '\'' && i + 2 < source.size()) {
      i += source[i + 1] == '\\' ? 3 : 2;
      goes_on = false;
    } else if (c == '"') {
      std::string text;
      for (++i; i < source.size() && source[i] != '"'; ++i) {
        const bool escaped = source[i] == '\\';
        if (escaped) ++i;
        text += escaped && source[i] == 'n' ? '\n' : source[i];
      }
      if (goes_on) {
        literals.back() += text;
      } else {
        literals.push_back(std::move(text));
      }
      goes_on = true;
    } else if (c != ' ' && c != '\n') {
      goes_on = false;
    }
  }
  return literals;
}

/// A format's places as "…".
std::string with_gaps(std::string_view literal) {
  std::string text;
  for (std::size_t i = 0; i < literal.size(); ++i) {
    const std::size_t end = literal[i] == '{' ? literal.find('}', i) : std::string_view::npos;
    if (end != std::string_view::npos) {
      text += kAnything;
      i = end;
    } else {
      text += literal[i];
    }
  }
  return text;
}

std::vector<std::string_view> parts_of(std::string_view text) {
  std::vector<std::string_view> parts;
  for (std::size_t at = text.find(kAnything); at != std::string_view::npos; at = text.find(kAnything)) {
    parts.push_back(text.substr(0, at));
    text.remove_prefix(at + kAnything.size());
  }
  parts.push_back(text);
  return parts;
}

std::size_t fixed_length(std::string_view text) {
  std::size_t length = 0;
  for (const std::string_view part : parts_of(text)) length += part.size();
  return length;
}

/// Whether `text` is what `pattern` says, "…" being any text.
bool fits(std::string_view text, std::string_view pattern) {
  const std::vector<std::string_view> parts = parts_of(pattern);
  if (text.substr(0, parts.front().size()) != parts.front()) return false;
  if (parts.size() == 1) return text == pattern;
  text.remove_prefix(parts.front().size());
  for (std::size_t i = 1; i + 1 < parts.size(); ++i) {
    const std::size_t at = text.find(parts[i]);
    if (at == std::string_view::npos) return false;
    text.remove_prefix(at + parts[i].size());
  }
  return ends_with(text, parts.back());
}

/// What obsctl can print, a line each: the literals of its sources with "…" for what is put in, and what the
/// tutorials show of its output.
struct Printed {
  std::vector<std::string> formats;
  std::vector<std::string> shown;
};

Printed printed_by(const SourceTree& tree) {
  Printed all;
  for (const auto& [path, content] : tree) {
    if (path.rfind("docs/tutorial/", 0) == 0) {
      for (const std::string_view line : obsctl::core::split(content, '\n')) all.shown.emplace_back(line);
    }
    if (top_folder(path) == "docs" || top_folder(path) == "tests" || !ends_with(path, ".cpp")) continue;
    for (const std::string& literal : literals_of(content)) {
      for (const std::string_view line : obsctl::core::split(literal, '\n'))
        all.formats.push_back(with_gaps(line));
    }
  }
  return all;
}

/// A format may say all of a message but what is put before or behind it elsewhere; one that is mostly gaps
/// would fit anything.
bool is_known(const Printed& printed, std::string_view message) {
  std::vector<std::string_view> ways{message};
  if (message.starts_with(kAnything)) ways.push_back(message.substr(kAnything.size()));
  if (ends_with(message, kAnything)) ways.push_back(message.substr(0, message.size() - kAnything.size()));
  const std::size_t length = fixed_length(message);
  for (const std::string& format : printed.formats) {
    if (3 * fixed_length(format) < 2 * length) continue;
    for (const std::string_view way : ways) {
      if (fits(way, format)) return true;
    }
  }
  return length >= kEnough && std::any_of(printed.shown.begin(), printed.shown.end(),
                                          [&](const std::string& line) { return fits(line, message); });
}

Violations unknown_messages(const SourceTree& tree, const std::string& page) {
  Violations found;
  const Printed printed = printed_by(tree);
  bool quoted = false;
  int number = 0;
  for (const std::string_view line : obsctl::core::split(tree.at(page), '\n')) {
    ++number;
    if (line.substr(0, 3) == "```") {
      quoted = line == "```text";
    } else if (quoted && !is_known(printed, line)) {
      found.push_back(fmt::format("{}:{}: nothing prints \"{}\"", page, number, line));
    }
  }
  return found;
}

}  // namespace

TEST_CASE("every message that the troubleshooting page quotes is one that obsctl prints") {
  CHECK(unknown_messages(read_source_tree(), "docs/how-to/troubleshooting.md") == Violations{});

  SECTION("one that is not is found") {
    const SourceTree tree{
        {"page.md",
         "```text\nfault \"…\" was injected but never seen to be …: …\ncannot listen on …: the port is in "
         "use\n"
         "cannot listen to …: the port is in use\nA was not there\nanything …\n```\n```sh\nls\n```\n"},
        {"docs/tutorial/a.md", "  A was not there\n"},
        {"core/a.cpp",
         "// \"anything at all\"\nformat(\"fault \\\"{}\\\" was {} \"\n  \"but never seen to be {}: {}\");\n"
         "x = '\"'; format(\"cannot listen on {}: the port is in use\"); format(\"{} {}\");\n"}};
    CHECK(unknown_messages(tree, "page.md") ==
          Violations{"page.md:4: nothing prints \"cannot listen to …: the port is in use\"",
                     "page.md:5: nothing prints \"A was not there\"",
                     "page.md:6: nothing prints \"anything …\""});
  }
}
