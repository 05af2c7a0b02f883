// What `verify coverage` and `scenario new --from-rules` share: the rules that are loaded and the journals of
// earlier runs.
#pragma once

#include <string>
#include <vector>

#include "cli/monitoring.hpp"
#include "scenarios/coverage.hpp"

namespace obsctl::cli {

/// --journals.
void add_journals(CLI::App& command, std::vector<std::string>& folders);

/// Every journal below the folders (or the files), or of the runs on this machine where none is given. A file
/// that is no journal is left out with a warning. Errors: not_found, for a folder that cannot be read.
core::Result<std::vector<scenarios::Json>> read_journals(std::vector<std::string> folders, core::Logger& log);

}  // namespace obsctl::cli
