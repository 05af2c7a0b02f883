// obsctl verify grafana.
#pragma once

#include "cli/command_line.hpp"

namespace obsctl::cli {

/// Added by add_verify_commands.
void add_verify_grafana(CLI::App& verify, CommandLine& line);

}  // namespace obsctl::cli
