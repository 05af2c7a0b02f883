// obsctl verify: one-shot checks, one file a command (cli/verify_*.cpp), with the engine that scenarios use.
#include "cli/command_line.hpp"
#include "cli/verify_grafana.hpp"

namespace obsctl::cli {

void add_verify_commands(CommandLine& line) {
  CLI::App* verify = line.app.add_subcommand("verify", "check one thing now, and say whether it is so");
  verify->require_subcommand(1);
  add_verify_checks(*verify, line);
  add_verify_coverage(*verify, line);
  add_verify_grafana(*verify, line);
  add_verify_routes(*verify, line);
}

}  // namespace obsctl::cli
