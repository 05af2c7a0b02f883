// The page of environment variables is complete: it has each OBSCTL_ variable that the sources, compose.yaml
// or the examples of environments name, and no other. (That .env.example has every variable of `serve` is
// tested with `serve`.)
#include <cctype>
#include <set>
#include <string>

#include "tests/support/catch.hpp"
#include "tests/unit/house/source_tree.hpp"

using obsctl::tests::is_cpp;
using obsctl::tests::read_source_tree;
using obsctl::tests::SourceTree;
using obsctl::tests::top_folder;

namespace {

std::set<std::string> variables_in(std::string_view text) {
  std::set<std::string> found;
  constexpr std::string_view kPrefix = "OBSCTL_";
  for (std::size_t at = text.find(kPrefix); at != std::string_view::npos; at = text.find(kPrefix, at + 1)) {
    std::size_t end = at;
    while (end < text.size() &&
           (std::isupper(static_cast<unsigned char>(text[end])) != 0 ||
            std::isdigit(static_cast<unsigned char>(text[end])) != 0 || text[end] == '_')) {
      ++end;
    }
    if (text[end - 1] != '_') found.emplace(text.substr(at, end - at));
  }
  return found;
}

std::set<std::string> variables_of(const SourceTree& tree) {
  const std::set<std::string> folders{"cli", "core", "loadgen", "scenarios", "stacks", "verifiers"};
  std::set<std::string> all;
  for (const auto& [path, content] : tree) {
    const bool source = is_cpp(path) && folders.count(top_folder(path)) == 1;
    if (source || path == ".env.example" || path.rfind("stacks/http-api/", 0) == 0)
      all.merge(variables_in(content));
  }
  // What is scaled is a pattern. Beginnings of variables, and what CMake defines, are none.
  std::erase_if(all, [](const std::string& name) { return name.rfind("OBSCTL_SCALED_", 0) == 0; });
  for (const char* no_variable : {"OBSCTL_SERVICE", "OBSCTL_RECEIVER", "OBSCTL_PROXY", "OBSCTL_VERSION"})
    all.erase(no_variable);
  return all;
}

std::set<std::string> without(std::set<std::string> some, const std::set<std::string>& others) {
  std::erase_if(some, [&](const std::string& name) { return others.count(name) == 1; });
  return some;
}

}  // namespace

TEST_CASE("the page of environment variables has every variable and no other") {
  const SourceTree tree = read_source_tree();
  const std::set<std::string> known = variables_of(tree);
  const std::set<std::string> told = variables_in(tree.at("docs/reference/environment.md"));
  CHECK(without(known, told) == std::set<std::string>{});
  CHECK(without(told, known) == std::set<std::string>{});

  CHECK(variables_in("`OBSCTL_A_1`, xOBSCTL_B\nOBSCTL_A_1") ==
        std::set<std::string>{"OBSCTL_A_1", "OBSCTL_B"});
  CHECK(variables_of(
            {{"cli/a.cpp", "\"OBSCTL_A\""}, {"tests/b.cpp", "OBSCTL_B"}, {".env.example", "#OBSCTL_C=1"}}) ==
        std::set<std::string>{"OBSCTL_A", "OBSCTL_C"});
}
