// Completions for bash, zsh and fish. Each script walks the words in front of the cursor along the commands
// that exist, and then offers what that command takes: its commands and options, scenarios where it takes
// one, files otherwise.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "cli/command_tree.hpp"

namespace obsctl::cli {

namespace {

/// What prints the bundled scenarios, a line each.
constexpr const char* kScenarios = "obsctl scenario list 2>/dev/null | awk 'NR > 1 { print $1 }'";

bool takes_scenario(const CommandNode& command) {
  return std::any_of(command.options.begin(), command.options.end(), [](const CommandOption& option) {
    return option.argument && option.names.front() == "SCENARIO";
  });
}

/// Single quotes for bash and zsh.
std::string single_quoted(std::string_view text) {
  std::string result = "'";
  for (const char c : text) {
    if (c == '\'') {
      result += "'\\''";
    } else {
      result += c == '\n' ? ' ' : c;
    }
  }
  return result + "'";
}

/// And for fish, which knows a backslash between them.
std::string fish_quoted(std::string_view text) {
  std::string result = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') result += '\\';
    result += c == '\n' ? ' ' : c;
  }
  return result + "'";
}

/// "scenario|scenario run|load|…", every path there is, for a pattern.
std::string all_paths(const std::vector<CommandNode>& commands) {
  std::string paths;
  for (const CommandNode& command : commands) {
    if (!command.path.empty()) paths += (paths.empty() ? "" : "|") + single_quoted(command.words());
  }
  return paths;
}

std::string bash_script(const std::vector<CommandNode>& commands) {
  std::string script = fmt::format(
      "# bash completion for obsctl\n"
      "_obsctl() {{\n"
      "  local cur=${{COMP_WORDS[COMP_CWORD]}} path= words= next i\n"
      "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
      "    next=\"${{path:+$path }}${{COMP_WORDS[i]}}\"\n"
      "    case $next in\n"
      "      {}) path=$next ;;\n"
      "    esac\n"
      "  done\n"
      "  case $path in\n",
      all_paths(commands));
  for (const CommandNode& command : commands) {
    std::string words = fmt::format("{}", fmt::join(command.subcommands, " "));
    for (const CommandOption& option : command.options) {
      if (!option.argument) words += " " + option.names.back();
    }
    script += fmt::format("    {}) words={}{} ;;\n", single_quoted(command.words()), single_quoted(words),
                          takes_scenario(command) ? fmt::format("\" $({})\"", kScenarios) : "");
  }
  return script +
         "  esac\n"
         "  COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
         "}\n"
         "complete -o default -F _obsctl obsctl\n";
}

std::string zsh_script(const std::vector<CommandNode>& commands) {
  std::string script = fmt::format(
      "#compdef obsctl\n"
      "_obsctl() {{\n"
      "  local path_= next i\n"
      "  local -a entries\n"
      "  for ((i = 2; i < CURRENT; i++)); do\n"
      "    next=\"${{path_:+$path_ }}${{words[i]}}\"\n"
      "    case $next in\n"
      "      ({}) path_=$next ;;\n"
      "    esac\n"
      "  done\n"
      "  case $path_ in\n",
      all_paths(commands));
  const auto entry = [](const std::string& name, std::string description) {
    std::replace(description.begin(), description.end(), ':', ',');
    return " " + single_quoted(name + ":" + description);
  };
  for (const CommandNode& command : commands) {
    std::string entries;
    for (const CommandNode& below : commands) {
      if (below.path.size() == command.path.size() + 1 &&
          std::equal(command.path.begin(), command.path.end(), below.path.begin()))
        entries += entry(below.path.back(), below.description);
    }
    for (const CommandOption& option : command.options) {
      if (!option.argument) entries += entry(option.names.back(), option.description);
    }
    script += fmt::format("    ({}) entries=({}{}) ;;\n", single_quoted(command.words()), entries,
                          takes_scenario(command) ? fmt::format(" $({})", kScenarios) : "");
  }
  return script +
         "  esac\n"
         "  _describe 'obsctl' entries\n"
         "  _files\n"
         "}\n"
         "if [ \"$funcstack[1]\" = _obsctl ]; then _obsctl \"$@\"; else compdef _obsctl obsctl; fi\n";
}

std::string fish_script(const std::vector<CommandNode>& commands) {
  std::string paths;
  for (const CommandNode& command : commands) {
    if (!command.path.empty()) paths += " " + fish_quoted(command.words());
  }
  std::string script = fmt::format(
      "# fish completion for obsctl\n"
      "function __obsctl_at\n"
      "  set -l path ''\n"
      "  for word in (commandline -opc)[2..-1]\n"
      "    set -l next (string trim -- \"$path $word\")\n"
      "    contains -- $next{} && set path $next\n"
      "  end\n"
      "  test \"$path\" = \"$argv[1]\"\n"
      "end\n",
      paths);
  for (const CommandNode& command : commands) {
    const std::string at = fish_quoted("__obsctl_at " + fish_quoted(command.words()));
    for (const CommandNode& below : commands) {
      if (below.path.size() == command.path.size() + 1 &&
          std::equal(command.path.begin(), command.path.end(), below.path.begin()))
        script += fmt::format("complete -c obsctl -n {} -a {} -d {}\n", at, fish_quoted(below.path.back()),
                              fish_quoted(below.description));
    }
    for (const CommandOption& option : command.options) {
      if (option.argument || option.names.back().substr(0, 2) != "--") continue;
      script += fmt::format("complete -c obsctl -n {} -l {} -d {}{}\n", at, option.names.back().substr(2),
                            fish_quoted(option.description), option.value.empty() ? "" : " -r");
    }
    if (takes_scenario(command))
      script +=
          fmt::format("complete -c obsctl -n {} -a {}\n", at, fish_quoted(fmt::format("({})", kScenarios)));
  }
  return script;
}

}  // namespace

std::string completion_script(Shell shell, const std::vector<CommandNode>& commands) {
  switch (shell) {
    case Shell::bash:
      return bash_script(commands);
    case Shell::zsh:
      return zsh_script(commands);
    case Shell::fish:
      return fish_script(commands);
  }
  return {};
}

}  // namespace obsctl::cli
