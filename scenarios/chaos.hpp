// [chaos]: a schedule of faults drawn from a seed, for game days. The same seed draws the same faults on
// every machine, so that a run can be done again from what its journal says.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "core/clock.hpp"
#include "core/error.hpp"
#include "scenarios/journal.hpp"
#include "scenarios/scenario.hpp"

namespace obsctl::scenarios {

/// The faults, named chaos-1, chaos-2 and so on, each beginning `gap` after the one before has gone; as many
/// as go into the budget, 30 at most. Those on a target without load are confirmed by the target alone.
/// Errors: invalid_input, when not even one goes into the budget.
core::Result<std::vector<FaultSpec>> draw_faults(const Chaos& chaos, std::uint64_t seed,
                                                 const std::vector<Load>& loads);

/// With the faults of [chaos] among the others, drawn from `seed`, else from the scenario's, else from the
/// time. Journals the seed that draws them again. Errors: those of draw_faults.
core::Result<Scenario> with_drawn_faults(Scenario scenario, std::optional<std::uint64_t> seed,
                                         const core::Clock& clock, Journal& journal);

}  // namespace obsctl::scenarios
