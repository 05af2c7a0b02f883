// That routes_for agrees with Alertmanager itself: `amtool config routes test` on tricky trees and on random
// ones.
#include <random>

#include <fmt/format.h>

#include "core/file.hpp"
#include "core/process.hpp"
#include "core/text.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/monitoring.hpp"
#include "verifiers/alertmanager_config.hpp"

using namespace std::chrono_literals;
using namespace obsctl::verifiers;
using obsctl::tests::TemporaryDirectory;

namespace {

/// The receivers that amtool names for a label set, separated by commas.
std::string ask_amtool(const std::filesystem::path& config, const Labels& labels) {
  std::vector<std::string> argv = {obsctl::core::find_program({"amtool"})->string(), "config", "routes",
                                   "test", "--config.file=" + config.string()};
  for (const auto& [name, value] : labels) argv.push_back(name + "=" + value);
  const auto output = obsctl::core::run_command({.argv = argv}, 10s);
  REQUIRE(output);
  INFO(output->text);
  REQUIRE(output->status.ok());
  // Debian's own configuration of amtool makes it print a warning in front.
  return std::string(obsctl::core::split(obsctl::core::trimmed(output->text), '\n').back());
}

std::string ask_us(const AlertmanagerConfig& config, const Labels& labels) {
  std::string receivers;
  for (const Route* route : routes_for(config, labels)) {
    receivers += (receivers.empty() ? "" : ",") + route->receiver;
  }
  return receivers;
}

void compare(const std::string& yaml, const std::vector<Labels>& label_sets) {
  const TemporaryDirectory directory;
  const auto path = directory / "alertmanager.yml";
  REQUIRE(obsctl::core::write_file(path, yaml));
  const auto config = parse_alertmanager_config(yaml, "alertmanager.yml");
  INFO(yaml);
  if (!config) FAIL(to_string(config.error()));
  for (const Labels& labels : label_sets) {
    CAPTURE(to_text(labels));
    CHECK(ask_us(*config, labels) == ask_amtool(path, labels));
  }
}

constexpr const char* kTricky = R"yaml(
route:
  receiver: root
  routes:
    - receiver: old-syntax
      match: {a: "1"}
      match_re: {b: "x|y"}
    - receiver: no-children-match
      matchers: [c="1"]
      routes:
        - receiver: deep
          matchers: [d="1"]
          continue: true
        - receiver: deeper
          matchers: ['d=~"1|2"']
    - receiver: continues
      matchers: ['e!=""']
      continue: true
    - receiver: all-of-them
      matchers: ['{e=~".+", f!~"no.*"}']
      continue: true
    - receiver: parent-stops
      matchers: [g=1]
      routes:
        - receiver: child-continues
          continue: true
    - receiver: after-parent
      matchers: [g=1]
    - receiver: absent-label
      matchers: [h="", i="1"]
    - receiver: quotes
      matchers: ['j="a,b"', "k = \"with spaces\" "]
receivers:
  - {name: root}
  - {name: old-syntax}
  - {name: no-children-match}
  - {name: deep}
  - {name: deeper}
  - {name: continues}
  - {name: all-of-them}
  - {name: parent-stops}
  - {name: child-continues}
  - {name: after-parent}
  - {name: absent-label}
  - {name: quotes}
)yaml";

class RandomTree {
 public:
  explicit RandomTree(unsigned seed) : random_(seed) {}

  std::string yaml() {
    std::string text = "route:\n  receiver: r0\n" + children(1) + "receivers:\n";
    for (int i = 0; i < receivers_; ++i) text += fmt::format("  - name: r{}\n", i);
    return text;
  }
  Labels labels() {
    Labels made;
    for (const char* name : {"a", "b", "c"}) {
      if (below(3) > 0) made[name] = std::to_string(below(3));
    }
    return made;
  }

 private:
  int below(int bound) { return std::uniform_int_distribution<int>(0, bound - 1)(random_); }

  std::string matcher() {
    const std::string name(1, static_cast<char>('a' + below(3)));
    const char* operators[] = {"=", "!=", "=~", "!~"};
    const int operation = below(4);
    const std::string value =
        operation < 2 ? std::to_string(below(3)) : fmt::format("{}|{}", below(3), below(3));
    return fmt::format("{}{}\\\"{}\\\"", name, operators[operation], below(6) == 0 ? "" : value);
  }

  std::string children(int depth) {
    const int count = depth > 3 ? 0 : depth == 1 ? 2 + below(3) : below(4);
    if (count == 0) return "";
    const std::string indent(static_cast<std::size_t>(depth) * 4 - 2, ' ');
    std::string text = indent + "routes:\n";
    for (int i = 0; i < count; ++i) {
      text += fmt::format("{}  - receiver: r{}\n{}    continue: {}\n{}    matchers: [\"{}\"{}]\n", indent,
                          receivers_++, indent, below(2) == 0 ? "true" : "false", indent, matcher(),
                          below(2) == 0 ? ", \"" + matcher() + "\"" : "");
      text += children(depth + 1);
    }
    return text;
  }

  std::mt19937 random_;
  int receivers_ = 1;
};

}  // namespace

TEST_CASE("alerts are routed as amtool says, through every trick of a route tree") {
  if (!obsctl::tests::is_installed({"amtool"}, "prometheus-alertmanager")) return;
  compare(kTricky, {{{"z", "z"}},
                    {{"a", "1"}},
                    {{"a", "1"}, {"b", "x"}},
                    {{"a", "1"}, {"b", "xy"}},
                    {{"c", "1"}},
                    {{"c", "1"}, {"d", "1"}},
                    {{"c", "1"}, {"d", "2"}},
                    {{"c", "1"}, {"d", "12"}},
                    {{"e", "1"}},
                    {{"e", "1"}, {"f", "nope"}},
                    {{"e", "1"}, {"g", "1"}},
                    {{"g", "1"}},
                    {{"i", "1"}},
                    {{"i", "1"}, {"h", "1"}},
                    {{"j", "a,b"}, {"k", "with spaces"}},
                    {{"a", "1"}, {"b", "y"}, {"e", "1"}}});
}

TEST_CASE("alerts are routed as amtool says in trees that nobody has thought of") {
  if (!obsctl::tests::is_installed({"amtool"}, "prometheus-alertmanager")) return;
  for (unsigned seed = 1; seed <= 15; ++seed) {
    CAPTURE(seed);
    RandomTree tree(seed);
    const std::string yaml = tree.yaml();
    std::vector<Labels> label_sets;
    for (int i = 0; i < 6; ++i) label_sets.push_back(tree.labels());
    compare(yaml, label_sets);
  }
}
