// Whether a stack that is up does what it is there for: its services are ready, its targets are scraped, its
// rules are evaluated, and its dashboards have something to show.
#pragma once

#include <string>
#include <vector>

#include "core/error.hpp"
#include "stacks/manifest.hpp"
#include "stacks/stack.hpp"

namespace obsctl::stacks {

struct StackFinding {
  std::string kind;  ///< "service", "target", "rule", "panel"
  std::string name;  ///< "api", "blackbox http://api:8080/readyz", "HighErrorRate", "http-api: Latency B"
  bool ok = false;
  std::string detail;  ///< what is wrong; of a panel that is well: how many series it has
};

struct StackCheck {
  std::vector<StackFinding> findings;
  bool ok() const;
};

/// Asks every service and every Prometheus of the stack, once. `panels`: also runs every query of the
/// dashboards in the stack's folder, over the last five minutes (times the time scale); each has to have a
/// number. Errors: those of Stack::status; invalid_input (a dashboard that cannot be read).
core::Result<StackCheck> check_stack(const Manifest& manifest, Stack& stack, bool panels);

}  // namespace obsctl::stacks
