// The bundled scenarios lie in scenarios/library/STACK/NAME.toml, in a checkout as well as beside an
// installed binary.
#include "scenarios/library.hpp"

#include <algorithm>
#include <filesystem>

#include <fmt/format.h>

#include "core/file.hpp"
#include "core/text.hpp"

namespace obsctl::scenarios {

namespace fs = std::filesystem;
using core::Error;
using core::ErrorKind;
using core::Result;

namespace {

constexpr std::string_view kExtension = ".toml";

std::vector<std::string> ids_in(const fs::path& library) {
  std::vector<std::string> ids;
  std::error_code failure;
  for (const auto& entry : fs::recursive_directory_iterator(library, failure)) {
    if (entry.path().extension() != kExtension) continue;
    ids.push_back(entry.path().lexically_relative(library).replace_extension().generic_string());
  }
  std::sort(ids.begin(), ids.end());
  return ids;
}

Result<fs::path> library_directory() {
  std::vector<std::string> searched;
  for (const fs::path& data : core::data_directories()) {
    const fs::path library = data / "scenarios" / "library";
    if (!ids_in(library).empty()) return library;
    searched.push_back(library.string());
  }
  return core::make_error(
      ErrorKind::not_found, "the bundled scenarios were not found",
      fmt::format("searched {}; set OBSCTL_DATA_DIR to the folder that holds scenarios/library/",
                  fmt::join(searched, ", ")));
}

Result<ScenarioFile> read_from(const fs::path& path, const std::string& id) {
  auto text = core::read_file(path);
  if (!text) return text.error();
  return read_scenario(std::move(*text), path.string(), id);
}

}  // namespace

std::vector<std::string> bundled_scenarios() {
  const Result<fs::path> library = library_directory();
  return library ? ids_in(*library) : std::vector<std::string>();
}

Result<ScenarioFile> open_scenario(std::string_view id_or_file) {
  const fs::path path(id_or_file);
  if (path.extension() == kExtension) return read_from(path, path.stem().string());
  const Result<fs::path> library = library_directory();
  if (!library) return library.error();
  const std::vector<std::string> ids = ids_in(*library);
  if (std::find(ids.begin(), ids.end(), id_or_file) == ids.end()) {
    return core::make_error(ErrorKind::not_found,
                            fmt::format("no bundled scenario is called \"{}\"{}", id_or_file,
                                        core::did_you_mean(id_or_file, ids)),
                            "obsctl scenario list shows them; a file of your own ends in .toml");
  }
  return read_from(*library / (std::string(id_or_file) + std::string(kExtension)), std::string(id_or_file));
}

Error joined(const std::vector<Error>& errors) {
  if (errors.size() == 1) return errors.front();
  std::string text = fmt::format("{} mistakes:", errors.size());
  for (const Error& error : errors) text += "\n" + to_string(error);
  return core::make_error(ErrorKind::invalid_input, text);
}

}  // namespace obsctl::scenarios
