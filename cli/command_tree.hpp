// The commands as plain values, read from the parser, and what is written from them: shell completions, the
// manual page, the reference of the command line. A new command is in all of them without more ado.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/command_line.hpp"

namespace obsctl::cli {

struct CommandOption {
  std::vector<std::string> names;  ///< "--time-scale", "-n"; of an argument its name alone
  std::string value;               ///< "DURATION"; empty for a flag
  std::string description;
  std::string by_default;
  bool required = false;
  bool argument = false;  ///< goes by its place
};

struct CommandNode {
  std::vector<std::string> path;  ///< {"scenario", "run"}; empty for obsctl itself
  std::string description;
  std::string footer;
  std::vector<CommandOption> options;
  std::vector<std::string> subcommands;

  /// "scenario run".
  std::string words() const;
};

/// Every command that --help lists, a group before its commands.
std::vector<CommandNode> command_tree(const CLI::App& app);

enum class Shell { bash, zsh, fish };

/// A script that the shell reads to complete commands, options and the bundled scenarios.
std::string completion_script(Shell shell, const std::vector<CommandNode>& commands);

/// obsctl(1), as mandoc and groff read it. `version` is for its foot.
std::string manual_page(const std::vector<CommandNode>& commands, std::string_view version);

/// docs/reference/cli.md.
std::string reference_page(const std::vector<CommandNode>& commands);

}  // namespace obsctl::cli
