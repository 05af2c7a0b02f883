// Habits that a newcomer relies on: names say what is in a file, a header opens with what it is for, and
// every source file is part of the build.
#include <array>

#include <fmt/format.h>

#include "core/text.hpp"
#include "tests/support/catch.hpp"
#include "tests/unit/house/source_tree.hpp"

using obsctl::tests::ends_with;
using obsctl::tests::is_cpp;
using obsctl::tests::read_source_tree;
using obsctl::tests::SourceTree;
using obsctl::tests::top_folder;
using obsctl::tests::Violations;

namespace {

std::string_view base_name(std::string_view path) {
  return path.substr(path.rfind('/') + 1);  // npos + 1 is 0: a file in the root
}

Violations vague_names(const SourceTree& tree) {
  constexpr std::array<std::string_view, 9> kVague{"util", "utils",  "helper", "helpers", "manager",
                                                   "impl", "common", "misc",   "stuff"};
  constexpr std::string_view kSnakeCase = "abcdefghijklmnopqrstuvwxyz0123456789_";
  Violations found;
  for (const auto& [path, content] : tree) {
    if (!is_cpp(path)) continue;
    const std::string_view name = base_name(path);
    const std::string_view stem = name.substr(0, name.size() - 4);
    if (stem.find_first_not_of(kSnakeCase) != std::string_view::npos) {
      found.push_back(fmt::format("{}: file names are snake_case", path));
    }
    const std::string_view without_end = std::string_view(path).substr(0, path.size() - 4);
    for (const std::string_view part : obsctl::core::split(without_end, '/')) {
      for (const std::string_view word : obsctl::core::split(part, '_')) {
        for (const std::string_view vague : kVague) {
          if (word == vague)
            found.push_back(fmt::format("{}: \"{}\" says nothing about what is in it", path, word));
        }
      }
    }
  }
  return found;
}

Violations headers_without_an_opening(const SourceTree& tree) {
  Violations found;
  for (const auto& [path, content] : tree) {
    if (!ends_with(path, ".hpp")) continue;
    if (content.rfind("// ", 0) != 0) {
      found.push_back(fmt::format("{}:1: a header opens with a comment that says what it is for", path));
    }
    if (content.find("\n#pragma once\n") == std::string::npos) {
      found.push_back(fmt::format("{}:1: \"#pragma once\" is missing", path));
    }
  }
  return found;
}

/// Source files of a code folder that its CMakeLists.txt does not name: they compile for nobody.
Violations unbuilt_sources(const SourceTree& tree) {
  Violations found;
  for (const auto& [path, content] : tree) {
    const std::string folder = top_folder(path);
    const auto list = tree.find(folder + "/CMakeLists.txt");
    if (folder == "tests" || !ends_with(path, ".cpp") || list == tree.end()) continue;
    const std::string inside = path.substr(folder.size() + 1);
    if (list->second.find(inside) == std::string::npos) {
      found.push_back(fmt::format("{}: not named in {}", path, list->first));
    }
  }
  return found;
}

}  // namespace

TEST_CASE("file names are snake_case and say what is in them") {
  CHECK(vague_names(read_source_tree()) == Violations{});

  SECTION("one that does not is found") {
    const SourceTree tree{{"core/string_utils.cpp", ""},
                          {"cli/ReportWriter.hpp", ""},
                          {"loadgen/common/x.cpp", ""},
                          {"core/utilisation.cpp", ""},
                          {"docs/common.md", ""}};
    CHECK(vague_names(tree) ==
          Violations{"cli/ReportWriter.hpp: file names are snake_case",
                     "core/string_utils.cpp: \"utils\" says nothing about what is in it",
                     "loadgen/common/x.cpp: \"common\" says nothing about what is in it"});
  }
}

TEST_CASE("every header opens with what it is for") {
  CHECK(headers_without_an_opening(read_source_tree()) == Violations{});

  SECTION("one that does not is found") {
    const SourceTree tree{{"core/a.hpp", "#pragma once\n"},
                          {"core/b.hpp", "// What it is.\n#pragma once\nint x();\n"},
                          {"core/c.hpp", "// What it is.\n#ifndef C\n"}};
    CHECK(headers_without_an_opening(tree) ==
          Violations{"core/a.hpp:1: a header opens with a comment that says what it is for",
                     "core/a.hpp:1: \"#pragma once\" is missing",
                     "core/c.hpp:1: \"#pragma once\" is missing"});
  }
}

TEST_CASE("every source file is part of the build") {
  CHECK(unbuilt_sources(read_source_tree()) == Violations{});

  SECTION("one that is not is found") {
    const SourceTree tree{{"core/CMakeLists.txt", "a.cpp sub/b.cpp"},
                          {"core/a.cpp", ""},
                          {"core/sub/b.cpp", ""},
                          {"core/c.cpp", ""},
                          {"tests/CMakeLists.txt", ""},
                          {"tests/x_test.cpp", ""}};
    CHECK(unbuilt_sources(tree) == Violations{"core/c.cpp: not named in core/CMakeLists.txt"});
  }
}
