// The lowest layer of child processes: fork, exec and how a failure between the two comes back. Used by
// process.cpp only.
#pragma once

#include <string_view>

#include <sys/types.h>

#include "core/descriptor.hpp"
#include "core/process.hpp"

namespace obsctl::core {

/// The same file at a descriptor above 2, so that setting up 0, 1 and 2 in the child cannot overwrite it.
Descriptor above_standard(Descriptor fd);

/// "cannot start PROGRAM: WHAT: the text of errno `code`", with a hint where there is one.
Error cannot_start(const ProcessOptions& options, std::string_view what, int code);

/// A file that a child's output is appended to. Errors: unavailable.
Result<Descriptor> open_log(const ProcessOptions& options, const char* path);

/// Whose life the child's hangs on.
enum class Lifetime {
  parent,   ///< killed when the starting thread ends; a process group of its own
  session,  ///< nobody's: adopted by init, a session of its own
};

/// Forks and waits until the child has become the program or has said why it could not. `output` becomes its
/// standard output, and its standard error unless that has a file. Errors: unavailable.
Result<pid_t> spawn(const ProcessOptions& options, Descriptor output, Lifetime lifetime);

}  // namespace obsctl::core
