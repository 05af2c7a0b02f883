// The one list of packages, as .ci/setup reads it.
#include <map>
#include <vector>

#include "core/text.hpp"
#include "tests/support/catch.hpp"
#include "tests/unit/house/source_tree.hpp"

using obsctl::tests::read_source_tree;

namespace {

/// Section → the first-choice packages in it.
std::map<std::string, std::vector<std::string>> sections_of(std::string_view list) {
  std::map<std::string, std::vector<std::string>> sections;
  std::string section;
  for (const std::string_view line : obsctl::core::split(list, '\n')) {
    if (line.empty() || line.front() == '#') continue;
    if (line.front() == '[') {
      section = std::string(line.substr(1, line.find(']') - 1));
    } else {
      sections[section].emplace_back(line.substr(0, line.find_first_of(", ")));
    }
  }
  return sections;
}

}  // namespace

TEST_CASE("the package list has its five sections and every line its three columns") {
  const auto tree = read_source_tree();
  const std::string& list = tree.at("debian-packages.txt");
  const auto sections = sections_of(list);
  REQUIRE(sections.size() == 5);
  CHECK(sections.at("build").size() >= 10);
  CHECK(sections.at("run").front() == "prometheus");
  CHECK(sections.at("check").size() >= 3);
  CHECK(sections.at("package").size() == 2);
  CHECK(sections.at("compose").front() == "podman");
  for (const std::string_view line : obsctl::core::split(list, '\n')) {
    if (line.empty() || line.front() == '#' || line.front() == '[') continue;
    CAPTURE(line);
    const bool has_probe =
        line.find(" program:") != std::string_view::npos || line.find(" header:") != std::string_view::npos;
    CHECK(has_probe);
  }
}
