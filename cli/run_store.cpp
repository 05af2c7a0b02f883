#include "cli/run_store.hpp"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "core/file.hpp"
#include "core/text.hpp"
#include "scenarios/journal_file.hpp"

namespace obsctl::cli {

namespace fs = std::filesystem;
using core::ErrorKind;
using core::Result;

namespace {

// Older runs go when a new one begins.
constexpr std::size_t kRunsKept = 50;
constexpr std::size_t kRunIdLength = 26;

fs::path runs_directory() {
  return core::state_directory() / "runs";
}

/// The ids of the runs that are kept, oldest first: ids sort by time.
std::vector<std::string> run_ids() {
  std::vector<std::string> ids;
  std::error_code failure;
  for (const auto& entry : fs::directory_iterator(runs_directory(), failure)) {
    std::string name = entry.path().filename().string();
    if (name.size() == kRunIdLength) ids.push_back(std::move(name));
  }
  std::sort(ids.begin(), ids.end());
  return ids;
}

bool is_file(const fs::path& path) {
  std::error_code failure;
  return fs::is_regular_file(path, failure);
}

Result<fs::path> journal_in(const fs::path& folder) {
  for (const char* name : {"journal.json", "journal.ndjson"}) {
    if (is_file(folder / name)) return folder / name;
  }
  return core::make_error(ErrorKind::not_found, fmt::format("there is no journal in {}", folder.string()),
                          "the folder of a run holds journal.json");
}

Result<fs::path> last_journal() {
  std::vector<std::string> ids = run_ids();
  std::reverse(ids.begin(), ids.end());
  for (const std::string& id : ids) {
    if (is_file(runs_directory() / id / "journal.json")) return runs_directory() / id / "journal.json";
  }
  return core::make_error(ErrorKind::not_found,
                          fmt::format("there is no finished run in {}", runs_directory().string()),
                          "obsctl scenario run http-api/error-spike makes one");
}

}  // namespace

Result<fs::path> new_run_folder(const std::string& id) {
  const fs::path folder = runs_directory() / id;
  std::error_code failure;
  fs::create_directories(folder, failure);
  if (failure) {
    return core::make_error(ErrorKind::unavailable,
                            fmt::format("cannot make the folder {}: {}", folder.string(), failure.message()),
                            "set XDG_STATE_HOME to a folder that can be written");
  }
  const std::vector<std::string> ids = run_ids();
  for (std::size_t i = 0; i + kRunsKept < ids.size(); ++i) fs::remove_all(runs_directory() / ids[i], failure);
  return folder;
}

Result<fs::path> find_journal(const std::string& run) {
  if (run == "last") return last_journal();
  std::error_code failure;
  if (run.size() == kRunIdLength && fs::is_directory(runs_directory() / run, failure))
    return journal_in(runs_directory() / run);
  if (fs::is_directory(run, failure)) return journal_in(run);
  if (is_file(run)) return fs::path(run);
  return core::make_error(
      ErrorKind::not_found,
      fmt::format("there is no run and no journal \"{}\"{}", run, core::did_you_mean(run, run_ids())),
      fmt::format("name a run in {}, \"last\", the folder of a run, or a journal file",
                  runs_directory().string()));
}

Result<scenarios::Json> open_journal(const std::string& run) {
  const auto file = find_journal(run);
  if (!file) return file.error();
  return scenarios::read_journal(*file);
}

}  // namespace obsctl::cli
