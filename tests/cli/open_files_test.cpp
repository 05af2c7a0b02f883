// Where only a few files may be open, load takes as many connections as there may be, unless more were asked
// for.
#include "tests/support/catch.hpp"
#include "tests/support/run_program.hpp"
#include "tests/support/temporary_directory.hpp"

using namespace obsctl;

namespace {

/// With a limit of 300 open files. Nobody listens there: it is about what is said before that.
tests::ProgramOutput load_run(const std::vector<std::string>& more) {
  const tests::TemporaryDirectory folder;
  std::vector<std::string> args{"-c",
                                "ulimit -n 300; exec \"$@\"",
                                "sh",
                                OBSCTL_TEST_BINARY,
                                "load",
                                "run",
                                "http://127.0.0.1:1/",
                                "--duration",
                                "100ms"};
  args.insert(args.end(), more.begin(), more.end());
  return tests::run_program({.program = "/bin/sh", .args = std::move(args), .folder = folder.path()});
}

}  // namespace

TEST_CASE("load opens no more connections than files may be open") {
  const auto few = load_run({});
  CHECK(few.standard_error.find("at most 172 connections are opened: the limit of open files is 300") !=
        std::string::npos);
  CHECK(few.standard_error.find("need more open files") == std::string::npos);

  const auto many = load_run({"--max-connections", "500"});
  CHECK(many.status.code == 5);
  CHECK(many.standard_error ==
        "obsctl: 500 connections need more open files than the limit of 300\n"
        "  hint: raise it with ulimit -n, or use fewer connections\n");
}
