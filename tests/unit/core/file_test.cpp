#include "core/file.hpp"

#include <cstdlib>
#include <set>
#include <thread>

#include "tests/support/catch.hpp"
#include "tests/support/temporary_directory.hpp"

using obsctl::core::ErrorKind;
using obsctl::core::make_private_directory;
using obsctl::core::new_run_id;
using obsctl::core::read_file;
using obsctl::core::state_directory;
using obsctl::core::write_file;
using obsctl::tests::TemporaryDirectory;

namespace fs = std::filesystem;

namespace {

std::size_t entries_in(const fs::path& folder) {
  return static_cast<std::size_t>(std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
}

/// Sets an environment variable (or, given null, removes it) until the end of the test.
class ScopedVariable {
 public:
  ScopedVariable(const char* name, const char* value) : name_(name) {
    if (const char* old = std::getenv(name)) {
      old_ = old;
      had_one_ = true;
    }
    if (value != nullptr) {
      ::setenv(name, value, 1);
    } else {
      ::unsetenv(name);
    }
  }
  ~ScopedVariable() {
    if (had_one_) {
      ::setenv(name_, old_.c_str(), 1);
    } else {
      ::unsetenv(name_);
    }
  }
  ScopedVariable(const ScopedVariable&) = delete;
  ScopedVariable& operator=(const ScopedVariable&) = delete;

 private:
  const char* name_;
  std::string old_;
  bool had_one_ = false;
};

}  // namespace

TEST_CASE("what is written is what is read") {
  const TemporaryDirectory folder;
  const std::string content = GENERATE(std::string(), std::string("text\n"), std::string("a\0b\r\n\xff", 6),
                                       std::string(3'000'000, 'x'));
  REQUIRE(write_file(folder / "file", content));
  const auto back = read_file(folder / "file");
  REQUIRE(back);
  CHECK(*back == content);
  CHECK(entries_in(folder.path()) == 1);
}

TEST_CASE("writing makes the folders that are missing and sets the mode") {
  const TemporaryDirectory folder;
  REQUIRE(write_file(folder / "a/b/secret", "s", 0600));
  CHECK(fs::status(folder / "a/b/secret").permissions() == fs::perms(0600));
  REQUIRE(write_file(folder / "a/b/secret", "s"));
  CHECK(fs::status(folder / "a/b/secret").permissions() == fs::perms(0644));
}

TEST_CASE("a reader sees the old file or the new one, never half of one") {
  const TemporaryDirectory folder;
  const fs::path path = folder / "file";
  const std::string old_content(200'000, 'o');
  const std::string new_content(300'000, 'n');
  REQUIRE(write_file(path, old_content));
  std::jthread writer([&](const std::stop_token& stop) {
    for (int i = 0; i < 2000 && !stop.stop_requested(); ++i) {
      if (!write_file(path, i % 2 == 0 ? new_content : old_content)) std::abort();
    }
  });
  std::set<std::size_t> sizes;
  for (int i = 0; i < 150; ++i) {
    const auto seen = read_file(path);
    REQUIRE(seen);
    REQUIRE((*seen == old_content || *seen == new_content));
    sizes.insert(seen->size());
  }
  CHECK_FALSE(sizes.empty());
}

TEST_CASE("a write that fails names the path and leaves nothing behind") {
  const TemporaryDirectory folder;
  SECTION("onto a folder") {
    fs::create_directory(folder / "folder");
    const auto result = write_file(folder / "folder", "text");
    REQUIRE_FALSE(result);
    CHECK(result.error().kind == ErrorKind::unavailable);
    CHECK(result.error().message == "cannot write " + (folder / "folder").string() + ": Is a directory");
    CHECK(entries_in(folder.path()) == 1);
  }
  SECTION("below a file") {
    REQUIRE(write_file(folder / "file", "text"));
    const auto result = write_file(folder / "file/below", "text");
    REQUIRE_FALSE(result);
    CHECK(result.error().kind == ErrorKind::unavailable);
    CHECK(result.error().message ==
          "cannot make the folder of " + (folder / "file/below").string() + ": Not a directory");
  }
}

TEST_CASE("a file that cannot be read is an error that names it") {
  const TemporaryDirectory folder;
  const auto missing = read_file(folder / "missing");
  REQUIRE_FALSE(missing);
  CHECK(missing.error().kind == ErrorKind::not_found);
  CHECK(missing.error().message ==
        "cannot read " + (folder / "missing").string() + ": No such file or directory");

  const auto directory = read_file(folder.path());
  REQUIRE_FALSE(directory);
  CHECK(directory.error().kind == ErrorKind::unavailable);
  CHECK(directory.error().message == "cannot read " + folder.path().string() + ": Is a directory");
}

TEST_CASE("a private folder is new, private, and below its parent") {
  const TemporaryDirectory folder;
  const auto first = make_private_directory(folder / "runs", "run-");
  const auto second = make_private_directory(folder / "runs", "run-");
  REQUIRE(first);
  REQUIRE(second);
  CHECK(*first != *second);
  CHECK(first->parent_path() == folder / "runs");
  CHECK(first->filename().string().substr(0, 4) == "run-");
  CHECK(fs::status(*first).permissions() == fs::perms(0700));
}

TEST_CASE("the state folder follows XDG, then HOME") {
  SECTION("XDG_STATE_HOME first") {
    const ScopedVariable state("XDG_STATE_HOME", "/x/state");
    CHECK(state_directory() == "/x/state/obsctl");
  }
  SECTION("then HOME, also when XDG_STATE_HOME is empty") {
    const ScopedVariable state("XDG_STATE_HOME", "");
    const ScopedVariable home("HOME", "/h");
    CHECK(state_directory() == "/h/.local/state/obsctl");
  }
  SECTION("else a folder of the user's own in /tmp") {
    const ScopedVariable state("XDG_STATE_HOME", nullptr);
    const ScopedVariable home("HOME", nullptr);
    CHECK(state_directory().string().rfind("/tmp/obsctl-", 0) == 0);
  }
}

TEST_CASE("run ids are ULIDs: distinct, and sorted by the time they were made") {
  std::set<std::string> ids;
  for (int i = 0; i < 1000; ++i) ids.insert(new_run_id());
  CHECK(ids.size() == 1000);
  for (const std::string& id : ids) {
    REQUIRE(id.size() == 26);
    REQUIRE(id.find_first_not_of("0123456789ABCDEFGHJKMNPQRSTVWXYZ") == std::string::npos);
  }
  const std::string earlier = new_run_id();
  std::string later = new_run_id();
  while (later.substr(0, 10) == earlier.substr(0, 10)) later = new_run_id();
  CHECK(earlier < later);
}
