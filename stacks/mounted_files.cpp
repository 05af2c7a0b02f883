// See mounted_files.hpp.
#include "stacks/mounted_files.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "core/file.hpp"
#include "core/text.hpp"
#include "stacks/yaml_text.hpp"

namespace obsctl::stacks {

namespace fs = std::filesystem;
using core::Result;

namespace {

/// The files that a service reads, found through its mounts.
class ServiceFiles {
 public:
  ServiceFiles(const ComposeFileService& service, const fs::path& folder)
      : service_(service), folder_(folder) {}

  Result<MountedFiles> find(FileKind kind, const std::string& usual) {
    const std::string inside = config_file(usual);
    const auto config = on_this_machine(inside);
    std::error_code ignored;
    if (!config || !fs::is_regular_file(folder_ / *config, ignored)) {
      found_.problems.push_back(
          fmt::format("its {} is not among the files that it mounts of this folder", inside));
      return found_;
    }
    found_.files.push_back({config->generic_string(), kind});
    if (kind != FileKind::prometheus) return found_;
    const auto text = core::read_file(folder_ / *config);
    if (!text) return text.error();
    const auto yaml = YamlText::parse(*text, (folder_ / *config).string());
    if (!yaml) return yaml.error();
    for (const YamlNode& entry : yaml->root().list("rule_files"))
      add_rules(fs::path(inside).parent_path() / entry.value);
    return found_;
  }

 private:
  std::string config_file(const std::string& usual) const {
    constexpr std::string_view flag = "--config.file";
    for (std::size_t i = 0; i < service_.command.size(); ++i) {
      const std::string& word = service_.command[i];
      if (word.starts_with(flag) && word.size() > flag.size() && word[flag.size()] == '=')
        return word.substr(flag.size() + 1);
      if (word == flag && i + 1 < service_.command.size()) return service_.command[i + 1];
    }
    return usual;
  }

  /// A path in the container as one below the folder; nothing when it is not mounted from there.
  std::optional<fs::path> on_this_machine(const fs::path& inside) const {
    const ComposeMount* best = nullptr;
    for (const ComposeMount& mount : service_.mounts) {
      const fs::path rest = inside.lexically_relative(mount.target);
      if (rest.empty() || rest.native().starts_with("..")) continue;
      if (best == nullptr || mount.target.size() > best->target.size()) best = &mount;
    }
    if (best == nullptr) return std::nullopt;
    const fs::path source =
        fs::path(best->source).is_absolute()
            ? fs::path(best->source).lexically_relative(fs::absolute(folder_).lexically_normal())
            : fs::path(best->source);
    const fs::path path = (source / inside.lexically_relative(best->target)).lexically_normal();
    if (path.empty() || path.native().starts_with("..")) return std::nullopt;
    return path.filename() == "." || path.filename().empty() ? path.parent_path() : path;
  }

  void add_rules(const fs::path& pattern) {
    const auto folder = on_this_machine(pattern.lexically_normal().parent_path());
    const auto whole = on_this_machine(pattern.lexically_normal());
    std::vector<std::string> found;
    std::error_code failure;
    if (whole && fs::is_regular_file(folder_ / *whole, failure)) {
      found.push_back(whole->generic_string());
    } else if (folder) {
      for (fs::directory_iterator entry(folder_ / *folder, failure), end; !failure && entry != end;
           entry.increment(failure)) {
        if (!core::glob_matches(pattern.filename().string(), entry->path().filename().string())) continue;
        if (std::error_code ignored; entry->is_regular_file(ignored))
          found.push_back((*folder / entry->path().filename()).generic_string());
      }
    }
    if (found.empty())
      found_.problems.push_back(
          fmt::format("the rule files {} are not among what it mounts of this folder", pattern.string()));
    std::sort(found.begin(), found.end());
    for (std::string& path : found) {
      const auto same = [&](const ConfigFile& file) { return file.path == path; };
      auto& files = found_.files;
      if (std::none_of(files.begin(), files.end(), same)) files.push_back({std::move(path), FileKind::rules});
    }
  }

  const ComposeFileService& service_;
  const fs::path& folder_;
  MountedFiles found_;
};

}  // namespace

Result<MountedFiles> find_mounted_files(const ComposeFileService& service, const fs::path& folder,
                                        FileKind kind, const std::string& usual) {
  return ServiceFiles(service, folder).find(kind, usual);
}

}  // namespace obsctl::stacks
