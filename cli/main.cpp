// obsctl: proves that alerts work. main reads the command line, runs the chosen command, and turns whatever
// comes back into an exit code. The only catch-all of the program is here.
#include <cstdlib>
#include <exception>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <unistd.h>

#include "cli/command_line.hpp"
#include "cli/version.hpp"
#include "core/signals.hpp"
#include "core/text.hpp"

namespace obsctl::cli {

int exit_code_for(core::ErrorKind kind) {
  switch (kind) {
    case core::ErrorKind::usage:
    case core::ErrorKind::invalid_input:
    case core::ErrorKind::not_found:
      return kUsage;
    case core::ErrorKind::cancelled:
      return kInterrupted;
    case core::ErrorKind::unavailable:
    case core::ErrorKind::conflict:
    case core::ErrorKind::timeout:
    case core::ErrorKind::protocol:
    case core::ErrorKind::internal:
      return kError;
  }
  return kError;
}

namespace {

/// Where a person looks at it, and the cursor can be moved.
bool is_terminal(int descriptor) {
  const char* term = std::getenv("TERM");
  if (term == nullptr || std::string_view(term) == "dumb") return false;
  return isatty(descriptor) == 1;
}

/// Colour only where a person looks at it and has not asked otherwise: https://no-color.org.
bool may_colour(int descriptor) {
  const char* no_color = std::getenv("NO_COLOR");
  return is_terminal(descriptor) && (no_color == nullptr || *no_color == '\0');
}

/// The error for a word that should be a command and is none, with the nearest one. The parser itself only
/// says that a subcommand is missing.
std::optional<core::Error> unknown_command(const CLI::App& app, int argc, char** argv) {
  const CLI::App* group = &app;
  for (int i = 1; i < argc && group->get_require_subcommand_min() > 0; ++i) {
    const std::string word = argv[i];
    if (!word.empty() && word.front() == '-') {
      const CLI::Option* option = group->get_option_no_throw(word);
      if (option != nullptr && option->get_items_expected_max() > 0) ++i;  // its value
      continue;
    }
    const CLI::App* next = nullptr;
    std::vector<std::string> names;
    for (const CLI::App* command : group->get_subcommands([](const CLI::App*) { return true; })) {
      if (command->get_name() == word) next = command;
      if (!command->get_group().empty()) names.push_back(command->get_name());  // an empty group: hidden
    }
    if (next == nullptr) {
      const std::string where = group == &app ? "obsctl" : "obsctl " + group->get_name();
      return core::make_error(
          core::ErrorKind::usage,
          fmt::format("there is no command \"{} {}\"{}", where, word, core::did_you_mean(word, names)),
          fmt::format("{} has {}", where, fmt::join(names, ", ")));
    }
    group = next;
  }
  return std::nullopt;
}

int run(int argc, char** argv) {
  core::SignalStop signals;  // before any other thread
  CommandLine line;
  line.app.name("obsctl");
  line.app.description("obsctl proves that alerts work: load, faults, alert verification and reports.");
  line.app.footer(
      "Try it:  obsctl scenario run http-api/error-spike\nDocs:    "
      "https://github.com/obsctl/obsctl/tree/main/docs");
  line.app.require_subcommand(1);
  line.app.set_version_flag("--version", version_line());
  std::string log_level = "warn";
  bool no_colour = false;
  line.app.add_option("--log-level", log_level, "diagnostics on stderr: debug, info, warn, error or off")
      ->envname("OBSCTL_LOG_LEVEL")
      ->capture_default_str();
  line.app.add_flag("--no-color", no_colour,
                    "never use colour or cursor movement (also NO_COLOR, TERM=dumb)");
  line.app.fallthrough();
  add_scenario_commands(line);
  add_load_commands(line);
  add_fault_commands(line);
  add_stack_commands(line);
  add_serve_commands(line);
  add_verify_commands(line);
  add_wait_commands(line);
  add_report_commands(line);
  add_completion_commands(line);
  add_version_command(line);

  try {
    line.app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() != 0) {
      if (const auto unknown = unknown_command(line.app, argc, argv)) {
        tell("obsctl: {}\n", to_string(*unknown));
        return kUsage;
      }
    }
    return line.app.exit(error) == 0 ? kPassed : kUsage;
  }
  const auto level = core::parse_log_level(log_level);
  if (!level) {
    tell("obsctl: {}\n", to_string(level.error()));
    return kUsage;
  }
  core::Logger log(*level);
  core::SystemClock clock;
  Context context{signals.token(),
                  signals.urgent_token(),
                  clock,
                  log,
                  !no_colour && may_colour(1),
                  !no_colour && may_colour(2),
                  is_terminal(2)};
  const core::Result<int> code = line.action(context);
  if (code) return *code;
  if (code.error().kind != core::ErrorKind::cancelled || !code.error().message.empty()) {
    tell("obsctl: {}\n", to_string(code.error()));
  }
  return exit_code_for(code.error().kind);
}

}  // namespace

}  // namespace obsctl::cli

int main(int argc, char** argv) {
  try {
    return obsctl::cli::run(argc, argv);
  } catch (const std::exception& error) {
    obsctl::cli::tell("obsctl: internal error: {}\n  hint: this is a defect in obsctl; please report it\n",
                      error.what());
    return obsctl::cli::kError;
  }
}
