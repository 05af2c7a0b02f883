// The Compose runtime: a stack's services as containers, by the compose.yaml in its folder. The services read
// copies of the stack's files in which, with a time scale, the durations have been rewritten; addresses stay
// as Compose knows them.
#pragma once

#include <memory>
#include <stop_token>

#include "core/error.hpp"
#include "stacks/runtime.hpp"

namespace obsctl::stacks {

/// bring_up with Runtime::compose, whatever the options say. Images that are not here are built or fetched
/// first, and `ready_within` counts from then on.
core::Result<std::unique_ptr<Stack>> up_compose(const Manifest& manifest, const UpOptions& options,
                                                const ProgressCallback& progress,
                                                const std::stop_token& stop);

}  // namespace obsctl::stacks
