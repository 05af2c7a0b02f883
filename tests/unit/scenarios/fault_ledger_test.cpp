// Records of faults: written before, gone afterwards, found when their owner has died, and good enough for
// another process to mend what they tell of.
#include "scenarios/fault_ledger.hpp"

#include <filesystem>
#include <fstream>

#include <sys/wait.h>
#include <unistd.h>

#include "core/file.hpp"
#include "scenarios/faults/fault_kind.hpp"
#include "tests/support/catch.hpp"

using namespace obsctl;
using namespace obsctl::scenarios;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

class Folder {
 public:
  Folder() : path_(core::make_private_directory(fs::temp_directory_path(), "obsctl-ledger-").value()) {}
  ~Folder() { fs::remove_all(path_); }
  fs::path operator/(const char* name) const { return path_ / name; }

 private:
  fs::path path_;
};

/// A fault that is there while a file is: exec needs no other program than the machine's own.
FaultRecord record(const fs::path& file, const std::string& run = "run-1") {
  FaultRecord result;
  result.run = run;
  result.spec.name = "file";
  result.spec.kind = "exec";
  result.spec.description = "touch " + file.string();
  result.spec.parameters = {{"command", {"touch", file.string()}},
                            {"undo", {"rm", "-f", file.string()}},
                            {"state", {"test", "-e", file.string()}},
                            {"timeout", "5s"}};
  result.undo = "rm -f " + file.string();
  result.since = core::WallTime(1'700'000'000s);
  return result;
}

}  // namespace

TEST_CASE("a record is there until the fault is gone, and says whose it is") {
  const Folder folder;
  FaultLedger ledger(folder / "faults");
  CHECK(ledger.entries().empty());
  auto recorded = ledger.add(record(folder / "x"));
  REQUIRE(recorded);
  const auto entries = ledger.entries();
  REQUIRE(entries.size() == 1);
  CHECK(entries[0].looked_after);
  CHECK(entries[0].record.run == "run-1");
  CHECK(entries[0].record.spec.parameters == record(folder / "x").spec.parameters);
  CHECK(entries[0].record.since == core::WallTime(1'700'000'000s));
  CHECK((fs::status(entries[0].file).permissions() & fs::perms::all) ==
        (fs::perms::owner_read | fs::perms::owner_write));
  recorded->remove();
  CHECK(ledger.entries().empty());
}

TEST_CASE("outages of two receivers, or of two jobs, are two faults") {
  const auto [kind, key] = GENERATE(
      table<std::string, std::string>({{"notification-outage", "receiver"}, {"scrape-outage", "job"}}));
  const Folder folder;
  FaultLedger ledger(folder / "faults");
  FaultRecord one = record(folder / "x");
  one.spec.kind = kind;
  one.spec.parameters = {{key, "a"}};
  const auto first = ledger.add(one);
  REQUIRE(first);
  FaultRecord other = one;
  other.run = "run-2";
  CHECK_FALSE(ledger.add(other));
  other.spec.parameters = {{key, "b"}};
  CHECK(ledger.add(other));
}

TEST_CASE("the same fault is not injected twice") {
  const Folder folder;
  FaultLedger ledger(folder / "faults");
  auto first = ledger.add(record(folder / "x"));
  REQUIRE(first);
  const auto second = ledger.add(record(folder / "x", "run-2"));
  REQUIRE_FALSE(second);
  CHECK(to_string(second.error()) ==
        "touch " + (folder / "x").string() +
            " is in place already, by run run-1\n  hint: wait for that run to end");
  CHECK(ledger.add(record(folder / "y", "run-2")));
  first->remove();
  CHECK(ledger.add(record(folder / "x", "run-3")));
}

TEST_CASE("what a process that was killed has left can be mended by another one") {
  const Folder folder;
  FaultLedger ledger(folder / "faults");
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    auto recorded = ledger.add(record(folder / "x"));
    std::ofstream(folder / "x") << "broken";
    ::kill(::getpid(), SIGKILL);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFSIGNALED(status));
  REQUIRE(fs::exists(folder / "x"));

  const auto entries = ledger.entries();
  REQUIRE(entries.size() == 1);
  CHECK_FALSE(entries[0].looked_after);
  const auto again = ledger.add(record(folder / "x", "run-2"));
  REQUIRE_FALSE(again);
  CHECK(again.error().hint == "obsctl fault clear --run run-1");

  core::SystemClock clock;
  CHECK(ledger.clear(entries[0], clock, {}));
  CHECK_FALSE(fs::exists(folder / "x"));
  CHECK(ledger.entries().empty());
}

TEST_CASE("a fault that cannot be mended keeps its record, unless it has ended by itself") {
  const Folder folder;
  FaultLedger ledger(folder / "faults");
  FaultRecord stubborn = record(folder / "x");
  stubborn.spec.parameters["undo"] = {"false"};
  stubborn.spec.max_duration = 1min;
  SECTION("it stays") {}
  SECTION("it has a TTL, which is over") {
    stubborn.has_ttl = true;
  }
  { const auto recorded = ledger.add(stubborn); }
  core::ManualClock clock(core::WallTime(1'700'000'100s));
  const auto entries = ledger.entries();
  REQUIRE(entries.size() == 1);
  const auto cleared = ledger.clear(entries[0], clock, {});
  CHECK(cleared.has_value() == stubborn.has_ttl);
  if (!cleared) CHECK(to_line(cleared.error()) == "false exited with code 1");
  CHECK(ledger.entries().size() == (stubborn.has_ttl ? 0u : 1u));
}

TEST_CASE("files that are no records are left alone") {
  const Folder folder;
  fs::create_directories(folder / "faults");
  std::ofstream(folder / "faults/a.json") << "{\"schema\": 99}";
  std::ofstream(folder / "faults/b.json") << "not JSON";
  std::ofstream(folder / "faults/c.json.new") << "{}";
  CHECK(FaultLedger(folder / "faults").entries().empty());
  CHECK(fs::exists(folder / "faults/a.json"));
}
