// Records of faults: written before, gone afterwards, found when their owner has died, and good enough for
// another process to mend what they tell of.
#include "scenarios/fault_ledger.hpp"

#include <atomic>
#include <filesystem>
#include <fstream>
#include <optional>
#include <thread>

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

TEST_CASE("a fault that cannot be mended keeps its record") {
  const Folder folder;
  FaultLedger ledger(folder / "faults");
  FaultRecord stubborn = record(folder / "x");
  stubborn.spec.parameters["undo"] = {"false"};
  { const auto recorded = ledger.add(stubborn); }
  core::ManualClock clock(core::WallTime(1'700'000'100s));
  const auto entries = ledger.entries();
  REQUIRE(entries.size() == 1);
  const auto cleared = ledger.clear(entries[0], clock, {});
  REQUIRE_FALSE(cleared);
  CHECK(to_line(cleared.error()) == "false exited with code 1");
  CHECK(ledger.entries().size() == 1);
}

TEST_CASE(
    "an undo that succeeds and changes nothing keeps the record until the target says that it is gone") {
  const Folder folder;
  FaultLedger ledger(folder / "faults");
  FaultRecord idle = record(folder / "x");
  idle.spec.parameters["undo"] = {"true"};
  { const auto recorded = ledger.add(idle); }
  std::ofstream(folder / "x") << "broken";
  core::ManualClock clock(core::WallTime(1'700'000'100s));
  const auto entries = ledger.entries();
  REQUIRE(entries.size() == 1);
  const auto cleared = ledger.clear(entries[0], clock, {});
  REQUIRE_FALSE(cleared);
  CHECK(cleared.error().message == "test -e " + (folder / "x").string() + " exited with code 0");
  CHECK(ledger.entries().size() == 1);
  fs::remove(folder / "x");
  CHECK(ledger.clear(entries[0], clock, {}));
  CHECK(ledger.entries().empty());
}

TEST_CASE("what is there after a fault's TTL is somebody else's, and is left alone") {
  const Folder folder;
  FaultLedger ledger(folder / "faults");
  FaultRecord over = record(folder / "x");
  over.has_ttl = true;
  over.spec.max_duration = 1min;
  { const auto recorded = ledger.add(over); }
  core::ManualClock clock(core::WallTime(1'700'000'100s));
  const auto entries = ledger.entries();
  REQUIRE(entries.size() == 1);

  SECTION("it is not there: the record goes") {
    CHECK(ledger.clear(entries[0], clock, {}));
    CHECK(ledger.entries().empty());
  }
  SECTION("it is there: the record stays, and so does what is there") {
    std::ofstream(folder / "x") << "broken";
    const auto cleared = ledger.clear(entries[0], clock, {});
    REQUIRE_FALSE(cleared);
    CHECK(cleared.error().kind == core::ErrorKind::conflict);
    CHECK(cleared.error().message == "its time was over at 2023-11-14T22:14:20.000Z, and yet: test -e " +
                                         (folder / "x").string() + " exited with code 0");
    CHECK(fs::exists(folder / "x"));
    CHECK(ledger.entries().size() == 1);
  }
  SECTION("somebody else has it on record: the old record makes room, and clears nothing") {
    FaultRecord fresh = record(folder / "x", "run-2");
    fresh.since = core::WallTime(1'700'000'090s);
    std::ofstream(folder / "x") << "broken";
    const auto recorded = ledger.add(fresh);
    REQUIRE(recorded);
    REQUIRE(ledger.entries().size() == 1);
    CHECK(ledger.entries()[0].record.run == "run-2");
    CHECK(ledger.clear(entries[0], clock, {}));
    CHECK(fs::exists(folder / "x"));
  }
}

TEST_CASE("a record that somebody looks after is cleared by nobody else, however often it is looked at") {
  const Folder folder;
  FaultLedger ledger(folder / "faults");
  std::ofstream(folder / "x") << "broken";
  const auto recorded = ledger.add(record(folder / "x"));
  REQUIRE(recorded);
  core::SystemClock clock;
  CHECK(ledger.entries()[0].looked_after);
  const auto cleared = ledger.clear(ledger.entries()[0], clock, {});
  REQUIRE_FALSE(cleared);
  CHECK(cleared.error().message == "another obsctl is looking after it");
  CHECK(fs::exists(folder / "x"));
}

TEST_CASE("of many that add the same fault at once one succeeds") {
  const Folder folder;
  FaultLedger ledger(folder / "faults");
  std::atomic<int> added = 0;
  std::vector<std::thread> threads;
  std::vector<std::optional<RecordedFault>> kept(8);
  for (std::size_t i = 0; i < kept.size(); ++i) {
    threads.emplace_back([&, i] {
      auto recorded = ledger.add(record(folder / "x", "run-" + std::to_string(i)));
      if (!recorded) return;
      kept[i].emplace(std::move(*recorded));
      ++added;
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(added == 1);
}

TEST_CASE("files that are no records of ours are left alone, and named") {
  const Folder folder;
  FaultLedger ledger(folder / "faults");
  { const auto recorded = ledger.add(record(folder / "x")); }
  const fs::path whole = ledger.entries().at(0).file;
  Json json = Json::parse(core::read_file(whole).value());
  fs::remove(whole);
  const auto write = [&](const char* name, const std::string& text) {
    REQUIRE(core::write_file(folder / "faults" / name, text, 0600));
  };
  write("a.json", "not JSON");
  write("b.json.new", "{}");
  json["schema"] = 99;
  write("c.json", json.dump());
  json["schema"] = "1";
  write("d.json", json.dump());
  json["schema"] = 1;
  json["since"] = nullptr;
  write("e.json", json.dump());
  CHECK(ledger.entries().empty());
  CHECK(ledger.unreadable().size() == 4);
  CHECK(fs::exists(folder / "faults/a.json"));
}

TEST_CASE("a record or a folder that others can write to is not believed") {
  const Folder folder;
  FaultLedger ledger(folder / "faults");
  { const auto recorded = ledger.add(record(folder / "x")); }
  REQUIRE(ledger.entries().size() == 1);
  const fs::path file = ledger.entries()[0].file;
  CHECK((fs::status(folder / "faults").permissions() & fs::perms::mask) == fs::perms::owner_all);
  fs::permissions(file, fs::perms::others_write, fs::perm_options::add);
  CHECK(ledger.entries().empty());
  CHECK(ledger.unreadable() == std::vector{file});
  fs::permissions(folder / "faults", fs::perms::others_write, fs::perm_options::add);
  CHECK(ledger.unreadable() == std::vector{folder / "faults"});
  const auto refused = ledger.add(record(folder / "y"));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message ==
        (folder / "faults").string() + " is not a folder that only you can write to");
}

TEST_CASE(
    "a record whose parameters are strange is an error when it is cleared, not the end of the program") {
  const Json strange = GENERATE(Json{{"undo", Json::array()}}, Json{{"undo", 7}}, Json::object());
  const Folder folder;
  FaultLedger ledger(folder / "faults");
  FaultRecord one = record(folder / "x");
  one.spec.parameters = strange;
  { const auto recorded = ledger.add(one); }
  core::ManualClock clock(core::WallTime(1'700'000'100s));
  REQUIRE(ledger.entries().size() == 1);
  CHECK_FALSE(ledger.clear(ledger.entries()[0], clock, {}));
  CHECK(ledger.entries().size() == 1);
}
