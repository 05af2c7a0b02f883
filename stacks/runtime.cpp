// See runtime.hpp.
#include "stacks/runtime.hpp"

#include "stacks/compose_runtime.hpp"
#include "stacks/native_runtime.hpp"

namespace obsctl::stacks {

core::Result<std::unique_ptr<Stack>> bring_up(const Manifest& manifest, const UpOptions& options,
                                              const ProgressCallback& progress, const std::stop_token& stop) {
  return options.runtime == Runtime::compose ? up_compose(manifest, options, progress, stop)
                                             : up_native(manifest, options, progress, stop);
}

}  // namespace obsctl::stacks
