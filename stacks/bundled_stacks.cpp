// Finding a stack by the name a person gives: one of the bundled ones, or a folder of their own.
#include <algorithm>

#include <fmt/format.h>

#include "core/file.hpp"
#include "core/text.hpp"
#include "stacks/manifest.hpp"

namespace obsctl::stacks {

namespace fs = std::filesystem;
using core::ErrorKind;
using core::Result;

namespace {

std::vector<std::string> stacks_in(const fs::path& directory) {
  std::vector<std::string> names;
  std::error_code failure;
  for (const auto& entry : fs::directory_iterator(directory, failure)) {
    if (fs::exists(entry.path() / "stack.toml", failure)) names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

Result<fs::path> bundled_stacks_directory() {
  std::vector<std::string> searched;
  for (const fs::path& data : core::data_directories()) {
    const fs::path directory = data / "stacks";
    if (!stacks_in(directory).empty()) return directory;
    searched.push_back(directory.string());
  }
  return core::make_error(ErrorKind::not_found, "the bundled stacks were not found",
                          fmt::format("searched {}; set OBSCTL_DATA_DIR to the folder that holds stacks/",
                                      fmt::join(searched, ", ")));
}

std::vector<std::string> bundled_stacks() {
  const Result<fs::path> directory = bundled_stacks_directory();
  return directory ? stacks_in(*directory) : std::vector<std::string>();
}

Result<Manifest> load_stack(std::string_view name_or_path) {
  fs::path folder(name_or_path);
  if (name_or_path.find('/') == std::string_view::npos && name_or_path != "." && name_or_path != "..") {
    const Result<fs::path> directory = bundled_stacks_directory();
    if (!directory) return directory.error();
    const std::vector<std::string> names = stacks_in(*directory);
    if (std::find(names.begin(), names.end(), name_or_path) == names.end()) {
      return core::make_error(
          ErrorKind::not_found,
          fmt::format("no bundled stack is called \"{}\"{}", name_or_path,
                      core::did_you_mean(name_or_path, names)),
          fmt::format("there is {}; for a folder of your own write its path, such as ./{}",
                      fmt::join(names, ", "), name_or_path));
    }
    folder = *directory / name_or_path;
  }
  std::error_code failure;
  if (const fs::path resolved = fs::canonical(folder, failure); !failure) folder = resolved;
  ManifestResult manifest = read_manifest(folder);
  if (!manifest) return manifest.error().joined();
  return std::move(*manifest);
}

}  // namespace obsctl::stacks
