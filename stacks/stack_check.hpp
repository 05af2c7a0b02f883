// Whether a stack that is up does what it is there for: its services are ready, its targets are scraped, and
// its rules are evaluated. (What its dashboards show: verifiers/panel_check.hpp.)
#pragma once

#include <string>
#include <vector>

#include "core/error.hpp"
#include "core/finding.hpp"
#include "stacks/manifest.hpp"
#include "stacks/stack.hpp"

namespace obsctl::stacks {

/// Asks every service and every Prometheus of the stack, once. Errors: those of Stack::status.
core::Result<core::Findings> check_stack(const Manifest& manifest, Stack& stack);

/// The URLs of the stack's Prometheis: the services that have a `prometheus` file.
std::vector<std::string> prometheus_urls(const Manifest& manifest, const Stack& stack);

}  // namespace obsctl::stacks
