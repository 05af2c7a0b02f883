// A run as JUnit XML, for CI: suite = scenario, case = one expectation.
#pragma once

#include <string>

#include "scenarios/journal.hpp"

namespace obsctl::cli {

/// From the journal document. Failures are missed, late, unexpected and mismatched; an inconclusive, aborted
/// or interrupted run is an error; what was not reached is skipped.
std::string run_junit(const scenarios::Json& document);

}  // namespace obsctl::cli
