// What this binary is.
#pragma once

#include <string>

namespace obsctl::cli {

/// The version alone: "0.1.0".
std::string version_number();

/// "obsctl 0.1.0".
std::string version_line();

}  // namespace obsctl::cli
