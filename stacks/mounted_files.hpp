// Which files of a stack's folder the Prometheus or Alertmanager of a compose file reads: its configuration
// and, of Prometheus, its rules, found through what the container mounts.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "stacks/compose_file.hpp"
#include "stacks/manifest.hpp"

namespace obsctl::stacks {

struct MountedFiles {
  std::vector<ConfigFile> files;
  std::vector<std::string> problems;  ///< what it reads but does not mount of the folder, a clause each
};

/// `usual` is the path of the configuration inside, where --config.file does not say otherwise. Errors:
/// invalid_input (a configuration that is no YAML), unavailable.
core::Result<MountedFiles> find_mounted_files(const ComposeFileService& service,
                                              const std::filesystem::path& folder, FileKind kind,
                                              const std::string& usual);

}  // namespace obsctl::stacks
