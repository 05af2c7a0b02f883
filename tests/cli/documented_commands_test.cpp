// No page names a command or a flag that is not there: every obsctl command line of the documentation is read
// by the real binary. Nothing is run: a log level that does not exist ends it once the whole line has been
// understood.
#include <algorithm>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/file.hpp"
#include "core/text.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/run_program.hpp"
#include "tests/support/temporary_directory.hpp"

using namespace obsctl;
namespace fs = std::filesystem;

namespace {

using Words = std::vector<std::string>;

/// The words of a shell command with its separators (";", "&&", "|", "$(", ")") as words of their own. A
/// comment ends it.
Words shell_words(std::string_view line) {
  Words words;
  std::string word;
  bool quoted_word = false;
  const auto end_word = [&] {
    if (!word.empty() || quoted_word) words.push_back(std::exchange(word, {}));
    quoted_word = false;
  };
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (c == '\'' || c == '"') {
      const std::size_t end = std::min(line.find(c, i + 1), line.size());
      word += line.substr(i + 1, end - i - 1);
      quoted_word = true;
      i = end;
    } else if (c == ' ') {
      end_word();
    } else if (c == '#' && word.empty()) {
      break;
    } else if (line.substr(i, 2) == "$(" || c == ';' || c == '|' || c == '&' || c == '(' || c == ')') {
      end_word();
      words.emplace_back(";");
    } else {
      word += c;
    }
  }
  end_word();
  return words;
}

/// What may stand before a command: an assignment, a prompt, a list's dash, a keyword of the shell or of
/// YAML.
bool may_precede(const std::string& word) {
  static const std::set<std::string> known{"$",    ">",    "-",    "run:", "if",   "!", "do",
                                           "then", "else", "time", "exec", "sudo", "-c"};
  if (known.count(word) == 1) return true;
  const std::size_t equals = word.find('=');
  return equals != std::string::npos && equals > 0 &&
         std::all_of(word.begin(), word.begin() + static_cast<std::ptrdiff_t>(equals), [](unsigned char c) {
           return std::isupper(c) != 0 || c == '_' || std::isdigit(c) != 0;
         });
}

/// "[--follow]" of a synopsis is read as if it were there, and "SCENARIO…" as one.
std::string without_notation(std::string word) {
  while (word.starts_with("[")) word.erase(0, 1);
  while (word.ends_with("]")) word.pop_back();
  if (word.size() > 3 && word.ends_with("…")) word.resize(word.size() - std::string_view("…").size());
  return word;
}

/// The arguments of each obsctl in a line; in a synopsis, what is far to the right explains it.
std::vector<Words> commands_of(std::string_view line, bool synopsis) {
  std::vector<Words> commands;
  if (const std::size_t first = line.find_first_not_of(' '); synopsis && first != std::string_view::npos) {
    line = line.substr(first);
    line = line.substr(0, line.find("   "));
  }
  bool begins = true;
  Words* command = nullptr;
  for (const std::string& word : shell_words(line)) {
    if (word == ";") {
      command = nullptr;
      begins = true;
    } else if (command != nullptr) {
      // A redirection ends what is obsctl's.
      const std::string_view rest =
          std::string_view(word).substr(std::min(word.size(), word.find_first_not_of("012")));
      if (rest.starts_with(">") || rest.starts_with("<")) {
        command = nullptr;
      } else if (std::string plain = without_notation(word); !plain.empty()) {
        command->push_back(std::move(plain));
      }
    } else if (begins && (word == "obsctl" || word.ends_with("/obsctl"))) {
      command = &commands.emplace_back();
    } else if (begins) {
      begins = may_precede(word);
    }
  }
  std::erase_if(commands, [](const Words& words) { return words.empty(); });
  return commands;
}

struct Documented {
  std::string where;
  Words arguments;
};

/// The command lines of a page: in its blocks, but for those of data, and where `obsctl …` stands in a
/// sentence.
std::vector<Documented> commands_of_page(const std::string& page, std::string_view markdown) {
  std::vector<Documented> found;
  std::optional<std::string> language;
  std::string joined;
  int number = 0;
  for (const std::string_view raw : core::split(markdown, '\n')) {
    ++number;
    if (core::trimmed(raw).starts_with("```")) {
      language = language ? std::nullopt : std::optional(std::string(core::trimmed(raw).substr(3)));
      continue;
    }
    const auto add = [&](std::string_view line, bool synopsis) {
      for (Words& words : commands_of(line, synopsis))
        found.push_back({fmt::format("{}:{}", page, number), std::move(words)});
    };
    if (language || raw.starts_with("    ")) {
      if (language && (*language == "toml" || *language == "json")) continue;
      // A console continues a command behind "> ".
      joined += !joined.empty() && raw.starts_with("> ") ? raw.substr(2) : raw;
      if (joined.ends_with("\\")) {
        joined.back() = ' ';
        continue;
      }
      add(std::exchange(joined, {}), !language);
    } else {
      const std::vector<std::string_view> parts = core::split(raw, '`');
      for (std::size_t i = 1; i < parts.size(); i += 2) add(parts[i], false);
    }
  }
  return found;
}

std::vector<fs::path> pages() {
  std::vector<fs::path> found{"README.md", "CONTRIBUTING.md", "stacks/http-api/README.md"};
  for (const auto& entry : fs::recursive_directory_iterator("docs")) {
    // The reference of the command line is written by obsctl itself, and has a test of its own.
    if (entry.path().extension() == ".md" && entry.path().filename() != "cli.md")
      found.push_back(entry.path());
  }
  return found;
}

/// What obsctl has against a command line; empty when it understands all of it. A sentence, or a synopsis,
/// may leave out what has to be there: that is put in.
std::string objection(Words arguments) {
  const tests::TemporaryDirectory folder;
  for (int added = 0;; ++added) {
    const auto output = tests::run_program({.program = OBSCTL_TEST_BINARY,
                                            .args = arguments,
                                            .environment = {{"OBSCTL_LOG_LEVEL", "none-such"}},
                                            .folder = folder.path()});
    const std::string& said = output.standard_error;
    if (output.status.ok() && (arguments.back() == "--help" || arguments.back() == "--version")) return {};
    if (said.starts_with("obsctl: \"none-such\" is not a log level")) return {};
    if (said.find("A subcommand is required") != std::string::npos) return {};
    if (said.find(" is required") == std::string::npos || added == 3)
      return said.empty() ? "it was run" : said;
    // "--to is required", "SCENARIO is required"
    const std::string missing = said.substr(0, said.find(' '));
    if (missing.starts_with("--")) arguments.push_back(missing);
    arguments.emplace_back("x");
  }
}

}  // namespace

TEST_CASE("every command of the documentation is one that obsctl knows") {
  std::map<Words, std::string> commands;  // → where it stands first
  for (const fs::path& page : pages()) {
    for (Documented& one : commands_of_page(page.string(), core::read_file(page).value()))
      commands.try_emplace(std::move(one.arguments), std::move(one.where));
  }
  CHECK(commands.size() > 100);
  for (const auto& [arguments, where] : commands) {
    INFO(fmt::format("{}: obsctl {}", where, fmt::join(arguments, " ")));
    CHECK(objection(arguments) == "");
  }
}

TEST_CASE("a command of a page that obsctl does not know is found") {
  const std::vector<Documented> found = commands_of_page(
      "a.md",
      "Use `obsctl stack up --nmae x`, or `obsctl` alone.\n\n    obsctl stack lsit      lists them\n"
      "```console\n$ A_B=1 build/obsctl load run 'http://a b/' \\\n>   --rate 5/s | cat  # obsctl "
      "no\nobsctl: an error\n"
      "$ x=$(obsctl stack status [NAME] --json) && obsctl version > file\n```\n```toml\nobsctl = 1\n```\n");
  std::vector<std::string> lines;
  for (const Documented& one : found)
    lines.push_back(fmt::format("{} {}", one.where, fmt::join(one.arguments, "|")));
  CHECK(lines == std::vector<std::string>{"a.md:1 stack|up|--nmae|x", "a.md:3 stack|lsit",
                                          "a.md:6 load|run|http://a b/|--rate|5/s",
                                          "a.md:8 stack|status|NAME|--json", "a.md:8 version"});
  CHECK(objection({"stack", "up", "x", "--nmae"}).find("--nmae") != std::string::npos);
  CHECK(objection({"stack", "lsit"}).find("lsit") != std::string::npos);
  CHECK(objection({"stack", "up"}) == "");
  CHECK(objection({"stack"}) == "");
}
