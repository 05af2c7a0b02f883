// Walks the whole command tree by what --help itself lists, so that a new command is held to this without a
// new test.
#include <map>

#include "core/text.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/run_program.hpp"
#include "tests/support/temporary_directory.hpp"

using namespace obsctl;

namespace {

using Command = std::vector<std::string>;

std::string line_of(const Command& command) {
  std::string line = "obsctl";
  for (const std::string& word : command) line += " " + word;
  return line;
}

tests::ProgramOutput help_of(Command command) {
  const tests::TemporaryDirectory folder;
  command.emplace_back("--help");
  return tests::run_program(
      {.program = OBSCTL_TEST_BINARY, .args = std::move(command), .folder = folder.path()});
}

/// The entries of a --help section ("Subcommands:", "Options:"): name → description, with wrapped lines
/// joined.
std::map<std::string, std::string> section_of(std::string_view help, std::string_view title) {
  std::map<std::string, std::string> entries;
  bool inside = false;
  std::string name;
  for (const std::string_view line : core::split(help, '\n')) {
    if (line.empty() || line.front() != ' ') {
      inside = line == title;
      continue;
    }
    if (!inside) continue;
    const std::size_t indent = line.find_first_not_of(' ');
    if (indent == 2) {
      name = std::string(line.substr(2, line.find(' ', 2) - 2));
      const std::size_t gap = line.find("  ", 2);
      entries[name] = gap == std::string_view::npos ? "" : std::string(core::trimmed(line.substr(gap)));
    } else if (!name.empty()) {
      entries[name] += std::string(core::trimmed(line));
    }
  }
  return entries;
}

/// The command and all below it.
std::vector<Command> tree_below(const Command& command) {
  std::vector<Command> all{command};
  for (const auto& [name, description] : section_of(help_of(command).standard_output, "Subcommands:")) {
    Command next = command;
    next.push_back(name);
    for (Command& below : tree_below(next)) all.push_back(std::move(below));
  }
  return all;
}

}  // namespace

TEST_CASE("every command explains itself on standard output") {
  const std::vector<Command> commands = tree_below({});
  // The command tree of the product's first release; a walk that finds less is not a walk.
  for (const char* wanted : {"obsctl scenario run", "obsctl scenario list", "obsctl scenario show",
                             "obsctl scenario validate", "obsctl stack up", "obsctl stack down",
                             "obsctl stack status", "obsctl serve service", "obsctl load run"}) {
    CAPTURE(wanted);
    bool found = false;
    for (const Command& command : commands) found = found || line_of(command) == wanted;
    CHECK(found);
  }
  for (const Command& command : commands) {
    CAPTURE(line_of(command));
    const tests::ProgramOutput help = help_of(command);
    CHECK(help.status.ok());
    CHECK(help.standard_error.empty());
    CHECK(help.standard_output.find("Usage: " + line_of(command)) != std::string::npos);
    for (const char* section : {"Subcommands:", "Options:", "Positionals:"}) {
      for (const auto& [name, description] : section_of(help.standard_output, section)) {
        CAPTURE(section, name);
        CHECK_FALSE(description.empty());
      }
    }
  }
}
