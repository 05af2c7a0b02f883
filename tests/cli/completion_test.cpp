// What is written from the command tree: completions that the shells themselves take, a manual page without a
// complaint, and a reference that is the one in docs/.
#include <cstdlib>

#include "core/file.hpp"
#include "core/process.hpp"
#include "core/text.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/run_program.hpp"
#include "tests/support/temporary_directory.hpp"

using namespace obsctl;

namespace {

std::string written(const std::string& what) {
  const tests::TemporaryDirectory folder;
  const auto output = tests::run_program(
      {.program = OBSCTL_TEST_BINARY, .args = {"completion", what}, .folder = folder.path()});
  REQUIRE(output.status.ok());
  return output.standard_output;
}

/// Whether a program is here. In CI it has to be.
bool is_here(const std::string& name) {
  if (core::find_program({name})) return true;
  const char* ci = std::getenv("CI");
  if (ci != nullptr && std::string_view(ci) == "true") FAIL(name << " is missing and CI=true");
  WARN("skipped: " << name << " is not installed");
  return false;
}

/// What a shell prints for a script; nothing where it is not installed.
std::optional<std::string> shell_says(const std::string& shell, const std::string& script,
                                      const std::string& more) {
  if (!is_here(shell)) return std::nullopt;
  const auto program = core::find_program({shell});
  const tests::TemporaryDirectory folder;
  REQUIRE(core::write_file(folder / "completion", script));
  // The script asks obsctl for the scenarios.
  const std::string path =
      std::filesystem::path(OBSCTL_TEST_BINARY).parent_path().string() + ":" + std::getenv("PATH");
  const auto output = tests::run_program(
      {.program = *program, .args = {"-c", more}, .environment = {{"PATH", path}}, .folder = folder.path()});
  INFO(output.standard_error);
  CHECK(output.status.ok());
  CHECK(output.standard_error == "");
  return output.standard_output;
}

std::vector<std::string> words(const std::string& text) {
  std::vector<std::string> result;
  for (const std::string_view line : core::split(text, '\n')) {
    for (const std::string_view word : core::split(line, ' ')) {
      if (!word.empty()) result.emplace_back(word);
    }
  }
  return result;
}

bool has(const std::vector<std::string>& words, const std::string& word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

}  // namespace

TEST_CASE("bash completes commands, options and scenarios") {
  const std::string script = written("bash");
  const auto completed = [&](const std::string& typed) {
    const auto said =
        shell_says("bash", script,
                   "source ./completion; COMP_WORDS=(" + typed +
                       "); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _obsctl; echo \"${COMPREPLY[@]}\"");
    REQUIRE(said);
    return words(*said);
  };
  CHECK(completed("obsctl sce") == std::vector<std::string>{"scenario"});
  CHECK(has(completed("obsctl ''"), "fault"));
  CHECK(has(completed("obsctl scenario ''"), "run"));
  CHECK(completed("obsctl scenario run --time") == std::vector<std::string>{"--time-scale"});
  CHECK(completed("obsctl --no-color scenario run http-api/err") ==
        std::vector<std::string>{"http-api/error-spike"});
  CHECK(completed("obsctl stack up nothing") == std::vector<std::string>{});
}

TEST_CASE("zsh and fish read their completions without a complaint") {
  static_cast<void>(shell_says("zsh", written("zsh"), "zsh -n ./completion"));
  static_cast<void>(shell_says("fish", written("fish"), "fish -n ./completion"));
  // What can be said of them without the shells.
  CHECK(written("zsh").substr(0, 16) == "#compdef obsctl\n");
  CHECK(written("fish").find("complete -c obsctl -n '__obsctl_at \\'scenario run\\'' -l time-scale") !=
        std::string::npos);
}

TEST_CASE("the manual page is one, and has every command") {
  const std::string page = written("man");
  CHECK(page.substr(0, 10) == ".TH OBSCTL");
  CHECK(page.find(".SS obsctl scenario run SCENARIO [OPTIONS]") != std::string::npos);
  if (!is_here("groff")) return;
  const auto said = shell_says("sh", page, "groff -man -Tutf8 -ww ./completion > /dev/null");
  CHECK(said == std::string());
}

TEST_CASE("the reference of the command line is what the commands say") {
  const std::string page = written("reference");
  if (const char* update = std::getenv("OBSCTL_UPDATE_GOLDEN"); update != nullptr && *update == '1')
    REQUIRE(core::write_file("docs/reference/cli.md", page));
  INFO("OBSCTL_UPDATE_GOLDEN=1 build/tests/cli writes it anew");
  CHECK(core::read_file("docs/reference/cli.md").value() == page);
}
