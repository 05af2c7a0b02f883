// See prometheus_config.hpp.
#include "stacks/prometheus_config.hpp"

#include <algorithm>
#include <filesystem>
#include <vector>

#include <fmt/format.h>

#include "core/text.hpp"
#include "stacks/yaml_text.hpp"

namespace obsctl::stacks {

namespace fs = std::filesystem;
using core::Result;

Result<ExpectedTargets> expected_targets(const std::string& text, const std::string& file_name) {
  const Result<YamlText> yaml = YamlText::parse(text, file_name);
  if (!yaml) return yaml.error();
  ExpectedTargets expected;
  for (const YamlNode& job : yaml->root().list("scrape_configs")) {
    for (const YamlNode& config : job.list("static_configs")) {
      expected.static_targets += static_cast<int>(config.list("targets").size());
    }
  }
  const YamlNode* alerting = yaml->root().get("alerting");
  expected.alertmanagers = alerting != nullptr && !alerting->list("alertmanagers").empty();
  return expected;
}

Result<void> check_rule_files(const std::string& text, const std::string& file_name, const std::string& path,
                              const Manifest& manifest) {
  const Result<YamlText> yaml = YamlText::parse(text, file_name);
  if (!yaml) return yaml.error();
  std::vector<std::string> rules;
  bool mounted = false;
  for (const Service& service : manifest.services) {
    for (const ConfigFile& file : service.files) {
      mounted = mounted || (file.path == path && service.only_in == Runtime::compose);
      if (file.kind == FileKind::rules) rules.push_back(file.path);
    }
  }
  for (const YamlNode& entry : yaml->root().list("rule_files")) {
    const fs::path pattern = fs::path(path).parent_path() / entry.value;
    const std::string wanted = pattern.lexically_normal().generic_string();
    const bool beyond_us = wanted.find_first_of("?[") != std::string::npos;
    // In a container the files lie where they are mounted: only their names are the same.
    const auto matches = [&](const std::string& rule) {
      return core::glob_matches(wanted, rule) ||
             (mounted && core::glob_matches(pattern.filename().string(), fs::path(rule).filename().string()));
    };
    if (beyond_us || std::any_of(rules.begin(), rules.end(), matches)) continue;
    return yaml->error_at(entry.offset,
                          fmt::format("rule_files: {} matches no file that the stack lists", entry.value),
                          "write it relative to this file, and list what it matches in stack.toml under "
                          "[service.NAME.files] as \"rules\"");
  }
  return {};
}

}  // namespace obsctl::stacks
