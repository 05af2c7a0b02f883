// What the commands share: the parser, what every command is given, and how a command hands over what it will
// do.
#pragma once

#include <functional>
#include <stop_token>
#include <string>
#include <utility>

#include <CLI/CLI.hpp>

#include "cli/tell.hpp"
#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/log.hpp"

namespace obsctl::cli {

/// What every command is given when it runs.
struct Context {
  /// Triggered by the first Ctrl-C, SIGTERM or SIGHUP.
  std::stop_token stop;
  /// Triggered by the second: stop waiting, but still roll back.
  std::stop_token urgent;
  core::Clock& clock;
  core::Logger& log;
  /// Whether standard output / standard error may carry colour and cursor movement.
  bool colour_out = false;
  bool colour_err = false;
  /// Whether standard error is a terminal whose lines can be drawn again, in colour or not.
  bool terminal_err = false;
};

/// What a command does once the command line has been read. The value is the process's exit code; an Error is
/// printed on stderr and its kind decides the exit code (`exit_code_for`).
using Action = std::function<core::Result<int>(Context&)>;

struct CommandLine {
  CLI::App app;
  /// Set by the callback of the subcommand that was chosen.
  Action action;
};

/// The process's exit codes. See docs/reference/exit-codes.md.
enum ExitCode : int {
  kPassed = 0,
  kFailed = 1,
  kUsage = 2,
  kInconclusive = 3,
  kAborted = 4,
  kError = 5,
  kInterrupted = 130,
};

int exit_code_for(core::ErrorKind kind);

// One function a command group; each adds its subcommands to `line.app`.
void add_scenario_commands(CommandLine& line);
void add_load_commands(CommandLine& line);
void add_fault_commands(CommandLine& line);
void add_stack_commands(CommandLine& line);
void add_serve_commands(CommandLine& line);
void add_verify_commands(CommandLine& line);
void add_wait_commands(CommandLine& line);
void add_report_commands(CommandLine& line);
void add_completion_commands(CommandLine& line);
void add_version_command(CommandLine& line);

/// `scenario plan`, added by add_scenario_commands.
void add_scenario_plan(CLI::App& group, CommandLine& line);

/// `verify targets`, `rules`, `query` and so on, added by add_verify_commands.
void add_verify_checks(CLI::App& verify, CommandLine& line);

/// `scenario new`, added by add_scenario_commands.
void add_scenario_new(CLI::App& group, CommandLine& line);

/// `verify coverage`, added by add_verify_commands.
void add_verify_coverage(CLI::App& verify, CommandLine& line);

/// `serve receiver` and `serve proxy`, added by add_serve_commands.
void add_serve_receiver(CLI::App& serve, CommandLine& line);
void add_serve_proxy(CLI::App& serve, CommandLine& line);

/// `verify routes`, added by add_verify_commands.
void add_verify_routes(CLI::App& verify, CommandLine& line);

}  // namespace obsctl::cli
