// --runtime and --without: what a stack's services run in, and which of them are left out. The same for every
// command that brings a stack up.
#pragma once

#include <string>
#include <vector>

#include "cli/command_line.hpp"
#include "stacks/manifest.hpp"

namespace obsctl::cli {

void add_runtime_flags(CLI::App& command, std::string& runtime, std::vector<std::string>& without);

/// The runtime that the flag, which has been checked, names.
stacks::Runtime runtime_named(const std::string& flag);

}  // namespace obsctl::cli
