#include "cli/version.hpp"

namespace obsctl::cli {

std::string version_number() {
  return OBSCTL_VERSION;
}

std::string version_line() {
  return "obsctl " + version_number();
}

}  // namespace obsctl::cli
