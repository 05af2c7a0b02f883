// A page that tells a reader what to type and what comes of it, as a test reads it: the commands of its
// console and sh blocks, and the lines that it shows of their output. So a tutorial can be executed as it is
// written.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace obsctl::tests {

struct ShownCommand {
  int line = 0;      ///< of the page
  std::string text;  ///< may have several lines
  /// What the page shows of its output; a line "…" stands for any lines.
  std::vector<std::string> shown = {};
};

/// The commands that one shell is given, in their order.
using ShellSession = std::vector<ShownCommand>;

/// What is in a page:
/// - ```console: a line "$ COMMAND", continued by lines "> …"; the lines below it are its output.
/// - ```sh: a script, which ends with its first command that fails.
/// - ``` without a language: what the last command or script has printed, or more of it, further down.
/// - <!-- a new shell -->: what follows needs nothing of what was before.
/// Everything else is for people, or only to be looked at.
std::vector<ShellSession> shell_sessions(std::string_view markdown);

/// The first shown line that the output does not have where it should be; nothing when it has them all. The
/// output may begin before and go on after them; between them it has nothing else, unless the page says "…".
///
/// In a line "…" stands for any text, and these for their like: instants, integers of four digits or more
/// (ports, process ids, counts), and times and fractions that were measured (2.46s, 1m37s, 118ms, 0.258),
/// within a half of the larger one and two seconds. What was given is compared as it is: 30s, 503, a budget
/// ("1.83s – 5.00s").
std::optional<std::string> first_missing(const std::vector<std::string>& shown, std::string_view output);

}  // namespace obsctl::tests
