// A first stack.toml for a compose file that is there already: what can be told from it is written down, and
// what cannot stands in comments that say what to fill in.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"
#include "stacks/compose_file.hpp"

namespace obsctl::stacks {

struct StackDraft {
  std::string name;  ///< of the stack
  std::string toml;
  std::vector<std::string> services;         ///< that it names
  std::vector<std::string> left_out;         ///< "worker: it publishes no port": those that are comments
  std::vector<std::filesystem::path> files;  ///< and folders that the compose file needs, relative to it
};

/// Drafts a stack of the services of a compose file. `folder` is the one that the file is in: the files that
/// it mounts are read to find the rule files. Errors: invalid_input (no service can be taken over: with each
/// one's reason; a configuration that is no YAML).
core::Result<StackDraft> draft_stack(const ComposeFile& compose, const std::filesystem::path& folder,
                                     std::string_view file_name);

/// Reads a compose file and drafts its stack; variables come from the environment and .env beside it. Errors:
/// not_found, unavailable; those of read_compose_file.
core::Result<StackDraft> draft_stack(const std::filesystem::path& compose_file);

}  // namespace obsctl::stacks
