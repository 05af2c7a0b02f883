// The YAML of the documentation is YAML, and what its CI jobs run is shell. (That their obsctl commands exist
// is tested with the command line.)
#include <filesystem>

#include <fmt/format.h>

#include "core/file.hpp"
#include "core/process.hpp"
#include "core/text.hpp"
#include "stacks/yaml_text.hpp"
#include "tests/support/catch.hpp"

using namespace obsctl;
using stacks::YamlNode;
using stacks::YamlText;
namespace fs = std::filesystem;

namespace {

struct Block {
  std::string where;
  std::string text;
};

std::vector<Block> yaml_blocks() {
  std::vector<Block> blocks;
  for (const auto& entry : fs::recursive_directory_iterator("docs")) {
    if (entry.path().extension() != ".md") continue;
    bool inside = false;
    int number = 0;
    const std::string page = core::read_file(entry.path()).value();
    for (const std::string_view line : core::split(page, '\n')) {
      ++number;
      if (line == "```yaml") {
        inside = true;
        blocks.push_back({fmt::format("{}:{}", entry.path().string(), number), {}});
      } else if (line == "```") {
        inside = false;
      } else if (inside) {
        blocks.back().text += std::string(line) + "\n";
      }
    }
  }
  return blocks;
}

/// Every text below a key named run, script or before_script, at whatever depth.
std::vector<std::string> scripts_in(const YamlNode& node) {
  std::vector<std::string> found;
  const auto add = [&found](std::vector<std::string> more) {
    for (std::string& one : more) found.push_back(std::move(one));
  };
  for (const YamlNode& item : node.items) add(scripts_in(item));
  for (const auto& entry : node.entries) {
    const std::string& key = entry.key.value;
    if (key != "run" && key != "script" && key != "before_script") {
      add(scripts_in(entry.value));
      continue;
    }
    if (entry.value.kind == YamlNode::Kind::scalar) found.push_back(entry.value.value);
    for (const YamlNode& item : entry.value.items) found.push_back(item.value);
  }
  return found;
}

}  // namespace

TEST_CASE("the YAML of the documentation can be read, and its scripts are shell") {
  std::size_t scripts = 0;
  const std::vector<Block> blocks = yaml_blocks();
  CHECK(blocks.size() >= 4);
  for (const Block& block : blocks) {
    CAPTURE(block.where, block.text);
    const auto yaml = YamlText::parse(block.text, block.where);
    CHECK((yaml ? "" : to_string(yaml.error())) == "");
    if (!yaml) continue;
    for (const std::string& script : scripts_in(yaml->root())) {
      CAPTURE(script);
      ++scripts;
      const auto checked =
          core::run_command({.argv = {"/bin/sh", "-n", "-c", script}}, std::chrono::seconds(10));
      REQUIRE(checked);
      CHECK(checked->text == "");
      CHECK(checked->status.ok());
    }
  }
  CHECK(scripts >= 6);
}

TEST_CASE("the CI job that the documentation shows for GitLab keeps what it writes") {
  for (const Block& block : yaml_blocks()) {
    const auto yaml = YamlText::parse(block.text, block.where);
    const YamlNode* job = yaml ? yaml->root().get("alerts") : nullptr;
    if (job == nullptr || job->get("script") == nullptr) continue;
    const YamlNode* artifacts = job->get("artifacts");
    REQUIRE(artifacts != nullptr);
    REQUIRE(artifacts->get("reports") != nullptr);
    const std::string junit = artifacts->get("reports")->get("junit")->value;
    const std::string html = artifacts->list("paths").at(0).value;
    const std::string script = job->list("script").at(0).value;
    CHECK(script.find("--junit " + junit) != std::string::npos);
    CHECK(script.find("--html " + html) != std::string::npos);
    return;
  }
  FAIL("docs/ has no job for GitLab");
}
