// What obsctl has to know of a prometheus.yml to judge whether the stack around it is complete.
#pragma once

#include <string>

#include "core/error.hpp"
#include "stacks/manifest.hpp"

namespace obsctl::stacks {

/// What a Prometheus with this configuration will be seen to have once it is up.
struct ExpectedTargets {
  int static_targets = 0;      ///< in scrape_configs' static_configs; others may be discovered besides
  bool alertmanagers = false;  ///< whether it is to discover any
};

/// Errors: invalid_input.
core::Result<ExpectedTargets> expected_targets(const std::string& text, const std::string& file_name);

/// Every entry of rule_files must name a file that the stack lists as "rules": Prometheus starts without a
/// word when a pattern matches nothing, and the alerts would be missing. `path` is the configuration's own,
/// relative to the stack's folder; of a service that is only in containers, whose files lie elsewhere there,
/// just the names have to match. Errors: invalid_input with the place.
core::Result<void> check_rule_files(const std::string& text, const std::string& file_name,
                                    const std::string& path, const Manifest& manifest);

}  // namespace obsctl::stacks
