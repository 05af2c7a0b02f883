// Which checks of routes can be made at the same time without one changing what another sees.
#pragma once

#include <cstddef>
#include <vector>

#include "verifiers/route_check.hpp"

namespace obsctl::verifiers {

/// Indices into `checks`, each once, in waves that keep their order as far as they can. In one wave no alert
/// inhibits another check's. With `groups_apart` no two checks share a group of a route either, so that each
/// notification is about one check alone, nor a receiver and an alert name, by which a text is known; and at
/// most one of them has routes with time intervals. Pure.
std::vector<std::vector<std::size_t>> waves_of(const std::vector<RouteCheck>& checks,
                                               const AlertmanagerConfig& config, bool groups_apart);

}  // namespace obsctl::verifiers
