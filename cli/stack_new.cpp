// obsctl stack new: a first stack.toml for a compose file, beside it or in a folder of its own. Nothing is
// written over.
#include <algorithm>
#include <array>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/stack_actions.hpp"
#include "core/file.hpp"
#include "stacks/stack_draft.hpp"

namespace obsctl::cli {

namespace fs = std::filesystem;
using core::ErrorKind;
using core::Result;

namespace {

constexpr std::array kComposeNames{"compose.yaml", "compose.yml", "docker-compose.yaml",
                                   "docker-compose.yml"};

/// What goes where: the compose file, .env, and what it mounts and reads, if they are to be copied.
using Copies = std::vector<std::pair<fs::path, fs::path>>;

Copies copies_of(const fs::path& compose_file, const stacks::StackDraft& draft, const fs::path& into) {
  const fs::path folder = compose_file.parent_path();
  Copies copies{{compose_file, into / "compose.yaml"}};
  std::error_code ignored;
  if (fs::exists(folder / ".env", ignored)) copies.emplace_back(folder / ".env", into / ".env");
  for (const fs::path& file : draft.files) {
    if (fs::exists(folder / file, ignored)) copies.emplace_back(folder / file, into / file);
  }
  return copies;
}

/// Whether a path, there or not, is a folder or something in it.
bool is_in(const fs::path& path, const fs::path& folder) {
  std::error_code ignored;
  const fs::path rest =
      fs::weakly_canonical(path, ignored).lexically_relative(fs::weakly_canonical(folder, ignored));
  return !rest.empty() && *rest.begin() != "..";
}

/// Errors: invalid_input, for what is there already or would be copied into itself; unavailable.
Result<void> copy_all(const Copies& copies, const fs::path& into) {
  std::error_code failure;
  for (const auto& [from, to] : copies) {
    if (is_in(into, from))
      return core::make_error(
          ErrorKind::invalid_input,
          fmt::format("{} is in {}, which would be copied into it", into.string(), from.string()),
          "name a folder that is not in what the services mount");
    if (to == copies.front().second && from != copies.front().first)
      return core::make_error(ErrorKind::invalid_input,
                              fmt::format("{} and {} would both be {}", copies.front().first.string(),
                                          from.string(), to.string()),
                              "call the second otherwise");
    if (fs::exists(to, failure))
      return core::make_error(ErrorKind::invalid_input, fmt::format("{} is there already", to.string()),
                              "name a folder that is not there yet");
  }
  for (const auto& [from, to] : copies) {
    fs::create_directories(to.parent_path(), failure);
    // Existing is what has come with a folder that was copied before.
    constexpr auto how = fs::copy_options::recursive | fs::copy_options::skip_existing;
    if (!failure) fs::copy(from, to, how, failure);
    if (failure)
      return core::make_error(ErrorKind::unavailable, fmt::format("cannot copy {} to {}: {}", from.string(),
                                                                  to.string(), failure.message()));
  }
  return {};
}

bool same_folder(const fs::path& one, const fs::path& other) {
  std::error_code ignored;
  return fs::weakly_canonical(one, ignored) == fs::weakly_canonical(other, ignored);
}

/// Where the stack goes, by --output. Errors: usage, for a compose file that "stack up" would not find.
Result<fs::path> folder_of(const StackFlags& flags, const fs::path& beside, const fs::path& compose_file) {
  if (!flags.output.empty() && !same_folder(flags.output, beside)) return fs::path(flags.output);
  const std::string name = compose_file.filename().string();
  if (std::find(kComposeNames.begin(), kComposeNames.end(), name) != kComposeNames.end()) return beside;
  return core::make_error(
      ErrorKind::usage,
      fmt::format("\"stack up\" would not find {}: it looks for {}", name, fmt::join(kComposeNames, ", ")),
      "add --output FOLDER: the stack gets a folder of its own, with a copy");
}

}  // namespace

Result<int> stack_new(const StackFlags& flags, Context& /*context*/) {
  const fs::path compose_file(flags.stack);
  const fs::path beside = compose_file.has_parent_path() ? compose_file.parent_path() : fs::path(".");
  const auto draft = stacks::draft_stack(compose_file);
  if (!draft) return draft.error();
  const Result<fs::path> folder = folder_of(flags, beside, compose_file);
  if (!folder) return folder.error();
  const fs::path file = *folder / "stack.toml";
  std::error_code ignored;
  if (fs::exists(file, ignored))
    return core::make_error(ErrorKind::invalid_input, fmt::format("{} is there already", file.string()),
                            "name another folder with --output, or take it away first");
  if (!same_folder(*folder, beside)) {
    if (const auto copied = copy_all(copies_of(compose_file, *draft, *folder), *folder); !copied)
      return copied.error();
  }
  if (const auto written = core::write_file(file, draft->toml); !written) return written.error();
  for (const std::string& service : draft->left_out) fmt::print(stderr, "left out: {}\n", service);
  // A folder's path has a slash in it, a bundled stack's name has none.
  const bool bare = folder->string().find('/') == std::string::npos && *folder != "." && *folder != "..";
  const std::string path = (bare ? "./" : "") + folder->string();
  if (flags.json) {
    const nlohmann::json document{{"schema", 1},
                                  {"stack", draft->name},
                                  {"file", file.string()},
                                  {"services", draft->services},
                                  {"left_out", draft->left_out}};
    fmt::print("{}\n", document.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
  } else {
    fmt::print("{}\n", file.string());
  }
  std::fflush(stdout);
  fmt::print(stderr, "\nlook at its comments, then:\n  obsctl stack up {} --runtime compose\n", path);
  return kPassed;
}

}  // namespace obsctl::cli
