// The kinds of toggles that the proxy offers: those that need nothing of the service behind it.
#pragma once

#include <string_view>

#include "stacks/proxy/fault_proxy.hpp"
#include "stacks/services/toggle_kinds.hpp"

namespace obsctl::stacks {

/// For TCP without those that answer with a status.
const ToggleKinds& proxy_toggle_kinds(UpstreamAddress::Scheme scheme);

/// The one name of a route that there is for TCP, where there are no paths.
constexpr std::string_view kConnections = "connections";

}  // namespace obsctl::stacks
