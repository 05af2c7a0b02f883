// Faults that a service has built in, or the fault proxy in front of it: the toggles API of
// docs/reference/service.md.
#pragma once

#include <memory>

#include "scenarios/faults/fault.hpp"

namespace obsctl::scenarios {

/// The toggle named as the fault's kind, set to its parameters.
std::unique_ptr<Fault> make_toggle_fault(const FaultSpec& spec, const FaultPlace& place, core::Clock& clock);

}  // namespace obsctl::scenarios
