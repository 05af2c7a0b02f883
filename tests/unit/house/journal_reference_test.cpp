// The journal's reference page and the code agree on which kinds of events there are: whoever reads a journal
// can look up every one, and finds none that no longer exists.
#include <functional>
#include <set>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "core/text.hpp"
#include "tests/support/catch.hpp"
#include "tests/unit/house/source_tree.hpp"

using obsctl::tests::ends_with;
using obsctl::tests::read_source_tree;
using obsctl::tests::SourceTree;
using obsctl::tests::Violations;

namespace {

constexpr const char* kPage = "docs/reference/journal.md";

/// What can stand before the dot of a kind. Scenarios have other dotted texts too, such as ids of
/// expectations.
const std::set<std::string, std::less<>>& topics() {
  static const std::set<std::string, std::less<>> all{
      "run",   "stack", "baseline",     "plan",       "load", "steady_state", "fault", "left_fault", "alert",
      "query", "watch", "notification", "prometheus", "rule", "check",        "chaos", "annotation"};
  return all;
}

/// "fault.injected": a topic, a dot, and a word in lower case.
bool is_kind(std::string_view text) {
  const std::size_t dot = text.find('.');
  if (dot == std::string_view::npos || topics().count(text.substr(0, dot)) == 0) return false;
  const std::string_view word = text.substr(dot + 1);
  return !word.empty() && word.find_first_not_of("abcdefghijklmnopqrstuvwxyz_") == std::string_view::npos;
}

/// Every second part between quotation marks. A line with a mark inside a literal may give nonsense, which is
/// no kind.
void add_literals(std::string_view line, std::set<std::string>& kinds) {
  bool inside = false;
  for (const std::string_view part : obsctl::core::split(line, '"')) {
    if (inside && is_kind(part)) kinds.emplace(part);
    // The one kind that is put together when it is needed: from the states that an alert can have.
    if (inside && part == "alert.{}") {
      for (const char* kind : {"alert.pending", "alert.firing", "alert.inactive"}) kinds.emplace(kind);
    }
    inside = !inside;
  }
}

std::set<std::string> kinds_in_code(const SourceTree& tree) {
  std::set<std::string> kinds;
  for (const auto& [path, content] : tree) {
    if (path.rfind("scenarios/", 0) != 0 || !ends_with(path, ".cpp")) continue;
    for (const std::string_view line : obsctl::core::split(content, '\n')) add_literals(line, kinds);
  }
  return kinds;
}

/// The kinds in the first column of the page's tables; several may share a row.
std::set<std::string> kinds_on_page(std::string_view page) {
  std::set<std::string> kinds;
  for (const std::string_view line : obsctl::core::split(page, '\n')) {
    if (line.substr(0, 3) != "| `") continue;
    const std::string_view column = line.substr(0, line.find(" |"));
    for (const std::string_view part : obsctl::core::split(column, '`')) {
      if (is_kind(part)) kinds.emplace(part);
    }
  }
  return kinds;
}

Violations disagreements(const SourceTree& tree) {
  const std::set<std::string> code = kinds_in_code(tree);
  const std::set<std::string> page = kinds_on_page(tree.at(kPage));
  Violations found;
  for (const std::string& kind : code) {
    if (page.count(kind) == 0) found.push_back(fmt::format("{}: {} is not there", kPage, kind));
  }
  for (const std::string& kind : page) {
    if (code.count(kind) == 0) found.push_back(fmt::format("{}: no code makes {}", kPage, kind));
  }
  return found;
}

}  // namespace

TEST_CASE("the journal's reference has every kind of event that there is, and no other") {
  const SourceTree repository = read_source_tree();
  CHECK(disagreements(repository) == Violations{});
  CHECK(kinds_in_code(repository).size() >= 30);

  SECTION("one that is missing or gone is found") {
    const SourceTree tree{{"scenarios/runner.cpp",
                           "journal_.append(ok ? \"steady_state.held\" : \"steady_state.broken\");\n"
                           "journal.append_at(at, fmt::format(\"alert.{}\", state));\n"
                           "json[\"query.{}\"] = \"alert.HighErrorRate.firing\" + \"load.NAME\";\n"},
                          {"scenarios/runner.hpp", "// \"run.imagined\"\n"},
                          {"cli/display.cpp", "kind == \"run.shown\"\n"},
                          {kPage,
                           "| kind | fields |\n|---|---|\n| `steady_state.held` | `run.elsewhere` |\n"
                           "| `alert.pending`, `alert.firing` | |\n| `stack.gone` | |\n"
                           "| `alert.ALERT.pending`, `.firing` | |\n"}};
    CHECK(disagreements(tree) == Violations{"docs/reference/journal.md: alert.inactive is not there",
                                            "docs/reference/journal.md: steady_state.broken is not there",
                                            "docs/reference/journal.md: no code makes stack.gone"});
  }
}
