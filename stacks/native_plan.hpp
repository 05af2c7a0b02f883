// Everything about a native stack that is decided before its first process starts: programs, ports, files,
// commands.
#pragma once

#include "core/error.hpp"
#include "stacks/manifest.hpp"
#include "stacks/native_stack.hpp"
#include "stacks/runtime.hpp"

namespace obsctl::stacks {

/// obsctl's own program: `wanted`, else $OBSCTL_BINARY, else the running program.
std::filesystem::path own_program(const std::filesystem::path& wanted);

/// Finds the programs, reserves the ports, makes the run directory and writes the rendered files into it.
/// Errors: as bring_up; on failure nothing is left.
core::Result<NativePlan> plan_native(const Manifest& manifest, const UpOptions& options);

}  // namespace obsctl::stacks
