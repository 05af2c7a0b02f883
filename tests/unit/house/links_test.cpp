// A documentation page that points nowhere is worse than none: every relative link and image of every
// Markdown file leads to a file (and, with a #fragment, to a heading) of the repository.
#include <cctype>
#include <filesystem>
#include <set>

#include <fmt/format.h>

#include "core/text.hpp"
#include "tests/support/catch.hpp"
#include "tests/unit/house/source_tree.hpp"

using obsctl::tests::ends_with;
using obsctl::tests::read_source_tree;
using obsctl::tests::SourceTree;
using obsctl::tests::Violations;

namespace {

struct Link {
  std::string target;
  int line = 0;
};

/// The targets of [text](target), ![text](target) and <img src="target"> outside fenced code blocks.
std::vector<Link> links_of(std::string_view markdown) {
  std::vector<Link> links;
  int line_number = 0;
  bool in_code = false;
  const auto collect = [&](std::string_view line, std::string_view opening, char closing) {
    for (std::size_t at = line.find(opening); at != std::string_view::npos; at = line.find(opening, at + 1)) {
      const std::size_t first = at + opening.size();
      const std::size_t end = line.find(closing, first);
      if (end == std::string_view::npos) return;
      const std::string_view target = line.substr(first, end - first);
      links.push_back({std::string(target.substr(0, target.find(' '))), line_number});
    }
  };
  for (const std::string_view line : obsctl::core::split(markdown, '\n')) {
    ++line_number;
    if (obsctl::core::trimmed(line).substr(0, 3) == "```") in_code = !in_code;
    if (in_code) continue;
    collect(line, "](", ')');
    collect(line, "src=\"", '"');
  }
  return links;
}

/// A heading's anchor as GitHub makes it: lower case, punctuation gone, blanks as hyphens.
std::string anchor_of(std::string_view heading) {
  std::string anchor;
  for (const char c : heading) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) != 0 || c == '-' || c == '_' || byte >= 0x80)
      anchor += static_cast<char>(std::tolower(byte));
    if (c == ' ') anchor += '-';
  }
  return anchor;
}

std::set<std::string> anchors_of(std::string_view markdown) {
  std::set<std::string> anchors;
  for (const std::string_view line : obsctl::core::split(markdown, '\n')) {
    const std::size_t level = line.find_first_not_of('#');
    if (level == 0 || level == std::string_view::npos || line[level] != ' ') continue;
    anchors.insert(anchor_of(obsctl::core::trimmed(line.substr(level))));
  }
  return anchors;
}

bool is_folder_of(const SourceTree& tree, const std::string& path) {
  const std::string prefix = path + "/";
  const auto next = tree.lower_bound(prefix);
  return next != tree.end() && next->first.rfind(prefix, 0) == 0;
}

Violations broken_links(const SourceTree& tree) {
  Violations found;
  for (const auto& [page, content] : tree) {
    if (!ends_with(page, ".md")) continue;
    for (const Link& link : links_of(content)) {
      if (link.target.find("://") != std::string::npos || link.target.rfind("mailto:", 0) == 0) continue;
      const std::size_t hash = link.target.find('#');
      const std::string file = link.target.substr(0, hash);
      std::string path = page;
      if (!file.empty()) {
        path = (std::filesystem::path(page).parent_path() / file).lexically_normal().generic_string();
        if (path.back() == '/') path.pop_back();
      }
      const auto target = tree.find(path);
      if (target == tree.end()) {
        // A hidden file (.ci/run) is not in the tree.
        if (!is_folder_of(tree, path) && !std::filesystem::exists(path)) {
          found.push_back(fmt::format("{}:{}: {} does not exist", page, link.line, link.target));
        }
      } else if (hash != std::string::npos &&
                 anchors_of(target->second).count(link.target.substr(hash + 1)) == 0) {
        found.push_back(fmt::format("{}:{}: {} has no such heading", page, link.line, link.target));
      }
    }
  }
  return found;
}

/// Pages of docs/ that no other page of docs/ or the README leads to.
Violations unreachable_pages(const SourceTree& tree) {
  std::set<std::string> reached{"docs/README.md"};
  for (const auto& [page, content] : tree) {
    if (!ends_with(page, ".md")) continue;
    for (const Link& link : links_of(content)) {
      const std::string file = link.target.substr(0, link.target.find('#'));
      const std::string path =
          (std::filesystem::path(page).parent_path() / file).lexically_normal().generic_string();
      if (path != page) reached.insert(path);
    }
  }
  Violations found;
  for (const auto& [page, content] : tree) {
    if (page.rfind("docs/", 0) == 0 && ends_with(page, ".md") && reached.count(page) == 0) {
      found.push_back(fmt::format("{}: no page links to it", page));
    }
  }
  return found;
}

}  // namespace

TEST_CASE("every relative link of the documentation leads somewhere") {
  CHECK(broken_links(read_source_tree()) == Violations{});

  SECTION("one that does not is found") {
    const SourceTree tree{
        {"README.md",
         "[a](docs/a.md) ![b](docs/b.svg \"title\") [c](docs/missing.md)\n"
         "[d](https://example.org/x) [e](docs)\n"
         "```\n[in code](nowhere.md)\n```\n"},
        {"docs/a.md",
         "# The `house`, in brief\n[up](../README.md) [here](#the-house-in-brief) [no](#nope)\n"
         "[s](./b.svg) [t](../README.md#x) <img src=\"c.svg\">\n"},
        {"docs/b.svg", ""}};
    CHECK(broken_links(tree) ==
          Violations{"README.md:1: docs/missing.md does not exist", "docs/a.md:2: #nope has no such heading",
                     "docs/a.md:3: ../README.md#x has no such heading", "docs/a.md:3: c.svg does not exist"});
  }
}

TEST_CASE("every page of the documentation can be reached by links") {
  CHECK(unreachable_pages(read_source_tree()) == Violations{});

  SECTION("one that cannot is found") {
    const SourceTree tree{{"docs/README.md", "[a](a.md)"}, {"docs/a.md", ""}, {"docs/b.md", "[self](b.md)"}};
    CHECK(unreachable_pages(tree) == Violations{"docs/b.md: no page links to it"});
  }
}
