// How stacks look: tables for people, documents for programs.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "core/error.hpp"
#include "stacks/runtime.hpp"
#include "stacks/stack.hpp"
#include "stacks/supervisor.hpp"

namespace obsctl::cli {

/// Rows of equal length, the first being the heading; columns are two spaces apart, the last is not padded.
std::string table(const std::vector<std::vector<std::string>>& rows);

/// One line for a step on the way up, without line end; empty for steps that are not worth a line.
std::string progress_line(const stacks::Progress& progress);

/// SERVICE and URL.
std::string urls_table(const std::vector<stacks::ServiceStatus>& services);
/// SERVICE, STATE, PID and URL.
std::string status_table(const std::vector<stacks::ServiceStatus>& services);

/// The document of `stack up --json` and `stack status --json` (schema 1); no tokens. Errors: those of
/// status().
core::Result<nlohmann::json> stack_document(stacks::Stack& stack);

/// The document of `stack list --json` (schema 1).
nlohmann::json list_document(const std::vector<std::string>& bundled,
                             const std::vector<stacks::RunningStack>& running);

}  // namespace obsctl::cli
