// The obsctl that a test starts: the one that was built beside it, or $OBSCTL_BINARY.
#pragma once

#include <cstdlib>
#include <filesystem>

namespace obsctl::tests {

inline std::filesystem::path obsctl_binary() {
  const char* given = std::getenv("OBSCTL_BINARY");
  return std::filesystem::absolute(given != nullptr && *given != '\0' ? given : OBSCTL_TEST_BINARY);
}

}  // namespace obsctl::tests
