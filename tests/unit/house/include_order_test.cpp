// The way in has one direction: core <- {loadgen, verifiers, stacks} <- scenarios <- cli. The linker does not
// hold it (headers need no link), so this does. Heavy third-party headers stay where they were put, because
// they are most of the build's time.
#include <set>

#include <fmt/format.h>

#include "tests/support/catch.hpp"
#include "tests/unit/house/source_tree.hpp"

using obsctl::tests::Include;
using obsctl::tests::includes_of;
using obsctl::tests::is_cpp;
using obsctl::tests::read_source_tree;
using obsctl::tests::SourceTree;
using obsctl::tests::top_folder;
using obsctl::tests::Violations;

namespace {

/// Which code folders each may include besides itself.
const std::map<std::string, std::set<std::string>>& ways_in() {
  static const std::map<std::string, std::set<std::string>> ways{
      {"core", {}},
      {"loadgen", {"core"}},
      {"verifiers", {"core"}},
      {"stacks", {"core"}},
      {"scenarios", {"core", "loadgen", "verifiers", "stacks"}},
      {"cli", {"core", "loadgen", "verifiers", "stacks", "scenarios"}},
  };
  return ways;
}

Violations against_the_order(const SourceTree& tree) {
  Violations found;
  for (const auto& [path, content] : tree) {
    const auto way = ways_in().find(top_folder(path));
    if (way == ways_in().end() || !is_cpp(path)) continue;
    for (const Include& include : includes_of(content)) {
      const std::string target = top_folder(include.file);
      if (!include.quoted || target == way->first || way->second.count(target) > 0) continue;
      found.push_back(
          fmt::format("{}:{}: {}/ must not include \"{}\"", path, include.line, way->first, include.file));
    }
  }
  return found;
}

Violations unresolved_includes(const SourceTree& tree) {
  Violations found;
  for (const auto& [path, content] : tree) {
    if (!is_cpp(path)) continue;
    for (const Include& include : includes_of(content)) {
      if (!include.quoted || tree.count(include.file) > 0) continue;
      // What CMake writes from a template lies in the build folder.
      if (tree.count(include.file + ".in") > 0) continue;
      found.push_back(fmt::format("{}:{}: \"{}\" is not a path from the repository's root", path,
                                  include.line, include.file));
    }
  }
  return found;
}

/// A third-party library whose headers take seconds to compile, and the places that may pay for them. A place
/// is a file, or a folder when it ends in a slash.
struct HeavyHeader {
  std::string prefix;
  std::vector<std::string> places;
};

const std::vector<HeavyHeader>& heavy_headers() {
  static const std::vector<HeavyHeader> headers{
      {"boost/beast/", {"core/asio.cpp", "core/http_request.cpp"}},
      {"curl/", {"core/http_client.cpp", "loadgen/curl_transport.cpp", "tests/support/mail_sender.hpp"}},
      {"toml++/", {"core/toml_reader.cpp"}},
      {"yaml-cpp/",
       {"stacks/alertmanager_redirect.cpp", "stacks/yaml_text.cpp", "verifiers/alertmanager_config.cpp"}},
      {"CLI/", {"cli/"}},
      {"catch2/", {"tests/support/"}},
  };
  return headers;
}

Violations misplaced_heavy_headers(const SourceTree& tree) {
  Violations found;
  for (const auto& [path, content] : tree) {
    if (!is_cpp(path)) continue;
    for (const Include& include : includes_of(content)) {
      for (const HeavyHeader& heavy : heavy_headers()) {
        if (include.file.rfind(heavy.prefix, 0) != 0) continue;
        bool allowed = false;
        for (const std::string& place : heavy.places) {
          allowed = allowed || place == path || (place.back() == '/' && path.rfind(place, 0) == 0);
        }
        if (!allowed) {
          found.push_back(fmt::format("{}:{}: <{}> belongs in {} only", path, include.line, include.file,
                                      fmt::join(heavy.places, ", ")));
        }
      }
    }
  }
  return found;
}

}  // namespace

TEST_CASE("includes follow the way in: core, then its three users, then scenarios, then cli") {
  CHECK(against_the_order(read_source_tree()) == Violations{});

  SECTION("one that does not is found") {
    const SourceTree tree{
        {"core/a.hpp", "#pragma once\n\n#include \"loadgen/plan.hpp\"\n"},
        {"loadgen/a.cpp",
         "#include \"core/error.hpp\"\n#include \"verifiers/x.hpp\"\n#include \"loadgen/a.hpp\"\n"},
        {"stacks/services/a.cpp", "#include \"scenarios/journal.hpp\"\n"},
        {"scenarios/a.cpp", "#include \"loadgen/plan.hpp\"\n#include \"cli/command_line.hpp\"\n"},
        {"cli/a.cpp", "#include \"core/a.hpp\"\n#include \"tests/support/x.hpp\"\n"},
        {"stacks/README.md", "#include \"cli/x.hpp\"\n"}};
    CHECK(against_the_order(tree) ==
          Violations{"cli/a.cpp:2: cli/ must not include \"tests/support/x.hpp\"",
                     "core/a.hpp:3: core/ must not include \"loadgen/plan.hpp\"",
                     "loadgen/a.cpp:2: loadgen/ must not include \"verifiers/x.hpp\"",
                     "scenarios/a.cpp:2: scenarios/ must not include \"cli/command_line.hpp\"",
                     "stacks/services/a.cpp:1: stacks/ must not include \"scenarios/journal.hpp\""});
  }
}

TEST_CASE("every include in quotes is a path from the root of the repository") {
  CHECK(unresolved_includes(read_source_tree()) == Violations{});

  SECTION("one that is not is found") {
    const SourceTree tree{
        {"core/a.cpp", "#include \"a.hpp\"\n#include <vector>\n#include \"core/version.hpp\"\n"},
        {"core/a.hpp", ""},
        {"core/version.hpp.in", ""}};
    CHECK(unresolved_includes(tree) ==
          Violations{"core/a.cpp:1: \"a.hpp\" is not a path from the repository's root"});
  }
}

TEST_CASE("heavy headers stay in the files that wrap them") {
  CHECK(misplaced_heavy_headers(read_source_tree()) == Violations{});

  SECTION("one that has wandered is found") {
    const SourceTree tree{{"cli/a.cpp", "#include <CLI/CLI.hpp>\n#include <curl/curl.h>\n"},
                          {"core/http_client.cpp", "#include <curl/curl.h>\n"},
                          {"tests/unit/cli/a_test.cpp", "#include <catch2/catch.hpp>\n"}};
    CHECK(misplaced_heavy_headers(tree) ==
          Violations{"cli/a.cpp:2: <curl/curl.h> belongs in core/http_client.cpp, "
                     "loadgen/curl_transport.cpp, tests/support/mail_sender.hpp only",
                     "tests/unit/cli/a_test.cpp:1: <catch2/catch.hpp> belongs in tests/support/ only"});
  }
}
