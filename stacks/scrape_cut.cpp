// See scrape_cut.hpp.
#include "stacks/scrape_cut.hpp"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "core/text.hpp"
#include "stacks/yaml_text.hpp"

namespace obsctl::stacks {

using core::Result;

namespace {

/// Where nobody listens: the port is reserved for a protocol that nobody speaks.
constexpr std::string_view kNowhere = "http://127.0.0.1:1";
constexpr const char* kKey = "proxy_url";

Result<const YamlNode*> find_job(const YamlText& yaml, const std::string& job) {
  std::vector<std::string> names;
  for (const YamlNode& one : yaml.root().list("scrape_configs")) {
    const YamlNode* name = one.get("job_name");
    if (name == nullptr) continue;
    if (name->value == job) return &one;
    names.push_back(name->value);
  }
  core::Error error = yaml.error_at(0, fmt::format("there is no job \"{}\"", job),
                                    fmt::format("its jobs are {}", fmt::join(names, ", ")));
  error.kind = core::ErrorKind::not_found;
  return error;
}

bool is_cut(const YamlNode& job) {
  const YamlNode* proxy = job.get(kKey);
  return proxy != nullptr && proxy->value == kNowhere;
}

}  // namespace

Result<std::string> with_job_cut_off(const std::string& text, const std::string& file_name,
                                     const std::string& job) {
  const Result<YamlText> yaml = YamlText::parse(text, file_name);
  if (!yaml) return yaml.error();
  const auto found = find_job(*yaml, job);
  if (!found) return found.error();
  if (is_cut(**found)) return text;
  if (const YamlNode* proxy = (*found)->get(kKey)) {
    return yaml->error_at(proxy->offset, fmt::format("job \"{}\" is scraped through a proxy already", job),
                          "break that proxy instead");
  }
  return with_edits(text, {yaml->insertion(**found, {{kKey, std::string(kNowhere)}})});
}

Result<std::string> with_job_connected(const std::string& text, const std::string& file_name,
                                       const std::string& job) {
  const Result<YamlText> yaml = YamlText::parse(text, file_name);
  if (!yaml) return yaml.error();
  const auto found = find_job(*yaml, job);
  if (!found) return found.error();
  const std::vector<YamlEntry>& entries = (*found)->entries;
  const auto own =
      std::find_if(entries.begin(), entries.end(), [](const YamlEntry& e) { return e.key.value == kKey; });
  // It was put before another key, and takes all up to there with it.
  if (!is_cut(**found) || own == entries.end() || own + 1 == entries.end()) return text;
  return with_edits(text, {{own->key.offset, (own + 1)->key.offset - own->key.offset, ""}});
}

Result<bool> is_job_cut_off(const std::string& text, const std::string& file_name, const std::string& job) {
  const Result<YamlText> yaml = YamlText::parse(text, file_name);
  if (!yaml) return yaml.error();
  const auto found = find_job(*yaml, job);
  if (!found) return found.error();
  return is_cut(**found);
}

}  // namespace obsctl::stacks
