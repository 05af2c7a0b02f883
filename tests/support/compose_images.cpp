#include "tests/support/compose_images.hpp"

#include <cstdlib>
#include <string>

#include <unistd.h>

#include "core/process.hpp"
#include "core/text.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/obsctl_binary.hpp"

namespace obsctl::tests {

namespace {

std::string why_not() {
  if (::geteuid() != 0) return "the tests of the Compose runtime want root";
  for (const char* program : {"podman", "podman-compose", "debootstrap"}) {
    if (!core::find_program({program})) return std::string(program) + " is not installed";
  }
  return {};
}

}  // namespace

bool compose_images_are_here() {
  const std::string why = why_not();
  const char* ci = std::getenv("CI");
  if (!why.empty() && ci != nullptr && std::string_view(ci) == "true") FAIL(why + " and CI=true");
  if (!why.empty()) {
    WARN("skipped: " + why);
    return false;
  }
  static const auto made = core::run_command(
      {.argv = {".ci/compose/images", obsctl_binary().parent_path().string()}, .error_file = "/dev/stderr"},
      std::chrono::minutes(10));
  REQUIRE(made);
  REQUIRE(made->status.ok());
  for (const std::string_view line : core::split(made->text, '\n')) {
    const std::size_t equals = line.find('=');
    if (equals == std::string_view::npos) continue;
    ::setenv(std::string(line.substr(0, equals)).c_str(), std::string(line.substr(equals + 1)).c_str(), 1);
  }
  // Unless the environment insists on another, which then has to have the images.
  ::setenv("OBSCTL_COMPOSE", "podman-compose", 0);
  return true;
}

}  // namespace obsctl::tests
