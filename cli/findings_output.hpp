// How findings look: a table for people, a list for programs.
#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

#include "core/finding.hpp"

namespace obsctl::cli {

/// STATE (ok, FAILED, skipped), WHAT, NAME, DETAIL.
std::string findings_table(const core::Findings& findings);

/// `findings` of a document: kind, name, ok (it has not failed), skipped (where it was) and detail.
nlohmann::json findings_json(const core::Findings& findings);

bool none_failed(const core::Findings& findings);

}  // namespace obsctl::cli
