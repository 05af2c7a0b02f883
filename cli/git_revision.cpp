#include "cli/git_revision.hpp"

#include <chrono>

#include "core/process.hpp"
#include "core/text.hpp"

namespace obsctl::cli {

std::string git_revision(const std::filesystem::path& folder, const std::stop_token& stop) {
  const auto git = core::find_program({"git"});
  if (!git) return {};
  core::ProcessOptions options;
  // No tag may take the place of the commit, and nothing may be written, not even git's own index.
  options.argv = {git->string(), "--no-optional-locks",
                  "-C",          folder.empty() ? "." : folder.string(),
                  "describe",    "--always",
                  "--dirty",     "--abbrev=40",
                  "--exclude=*"};
  options.environment = {"LC_ALL=C", "GIT_TERMINAL_PROMPT=0"};
  const auto output = core::run_command(options, std::chrono::seconds(2), stop);
  if (!output || !output->status.ok()) return {};
  const std::string_view line = core::trimmed(output->text);
  const bool plain = line.find_first_not_of("0123456789abcdef-dirty") == std::string_view::npos;
  return plain ? std::string(line) : std::string();
}

}  // namespace obsctl::cli
