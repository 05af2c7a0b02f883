// obsctl completion: what shells, man and the documentation read about the command line.
#include <functional>

#include <fmt/format.h>

#include "cli/command_tree.hpp"
#include "cli/version.hpp"

namespace obsctl::cli {

namespace {

void add_output(CLI::App& group, CommandLine& line, const char* name, const char* description,
                const std::function<std::string(const std::vector<CommandNode>&)>& write) {
  CLI::App* command = group.add_subcommand(name, description);
  command->callback([&line, write] {
    line.action = [&line, write](Context&) -> core::Result<int> {
      fmt::print("{}", write(command_tree(line.app)));
      return kPassed;
    };
  });
}

}  // namespace

void add_completion_commands(CommandLine& line) {
  CLI::App* group = line.app.add_subcommand("completion", "completions for a shell, and the manual page");
  group->require_subcommand(1);
  add_output(*group, line, "bash", "for bash: source <(obsctl completion bash)",
             [](const auto& commands) { return completion_script(Shell::bash, commands); });
  add_output(*group, line, "zsh", "for zsh: source <(obsctl completion zsh)",
             [](const auto& commands) { return completion_script(Shell::zsh, commands); });
  add_output(*group, line, "fish", "for fish: obsctl completion fish | source",
             [](const auto& commands) { return completion_script(Shell::fish, commands); });
  add_output(*group, line, "man", "the manual page, obsctl(1)",
             [](const auto& commands) { return manual_page(commands, version_number()); });
  add_output(*group, line, "reference", "every command and option, in Markdown", reference_page);
}

}  // namespace obsctl::cli
