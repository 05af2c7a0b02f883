#include "scenarios/faults/fault.hpp"

#include <fmt/format.h>

namespace obsctl::scenarios {

core::Result<std::unique_ptr<Fault>> make_fault(const FaultSpec& spec, const FaultPlace& place,
                                                core::Clock& clock) {
  if (spec.kind != "kill" && spec.kind != "pause") return make_toggle_fault(spec, place, clock);
  if (place.stack == nullptr) {
    return core::make_error(
        core::ErrorKind::usage,
        fmt::format("fault \"{}\": {} works on processes that obsctl itself runs, and {} is not one",
                    spec.name, spec.kind, place.target),
        "run the scenario on its stack, without --target");
  }
  return make_process_fault(spec, place, clock);
}

}  // namespace obsctl::scenarios
