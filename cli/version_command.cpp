// `obsctl version`: what --version prints, for those who look for a command.
#include <fmt/format.h>

#include "cli/command_line.hpp"
#include "cli/version.hpp"

namespace obsctl::cli {

void add_version_command(CommandLine& line) {
  CLI::App* version = line.app.add_subcommand("version", "print the version of obsctl");
  version->callback([&line] {
    line.action = [](Context&) -> core::Result<int> {
      fmt::print("{}\n", version_line());
      return kPassed;
    };
  });
}

}  // namespace obsctl::cli
