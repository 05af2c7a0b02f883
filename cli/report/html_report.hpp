// A run as one HTML file, for people who were not there: nothing is loaded, no script runs, light and dark
// follow the reader, and it prints.
#pragma once

#include <string>

#include "cli/report/run_report.hpp"

namespace obsctl::cli {

/// The same report gives the same bytes. Everything from outside is escaped.
std::string html_report(const RunReport& report);

}  // namespace obsctl::cli
