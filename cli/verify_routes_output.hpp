// How proven routes look: a table for people, JUnit for CI. (JSON is scenarios::routes_document.)
#pragma once

#include <string>

#include "scenarios/verify_routes.hpp"

namespace obsctl::cli {

/// A row for each check, then what is wrong, then the count.
std::string routes_table(const scenarios::RoutesReport& report, bool colour);

/// One suite, one case a check.
std::string routes_junit(const scenarios::RoutesReport& report);

}  // namespace obsctl::cli
