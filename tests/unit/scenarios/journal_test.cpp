// The journal: what is appended, in which order it is seen, and who is told when.
#include "scenarios/journal.hpp"

#include <atomic>
#include <fstream>
#include <sstream>
#include <thread>

#include "tests/support/catch.hpp"
#include "tests/support/temporary_directory.hpp"

using namespace std::chrono_literals;
using namespace obsctl::scenarios;
using obsctl::core::ManualClock;
using obsctl::core::SteadyTime;
using obsctl::core::SystemClock;
using obsctl::core::WallTime;

namespace {

std::vector<std::string> kinds(const std::vector<Event>& events) {
  std::vector<std::string> names;
  for (const Event& event : events) names.push_back(event.kind);
  return names;
}

std::vector<std::string> lines_of(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines;
}

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("events stay in the order in which they were appended, each with its own time") {
  ManualClock clock;
  const WallTime start = clock.wall_now();
  Journal journal(clock);
  CHECK(journal.start() == start);
  CHECK(journal.size() == 0);
  CHECK(journal.events().empty());

  clock.advance(2s);
  journal.append("first", {{"n", 1}});
  journal.append_at(start + 1s, "earlier");
  clock.advance(1s);
  journal.append("last");

  const std::vector<Event> events = journal.events();
  CHECK(journal.size() == 3);
  CHECK(kinds(events) == Names{"first", "earlier", "last"});
  CHECK(events[0].at == start + 2s);
  CHECK(events[0].fields == Json{{"n", 1}});
  CHECK(events[1].at == start + 1s);  // it was learnt of later than it happened
  CHECK(events[1].fields == Json::object());
  CHECK(events[2].at == start + 3s);
}

TEST_CASE("a field is text or nothing") {
  const Event event{{}, "x", {{"text", "a"}, {"number", 1}, {"none", nullptr}, {"list", {"a"}}}};
  CHECK(event.text("text") == "a");
  CHECK(event.text("number").empty());
  CHECK(event.text("none").empty());
  CHECK(event.text("list").empty());
  CHECK(event.text("absent").empty());
}

TEST_CASE("the first event of a kind is found, if it matches") {
  const std::vector<Event> events{{{}, "a", {{"n", "1"}}}, {{}, "b", {{"n", "2"}}}, {{}, "b", {{"n", "3"}}}};
  CHECK(find_first(events, "b") == &events[1]);
  CHECK(find_first(events, "b", [](const Event& event) { return event.text("n") == "3"; }) == &events[2]);
  CHECK(find_first(events, "b", [](const Event& event) { return event.text("n") == "1"; }) == nullptr);
  CHECK(find_first(events, "c") == nullptr);
}

TEST_CASE(
    "an event as JSON has its time from the start, its time of day, its kind and its fields, in this order") {
  const WallTime start{1'700'000'000s};
  const auto json = [&](obsctl::core::Nanoseconds after, Json fields = Json::object()) {
    return to_json({start + after, "alert.firing", std::move(fields)}, start).dump();
  };
  CHECK(json(0s) == R"({"t_s":0.0,"at":"2023-11-14T22:13:20.000Z","kind":"alert.firing"})");
  CHECK(json(1500ms, {{"z", 1}, {"a", "b"}}) ==
        R"({"t_s":1.5,"at":"2023-11-14T22:13:21.500Z","kind":"alert.firing","z":1,"a":"b"})");
  CHECK(json(-250ms) == R"({"t_s":-0.25,"at":"2023-11-14T22:13:19.750Z","kind":"alert.firing"})");
  // To the microsecond, without what a division leaves behind.
  CHECK(json(1234567890ns) == R"({"t_s":1.234568,"at":"2023-11-14T22:13:21.234Z","kind":"alert.firing"})");
  // A field cannot pretend to be another event.
  CHECK(json(1s, {{"kind", "fault.cleared"}, {"at", "never"}, {"t_s", 7}, {"x", 1}}) ==
        R"({"t_s":1.0,"at":"2023-11-14T22:13:21.000Z","kind":"alert.firing","x":1})");
}

TEST_CASE("listeners are told of every event from then on, in order, before append returns") {
  ManualClock clock;
  Journal journal(clock);
  journal.append("before");
  Names first, second;
  journal.listen([&](const Event& event) { first.push_back(event.kind); });
  journal.append("a");
  CHECK(first == Names{"a"});
  journal.listen(
      [&](const Event& event) { second.push_back(event.kind + " after " + std::to_string(first.size())); });
  journal.append("b");
  journal.append("c");
  CHECK(first == Names{"a", "b", "c"});
  CHECK(second == Names{"b after 2", "c after 3"});  // in the order in which they asked
}

TEST_CASE("the journal's file holds one object a line, each readable as soon as it is appended") {
  const obsctl::tests::TemporaryDirectory directory;
  const auto path = directory.path() / "journal.ndjson";
  ManualClock clock(WallTime(1'700'000'000s));
  Journal journal(clock);
  journal.append("before");
  REQUIRE(journal.write_to(path));
  CHECK(lines_of(path).empty());

  journal.append("run.started", {{"scenario", "x"}});
  CHECK(lines_of(path) ==
        Names{R"({"t_s":0.0,"at":"2023-11-14T22:13:20.000Z","kind":"run.started","scenario":"x"})"});
  clock.advance(1s);
  journal.append("odd", {{"text", "two\nlines, \xff and ü"}});
  CHECK(lines_of(path) ==
        Names{R"({"t_s":0.0,"at":"2023-11-14T22:13:20.000Z","kind":"run.started","scenario":"x"})",
              "{\"t_s\":1.0,\"at\":\"2023-11-14T22:13:21.000Z\",\"kind\":\"odd\",\"text\":"
              "\"two\\nlines, \xEF\xBF\xBD and ü\"}"});
}

TEST_CASE("the journal's file is added to, not replaced") {
  const obsctl::tests::TemporaryDirectory directory;
  const auto path = directory.path() / "journal.ndjson";
  std::ofstream(path) << "{}\n";
  ManualClock clock(WallTime(1'700'000'000s));
  Journal journal(clock);
  REQUIRE(journal.write_to(path));
  journal.append("x");
  CHECK(lines_of(path) == Names{"{}", R"({"t_s":0.0,"at":"2023-11-14T22:13:20.000Z","kind":"x"})"});
}

TEST_CASE("a file that cannot be written is an error, and the journal goes on without") {
  ManualClock clock;
  Journal journal(clock);
  const auto written = journal.write_to("/nowhere/journal.ndjson");
  REQUIRE(!written);
  CHECK(written.error().kind == obsctl::core::ErrorKind::unavailable);
  CHECK(to_string(written.error()) == "cannot write the journal /nowhere/journal.ndjson");
  journal.append("x");
  CHECK(journal.size() == 1);
}

// These wait for real: a deadline far away that must not be reached, or a near one that must.

TEST_CASE("waiting for more ends at once when there is more already") {
  SystemClock clock;
  Journal journal(clock);
  journal.append("x");
  const SteadyTime began = clock.steady_now();
  journal.wait_for_more(0, began + 1h, {});
  CHECK(clock.steady_now() - began < 10s);
}

TEST_CASE("waiting for more ends with the next event") {
  SystemClock clock;
  Journal journal(clock);
  journal.append("seen");
  const SteadyTime began = clock.steady_now();
  std::jthread other([&] { journal.append("news"); });
  journal.wait_for_more(1, began + 1h, {});
  CHECK(journal.size() == 2);
  CHECK(clock.steady_now() - began < 10s);
}

TEST_CASE("waiting for more ends at its deadline") {
  SystemClock clock;
  Journal journal(clock);
  journal.append("seen");
  const SteadyTime deadline = clock.steady_now() + 20ms;
  journal.wait_for_more(1, deadline, {});
  CHECK(clock.steady_now() >= deadline);
  CHECK(journal.size() == 1);
  journal.wait_for_more(1, deadline, {});  // over already
  CHECK(clock.steady_now() < deadline + 10s);
}

TEST_CASE("waiting for more ends when it is stopped, before or while") {
  SystemClock clock;
  Journal journal(clock);
  const SteadyTime began = clock.steady_now();
  std::stop_source source;
  {
    std::jthread other([&] { source.request_stop(); });
    journal.wait_for_more(0, began + 1h, source.get_token());
  }
  journal.wait_for_more(0, began + 1h, source.get_token());
  CHECK(clock.steady_now() - began < 10s);
  CHECK(journal.size() == 0);
}

TEST_CASE("several threads append at once: nothing is lost, and all see one order") {
  constexpr int kThreads = 4;
  constexpr int kEach = 300;
  const obsctl::tests::TemporaryDirectory directory;
  const auto path = directory.path() / "journal.ndjson";
  SystemClock clock;
  Journal journal(clock);
  REQUIRE(journal.write_to(path));
  Names heard;
  journal.listen([&](const Event& event) { heard.push_back(event.kind); });  // one at a time
  std::atomic<bool> reading{true};
  std::jthread reader([&] {
    for (std::size_t seen = 0; reading;) {
      journal.wait_for_more(seen, clock.steady_now() + 10ms, {});
      const std::size_t now = journal.events().size();
      if (now < seen) std::abort();
      seen = now;
    }
  });
  {
    std::vector<std::jthread> writers;
    for (int t = 0; t < kThreads; ++t) {
      writers.emplace_back([&journal, t] {
        for (int i = 0; i < kEach; ++i) journal.append(std::to_string(t) + "." + std::to_string(i));
      });
    }
  }
  reading = false;
  reader.join();

  const Names order = kinds(journal.events());
  REQUIRE(order.size() == kThreads * kEach);
  CHECK(heard == order);
  Names written;
  for (const std::string& line : lines_of(path))
    written.push_back(Json::parse(line)["kind"].get<std::string>());
  CHECK(written == order);
  for (int t = 0; t < kThreads; ++t) {
    int next = 0;
    for (const std::string& kind : order) {
      if (kind == std::to_string(t) + "." + std::to_string(next)) ++next;
    }
    CHECK(next == kEach);  // each thread's own events in its own order
  }
}
