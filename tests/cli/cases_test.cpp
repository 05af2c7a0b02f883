// Tests of the command line as data: every tests/cli/*.toml holds cases of arguments, exit code and both
// streams.
//
//   [[case]]
//   name = "an unknown command is a usage error"
//   args = ["sceanrio"]            # what follows "obsctl"
//   exit = 2                       # 0 when it is left out
//   stdout = ""                    # the whole stream, where * stands for anything; empty when it is left out
//   stderr = "obsctl: *\n"
//   stdin = "…"                    # also: files = { "a.toml" = "…" }, written where the command runs,
//   env = { NO_COLOR = "1" }       # and env, all that it sees besides PATH, HOME and TMPDIR
#include <algorithm>
#include <filesystem>

#include "core/file.hpp"
#include "core/text.hpp"
#include "core/toml_reader.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/run_program.hpp"
#include "tests/support/temporary_directory.hpp"

using namespace obsctl;
namespace fs = std::filesystem;

namespace {

struct Case {
  std::string name;
  tests::ProgramRun run;
  std::map<std::string, std::string> files;
  int exit = 0;
  std::string standard_output;
  std::string standard_error;
};

Case read_case(core::TomlTable table) {
  Case one;
  one.name = table.required_string("name");
  one.run.program = OBSCTL_TEST_BINARY;
  one.run.args = table.strings("args");
  one.run.environment = table.string_map("env");
  one.run.standard_input = table.string("stdin").value_or("");
  one.files = table.string_map("files");
  one.exit = static_cast<int>(table.integer("exit").value_or(0));
  one.standard_output = table.string("stdout").value_or("");
  one.standard_error = table.string("stderr").value_or("");
  table.finish();
  return one;
}

std::vector<Case> read_cases(const fs::path& path) {
  auto file = core::TomlFile::parse(core::read_file(path).value(), path.string()).value();
  std::vector<Case> cases;
  core::TomlTable root = file.root();
  for (const core::TomlTable& table : root.tables("case")) cases.push_back(read_case(table));
  root.finish();
  for (const core::Error& error : file.errors()) FAIL_CHECK(to_string(error));
  return cases;
}

std::vector<fs::path> case_files() {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator("tests/cli")) {
    if (entry.path().extension() == ".toml") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

/// Fails with the pattern and the text where they differ; the first differing line says where to look.
void check_stream(std::string_view stream, const std::string& pattern, const std::string& text) {
  if (core::glob_matches(pattern, text)) return;
  FAIL_CHECK(stream << " differs\n-- wanted\n" << pattern << "\n-- got\n" << text << "\n--");
}

void check_case(const Case& one) {
  const tests::TemporaryDirectory folder;
  for (const auto& [name, content] : one.files) core::write_file(folder / name, content).value();
  tests::ProgramRun run = one.run;
  run.folder = folder.path();
  const tests::ProgramOutput output = run_program(run);
  CHECK(output.status.signal == 0);
  CHECK(output.status.code == one.exit);
  check_stream("standard output", one.standard_output, output.standard_output);
  check_stream("standard error", one.standard_error, output.standard_error);
}

}  // namespace

TEST_CASE("the command line does what its cases say") {
  const fs::path file = GENERATE(from_range(case_files()));
  for (const Case& one : read_cases(file)) {
    DYNAMIC_SECTION(file.filename().string() << ": " << one.name) {
      check_case(one);
    }
  }
}
