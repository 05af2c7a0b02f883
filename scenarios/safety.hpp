// What a run may touch. Load and faults go to this machine unless the scenario or the command line allows
// another host by name.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"
#include "scenarios/faults/fault.hpp"
#include "scenarios/scenario.hpp"

namespace obsctl::scenarios {

/// localhost, names below it, 127.0.0.0/8 and ::1.
bool is_this_machine(std::string_view host);

/// Errors: usage, naming the first host that load or a fault would go to and nobody has allowed.
core::Result<void> check_hosts(const Scenario& scenario, const std::map<std::string, FaultPlace>& places,
                               const std::vector<std::string>& allowed);

/// The same for one URL of a fault, which must hold no password: it is written down.
core::Result<void> check_fault_url(std::string_view what, const std::string& url,
                                   const std::vector<std::string>& allowed);

/// The same for one URL. `what` says what goes there: "fault \"errors\"".
core::Result<void> check_host(std::string_view what, const std::string& url,
                              const std::vector<std::string>& allowed);

}  // namespace obsctl::scenarios
