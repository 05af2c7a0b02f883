// See command_tree.hpp.
#include "cli/command_tree.hpp"

#include <fmt/format.h>

namespace obsctl::cli {

namespace {

CommandOption read_option(const CLI::Option& option) {
  CommandOption result;
  result.argument = option.get_positional();
  for (const std::string& name : option.get_snames()) result.names.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) result.names.push_back("--" + name);
  if (result.names.empty()) result.names.push_back(option.get_name(true));
  if (option.get_items_expected_max() > 0) {
    result.value = option.get_type_name();
    // The parser's own word for a text says nothing.
    if (result.value.empty() || result.value == "TEXT") result.value = "VALUE";
  }
  result.description = option.get_description();
  result.by_default = option.get_default_str();
  result.required = option.get_required();
  return result;
}

void add_commands(const CLI::App& app, std::vector<std::string> path, std::vector<CommandNode>& commands) {
  CommandNode node;
  node.path = path;
  node.description = app.get_description();
  node.footer = app.get_footer();
  for (const CLI::Option* option : app.get_options()) {
    if (!option->get_group().empty()) node.options.push_back(read_option(*option));
  }
  std::vector<const CLI::App*> below;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    if (command->get_name().empty() || command->get_group().empty()) continue;  // hidden
    node.subcommands.push_back(command->get_name());
    below.push_back(command);
  }
  commands.push_back(std::move(node));
  for (const CLI::App* command : below) {
    path.push_back(command->get_name());
    add_commands(*command, path, commands);
    path.pop_back();
  }
}

/// For groff: no line may begin with a point, and a backslash or a minus means what it says.
std::string roff(std::string_view text) {
  std::string escaped;
  bool begins = true;
  for (const char c : text) {
    if (begins && (c == '.' || c == '\'')) escaped += "\\&";
    if (c == '\\') {
      escaped += "\\e";
    } else if (c == '-') {
      escaped += "\\-";
    } else {
      escaped += c;
    }
    begins = c == '\n';
  }
  return escaped;
}

std::string usage_of(const CommandNode& command) {
  std::string usage = "obsctl";
  for (const std::string& word : command.path) usage += " " + word;
  if (!command.subcommands.empty()) return usage + " COMMAND";
  for (const CommandOption& option : command.options) {
    if (!option.argument) continue;
    usage += option.required ? " " + option.names.front() : fmt::format(" [{}]", option.names.front());
  }
  return usage + " [OPTIONS]";
}

std::string names_and_value(const CommandOption& option) {
  const std::string names = fmt::format("{}", fmt::join(option.names, ", "));
  return option.value.empty() || option.argument ? names : names + " " + option.value;
}

/// For a cell of a table.
std::string cell(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '|') escaped += '\\';
    escaped += c == '\n' ? ' ' : c;
  }
  return escaped;
}

std::string option_rows(const CommandNode& command) {
  std::string rows;
  for (const CommandOption& option : command.options) {
    if (option.names.back() == "--help") continue;
    rows += fmt::format("| `{}` | {}{} |\n", cell(names_and_value(option)), cell(option.description),
                        option.by_default.empty() ? "" : fmt::format(" (`{}`)", cell(option.by_default)));
  }
  return rows.empty() ? "" : "| option | |\n|---|---|\n" + rows + "\n";
}

}  // namespace

std::string CommandNode::words() const {
  return fmt::format("{}", fmt::join(path, " "));
}

std::vector<CommandNode> command_tree(const CLI::App& app) {
  std::vector<CommandNode> commands;
  add_commands(app, {}, commands);
  return commands;
}

std::string manual_page(const std::vector<CommandNode>& commands, std::string_view version) {
  std::string page =
      fmt::format(".TH OBSCTL 1 \"\" \"obsctl {}\" \"User Commands\"\n.SH NAME\nobsctl \\- {}\n",
                  roff(version), roff("prove that alerts work"));
  page += ".SH SYNOPSIS\n.B obsctl\nCOMMAND [OPTIONS]\n.SH DESCRIPTION\n";
  page += roff(commands.front().description) + "\n.SH COMMANDS\n";
  for (const CommandNode& command : commands) {
    if (!command.path.empty()) {
      page += fmt::format(".SS {}\n{}\n", roff(usage_of(command)), roff(command.description));
    }
    for (const CommandOption& option : command.options) {
      page += fmt::format(".TP\n.B {}\n{}{}\n", roff(names_and_value(option)), roff(option.description),
                          option.by_default.empty() ? "" : fmt::format(" [{}]", roff(option.by_default)));
    }
    if (!command.path.empty() && !command.footer.empty())
      page += ".PP\n.nf\n" + roff(command.footer) + "\n.fi\n";
  }
  page +=
      ".SH EXIT STATUS\n0 passed, 1 failed, 2 usage, 3 inconclusive, 4 aborted, 5 error, 130 interrupted.\n"
      ".SH SEE ALSO\nhttps://github.com/obsctl/obsctl/tree/main/docs\n";
  return page;
}

std::string reference_page(const std::vector<CommandNode>& commands) {
  std::string page =
      "# The command line\n\nEvery command and its options, as `--help` says them; this page is written by "
      "`obsctl completion reference`. What the\ncommands do is told on the pages of the "
      "[reference](../README.md).\n\n";
  for (const CommandNode& command : commands) {
    if (command.path.empty()) {
      page += "These options can stand behind every command.\n\n" + option_rows(command);
    } else {
      page += fmt::format("{} obsctl {}\n\n`{}`: {}\n\n{}", command.path.size() == 1 ? "##" : "###",
                          command.words(), usage_of(command), command.description, option_rows(command));
    }
  }
  page.pop_back();
  return page;
}

}  // namespace obsctl::cli
