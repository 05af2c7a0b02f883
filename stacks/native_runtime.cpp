// Bringing a native stack up, again when another program was faster at one of its ports.
#include "stacks/native_runtime.hpp"

#include <string>
#include <utility>

#include "core/clock.hpp"
#include "stacks/ascent.hpp"
#include "stacks/native_plan.hpp"
#include "stacks/native_stack.hpp"

namespace obsctl::stacks {

using core::Error;
using core::Result;

namespace {

/// How often a stack is started again because another program took a port between our look and the service's.
constexpr int kPortAttempts = 3;

bool is_about_a_taken_port(const Error& error) {
  return error.message.find("address already in use") != std::string::npos ||
         error.message.find("Address already in use") != std::string::npos;
}

}  // namespace

Result<std::unique_ptr<Stack>> up_native(const Manifest& manifest, const UpOptions& options,
                                         const ProgressCallback& progress, const std::stop_token& stop) {
  const core::SteadyTime begin = std::chrono::steady_clock::now();
  const Result<Manifest> wanted = for_runtime(manifest, Runtime::native, options.without);
  if (!wanted) return wanted.error();
  for (int attempt = 1;; ++attempt) {
    Result<NativePlan> plan = plan_native(*wanted, options);
    if (!plan) return plan.error();
    auto stack = std::make_unique<NativeStack>(std::move(*plan));
    const Result<void> up = climb(*wanted, *stack, options, progress, stop, begin);
    if (up) return std::unique_ptr<Stack>(std::move(stack));
    if (attempt == kPortAttempts || !is_about_a_taken_port(up.error())) return up.error();
  }
}

}  // namespace obsctl::stacks
