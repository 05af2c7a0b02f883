// The native runtime: a stack's services as child processes on free loopback ports, from copies of the
// stack's files in which exactly the addresses, and with a time scale the durations, have been rewritten.
#pragma once

#include <memory>
#include <stop_token>

#include "core/error.hpp"
#include "stacks/runtime.hpp"

namespace obsctl::stacks {

/// bring_up with Runtime::native, whatever the options say: every service of the stack but those for
/// containers only.
core::Result<std::unique_ptr<Stack>> up_native(const Manifest& manifest, const UpOptions& options,
                                               const ProgressCallback& progress, const std::stop_token& stop);

}  // namespace obsctl::stacks
