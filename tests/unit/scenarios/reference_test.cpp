// docs/reference/scenario.md against the reader: every word that the reader knows is on the page, every key
// on the page is one that the reader asks for, and the page's own scenario is one.
#include <algorithm>
#include <array>
#include <regex>
#include <set>

#include "core/file.hpp"
#include "core/text.hpp"
#include "scenarios/faults/fault_kind.hpp"
#include "tests/support/catch.hpp"
#include "tests/unit/scenarios/scenario_text.hpp"

namespace {

using Words = std::set<std::string>;

constexpr const char* kPage = "docs/reference/scenario.md";
constexpr std::array kReader{"scenarios/read_check.cpp",  "scenarios/read_conditions.cpp",
                             "scenarios/read_expect.cpp", "scenarios/read_fault.cpp",
                             "scenarios/read_load.cpp",   "scenarios/scenario_reader.cpp"};

std::string contents(const std::string& path) {
  return obsctl::core::read_file(path).value();
}

/// What stands between the pairs of `quote` in `text`, if it looks like a key or one of a key's names.
Words quoted_words(const std::string& text, const std::string& quote) {
  const std::regex word(quote + "([a-z][a-z0-9_-]*)" + quote);
  Words words;
  for (std::sregex_iterator match(text.begin(), text.end(), word), end; match != end; ++match) {
    words.insert((*match)[1]);
  }
  return words;
}

/// Keys, and the names that are values of keys.
Words words_of_reader() {
  Words words;
  for (const char* file : kReader) words.merge(quoted_words(contents(file), "\""));
  words.erase("localhost");  // where requests are sent in thought only
  return words;
}

/// The first cells of the tables whose heading begins with "key".
Words keys_on(const std::string& page) {
  Words keys;
  bool of_keys = false;
  std::string_view before;
  for (const std::string_view line : obsctl::core::split(page, '\n')) {
    if (line.empty() || line.front() != '|') of_keys = false;
    if (line.substr(0, 4) == "|---") of_keys = before.substr(0, 5) == "| key";
    if (of_keys) keys.merge(quoted_words(std::string(line.substr(0, line.find('|', 1))), "`"));
    before = line;
  }
  return keys;
}

/// The page's blocks of TOML, put together.
std::string scenario_on(const std::string& page) {
  std::string scenario;
  bool inside = false;
  for (const std::string_view line : obsctl::core::split(page, '\n')) {
    if (line.substr(0, 3) == "```") {
      inside = line == "```toml";
    } else if (inside) {
      scenario += std::string(line) + "\n";
    }
  }
  return scenario;
}

Words missing_from(const Words& there, const Words& wanted) {
  Words missing;
  std::set_difference(wanted.begin(), wanted.end(), there.begin(), there.end(),
                      std::inserter(missing, missing.end()));
  return missing;
}

}  // namespace

TEST_CASE("every key and every name that a scenario may hold is in its reference") {
  const Words known = words_of_reader();
  CHECK(known.size() > 80);
  CHECK(known.count("schema") == 1);
  CHECK(known.count("on_no_data") == 1);
  CHECK(missing_from(quoted_words(contents(kPage), "`"), known) == Words{});
}

TEST_CASE("every key in the reference is one that a scenario may hold") {
  const Words keys = keys_on(contents(kPage));
  CHECK(keys.size() > 60);
  CHECK(keys.count("caused_by") == 1);
  CHECK(missing_from(words_of_reader(), keys) == Words{});
}

TEST_CASE("every kind of fault and every key of one is in the reference of faults") {
  const Words on_page = quoted_words(contents("docs/reference/faults.md"), "`");
  for (const auto& kind : obsctl::scenarios::fault_kinds()) {
    CAPTURE(kind.name);
    CHECK(on_page.count(kind.name) == 1);
    for (const std::string& key : kind.keys) {
      CAPTURE(key);
      CHECK(on_page.count(key) == 1);
    }
  }
}

TEST_CASE("the scenario in the reference is one, and has most of what there is") {
  const auto scenario = obsctl::tests::scenario_of(scenario_on(contents(kPage)));
  CHECK(scenario.stack == "http-api");
  CHECK(scenario.loads.size() == 1);
  CHECK(scenario.steady_states.size() == 1);
  CHECK(scenario.faults.size() == 1);
  CHECK(scenario.alerts.size() == 1);
  CHECK(scenario.notifications.size() == 2);
  CHECK(scenario.queries.size() == 1);
  CHECK(scenario.suppressions.size() == 1);
  CHECK(scenario.nothing_else);
  CHECK(scenario.thresholds.size() == 1);
  CHECK(scenario.aborts.size() == 1);
}
