// See compose_runtime.hpp.
#include "stacks/compose_runtime.hpp"

#include <utility>

#include "core/clock.hpp"
#include "stacks/ascent.hpp"
#include "stacks/compose_plan.hpp"
#include "stacks/compose_stack.hpp"

namespace obsctl::stacks {

using core::Result;

Result<std::unique_ptr<Stack>> up_compose(const Manifest& manifest, const UpOptions& options,
                                          const ProgressCallback& progress, const std::stop_token& stop) {
  const Result<Manifest> wanted = for_runtime(manifest, Runtime::compose, options.without);
  if (!wanted) return wanted.error();
  Result<ComposePlan> plan = plan_compose(*wanted, options, stop);
  if (!plan) return plan.error();
  if (const auto prepared = prepare_images(*plan, progress, stop); !prepared) return prepared.error();
  auto stack = std::make_unique<ComposeStack>(std::move(*plan));
  const core::SteadyTime begin = std::chrono::steady_clock::now();
  const Result<void> up = climb(*wanted, *stack, options, progress, stop, begin);
  if (!up) return up.error();
  return std::unique_ptr<Stack>(std::move(stack));
}

}  // namespace obsctl::stacks
