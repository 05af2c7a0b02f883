// Checksums that a report names files by.
#pragma once

#include <string>
#include <string_view>

namespace obsctl::core {

/// SHA-256 as 64 lower-case hexadecimal digits.
std::string sha256(std::string_view data);

}  // namespace obsctl::core
