// A run as JUnit XML, for CI: suite = scenario, case = one expectation.
#pragma once

#include <string>

#include "cli/report/run_report.hpp"

namespace obsctl::cli {

/// Failures are missed, late, unexpected and mismatched; an inconclusive, aborted or interrupted run is an
/// error; what was not reached is skipped.
std::string junit_report(const RunReport& report);

}  // namespace obsctl::cli
