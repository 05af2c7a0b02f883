#include "stacks/run_directory.hpp"

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/file.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temporary_directory.hpp"

using namespace obsctl::stacks;
using obsctl::core::to_string;
using obsctl::tests::TemporaryDirectory;
namespace fs = std::filesystem;

TEST_CASE("a run directory is private and gone with its owner") {
  const TemporaryDirectory parent;
  fs::path path;
  {
    auto run = RunDirectory::create(parent.path(), "one");
    REQUIRE(run);
    path = run->path();
    CHECK(path == parent / "one");
    struct stat status {};
    REQUIRE(::stat(path.c_str(), &status) == 0);
    CHECK((status.st_mode & 0777U) == 0700U);
    CHECK(living_instances(parent.path()) == std::vector<std::string>{"one"});
    const auto again = RunDirectory::create(parent.path(), "one");
    REQUIRE_FALSE(again);
    CHECK(to_string(again.error()) ==
          "a stack called one is already up\n  hint: obsctl stack status one shows it, obsctl stack down one "
          "ends it, "
          "and --name starts another beside it");
    CHECK(RunDirectory::create(parent.path(), "two"));
  }
  CHECK_FALSE(fs::exists(path));
  CHECK(living_instances(parent.path()).empty());
}

TEST_CASE("what a killed owner left is removed, and nothing else is") {
  const TemporaryDirectory parent;
  REQUIRE(obsctl::core::write_file(parent / "precious" / "file", "kept"));
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  const pid_t owner = ::fork();
  if (owner == 0) {
    const auto run = RunDirectory::create(parent.path(), "dead");
    const char ok = run ? 'y' : 'n';
    [[maybe_unused]] const ssize_t n = ::write(ends[1], &ok, 1);
    while (true) ::pause();
  }
  char ok = 0;
  REQUIRE(::read(ends[0], &ok, 1) == 1);
  CHECK(ok == 'y');
  CHECK(living_instances(parent.path()) == std::vector<std::string>{"dead"});
  CHECK_FALSE(RunDirectory::create(parent.path(), "dead"));
  ::kill(owner, SIGKILL);
  ::waitpid(owner, nullptr, 0);
  ::close(ends[0]);
  ::close(ends[1]);
  SECTION("by the next look") {
    CHECK(fs::exists(parent / "dead"));
    CHECK(living_instances(parent.path()).empty());
  }
  SECTION("by the next stack, also one of the same name") {
    CHECK(RunDirectory::create(parent.path(), "dead"));
  }
  CHECK_FALSE(fs::exists(parent / "dead"));
  CHECK(fs::exists(parent / "precious" / "file"));
}

TEST_CASE("a name that is none is refused") {
  const TemporaryDirectory parent;
  const std::string name = GENERATE("", "../up", "a/b", ".", "a b");
  CHECK(to_string(RunDirectory::create(parent.path(), name).error()) ==
        "\"" + name +
            "\" cannot be the name of a running stack\n  hint: use letters, digits, dashes and underscores");
}
