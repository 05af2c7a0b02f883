// What the toggles that hurt the process itself do to it, and that they stop: these measure the running test.
#include <atomic>
#include <fstream>
#include <thread>

#include <nlohmann/json.hpp>
#include <sys/resource.h>

#include "stacks/services/toggle_board.hpp"
#include "tests/support/catch.hpp"

using namespace std::chrono_literals;
using namespace obsctl::stacks;
using nlohmann::json;
using obsctl::core::ManualClock;
using obsctl::core::Nanoseconds;

namespace {

struct Bench {
  ManualClock clock;
  std::atomic<int> lines{0};
  ToggleBoard board{service_toggle_kinds(), {.log_line = [this](std::string_view) { ++lines; }}, clock};

  void set(std::string_view name, const json& body) {
    REQUIRE(board.set(board.find(name).value(), body) == std::vector<FieldError>{});
  }
  bool clear(std::string_view name) { return board.clear(board.find(name).value()); }
};

/// ThreadSanitizer keeps as much again, and more, for each byte that is written.
#ifdef __SANITIZE_THREAD__
constexpr double kShadow = 3;
#else
constexpr double kShadow = 1;
#endif

/// The field of /proc/self/status, in MiB.
double resident() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    double kib = 0;
    if (word == "VmRSS:" && status >> kib) return kib / 1024;
  }
  return -1;
}

Nanoseconds cpu_time() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto of = [](const timeval& time) {
    return std::chrono::seconds(time.tv_sec) + std::chrono::microseconds(time.tv_usec);
  };
  return of(usage.ru_utime) + of(usage.ru_stime);
}

template <class Condition>
bool comes_true(Condition condition) {
  const auto deadline = std::chrono::steady_clock::now() + 30s;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(5ms);
  }
  return true;
}

}  // namespace

TEST_CASE("a memory leak grows to its ceiling, and is given back when it goes off") {
  Bench bench;
  const double before = resident();
  SECTION("because it is cleared") {
    bench.set("memory-leak", {{"bytes_per_second", 1 << 30}, {"ceiling_bytes", 64 << 20}});
    CHECK(comes_true([&] { return resident() > before + 60; }));
    std::this_thread::sleep_for(100ms);  // time to leak on, if it did
    CHECK(resident() < before + 80 * kShadow);
    CHECK(bench.clear("memory-leak"));
    CHECK(resident() < before + 16);
  }
  SECTION("by its TTL, though nobody asks") {
    bench.set("memory-leak", {{"bytes_per_second", 1 << 30}, {"ceiling_bytes", 64 << 20}, {"ttl", "2s"}});
    CHECK(comes_true([&] { return resident() > before + 60; }));
    CHECK(comes_true([&] { return resident() < before + 16; }));
  }
}

TEST_CASE("a CPU burn takes no more than its fraction of a core, and stops at once") {
  Bench bench;
  const auto start = std::chrono::steady_clock::now();
  const Nanoseconds before = cpu_time();
  bench.set("cpu-burn", {{"cores", 0.5}});
  // However long a busy machine takes to grant it; never faster than was asked for.
  CHECK(comes_true([&] { return cpu_time() - before > 300ms; }));
  const Nanoseconds burnt = cpu_time() - before;
  const Nanoseconds elapsed = std::chrono::steady_clock::now() - start;
  CHECK(burnt < elapsed / 2 + 60ms);
  CHECK(bench.clear("cpu-burn"));
  const Nanoseconds after = cpu_time();
  std::this_thread::sleep_for(200ms);
  CHECK(cpu_time() - after < 50ms);
}

TEST_CASE("a log burst writes at its rate, and stops at once") {
  Bench bench;
  const auto start = std::chrono::steady_clock::now();
  bench.set("log-burst", {{"lines_per_second", 2000}});
  CHECK(comes_true([&] { return bench.lines >= 500; }));
  const int so_far = bench.lines;
  const Nanoseconds elapsed = std::chrono::steady_clock::now() - start;
  CHECK(so_far <= obsctl::core::to_seconds(elapsed) * 2000);
  CHECK(bench.clear("log-burst"));
  const int written = bench.lines;
  std::this_thread::sleep_for(50ms);
  CHECK(bench.lines == written);
}

TEST_CASE("their fields have bounds") {
  struct Case {
    const char* toggle;
    const char* body;
    FieldError error;
  };
  const auto one = GENERATE(values<Case>({
      {"memory-leak", "{}", {"#/bytes_per_second", "is missing"}},
      {"memory-leak",
       R"({"bytes_per_second":1,"ceiling_bytes":2000000000})",
       {"#/ceiling_bytes", "must be a whole number from 1 to 1073741824"}},
      {"cpu-burn", R"({"cores":1.5})", {"#/cores", "must be a number from 0.01 to 1"}},
      {"log-burst",
       R"({"lines_per_second":100001})",
       {"#/lines_per_second", "must be a whole number from 1 to 100000"}},
      {"log-burst",
       R"({"lines_per_second":1,"level":"fatal"})",
       {"#/level", "must be one of info, warn, error"}},
  }));
  CAPTURE(one.toggle, one.body);
  Bench bench;
  CHECK(bench.board.set(bench.board.find(one.toggle).value(), json::parse(one.body)) ==
        std::vector<FieldError>{one.error});
  CHECK(bench.board.quiet());
}
