// How toggles that are on together combine, for a program that does not know its routes beforehand: what a
// proxy offers.
#include <nlohmann/json.hpp>

#include "stacks/services/toggle_board.hpp"
#include "tests/support/catch.hpp"

using namespace std::chrono_literals;
using namespace obsctl::stacks;
using nlohmann::json;
using obsctl::core::ManualClock;

namespace {

const ToggleKinds& kinds() {
  using enum ToggleKind::Affects;
  static const ToggleKinds all{
      {"error-rate", requests, &read_error_rate},
      {"latency", requests, &read_latency},
      {"hang", requests, &read_hang},
      {"reset", requests, &read_reset},
      {"abort", requests, &read_abort},
      {"blackhole", requests, &read_blackhole},
      {"bandwidth", requests, &read_bandwidth},
      {"truncate", requests, &read_truncate},
  };
  return all;
}

struct Bench {
  ManualClock clock;
  std::vector<std::size_t> changes;
  ToggleBoard board{kinds(), {.changed = [this](std::size_t kind) { changes.push_back(kind); }}, clock};

  std::vector<FieldError> set(std::string_view name, const json& body) {
    return board.set(board.find(name).value(), body);
  }
  std::string state(std::string_view name) const { return board.state(board.find(name).value()).dump(); }
};

const std::vector<FieldError> kAccepted;

}  // namespace

TEST_CASE("of the endings that toggles ask for the hardest wins, in whatever order they were set") {
  // Each is harder than those before it.
  const std::vector<std::pair<std::string, Ending>> endings{{"error-rate", Ending::status},
                                                            {"abort", Ending::abort},
                                                            {"reset", Ending::reset},
                                                            {"hang", Ending::hang},
                                                            {"blackhole", Ending::blackhole}};
  const auto milder = GENERATE(range(0, 5));
  const auto harder = GENERATE(range(0, 5));
  if (milder >= harder) return;
  const bool milder_first = GENERATE(true, false);
  const auto& [mild, mild_ending] = endings[static_cast<std::size_t>(milder)];
  const auto& [hard, hard_ending] = endings[static_cast<std::size_t>(harder)];
  CAPTURE(mild, hard, milder_first);
  Bench bench;
  REQUIRE(bench.set(milder_first ? mild : hard, {{"rate", 1}}) == kAccepted);
  REQUIRE(bench.set(milder_first ? hard : mild, {{"rate", 1}}) == kAccepted);
  const FaultPlan both = bench.board.plan("/x");
  CHECK(both.ending == hard_ending);
  CHECK(kinds()[both.decided_by].name == hard);
  CHECK(names_of(kinds(), both.kinds).find(mild) != std::string::npos);
  CHECK(names_of(kinds(), both.kinds).find(hard) != std::string::npos);
  bench.board.clear(bench.board.find(hard).value());
  CHECK(bench.board.plan("/x").ending == mild_ending);
}

TEST_CASE("delays and the limits of a body leave the ending as it is") {
  Bench bench;
  REQUIRE(bench.set("latency", {{"delay", "20ms"}}) == kAccepted);
  REQUIRE(bench.set("bandwidth", {{"bytes_per_second", 1000}}) == kAccepted);
  REQUIRE(bench.set("truncate", {{"after_bytes", 0}}) == kAccepted);
  FaultPlan plan = bench.board.plan("/x");
  CHECK(plan.delay == 20ms);
  CHECK(plan.ending == Ending::answer);
  CHECK(plan.bytes_per_second == 1000);
  CHECK(plan.truncate_after == 0);
  REQUIRE(bench.set("error-rate", {{"rate", 1}, {"status", 502}}) == kAccepted);
  plan = bench.board.plan("/x");
  CHECK(plan.delay == 20ms);
  CHECK(plan.ending == Ending::status);
  CHECK(plan.status == 502);
  CHECK(plan.truncate_after == 0);
}

TEST_CASE("the tightest limit of a body and the first status hold") {
  FaultPlan plan;
  plan.limit_rate(500);
  plan.limit_rate(1000);
  CHECK(plan.bytes_per_second == 500);
  plan.limit_body(0);
  plan.limit_body(7);
  CHECK(plan.truncate_after == 0);
  plan.answer_with(503, "first");
  plan.answer_with(429, "second");
  CHECK(plan.status == 503);
  CHECK(plan.reason == "first");
  plan.end_with(Ending::hang);
  plan.end_with(Ending::abort);
  CHECK(plan.ending == Ending::hang);
}

TEST_CASE("where routes are not known beforehand, patterns are matched with paths") {
  Bench bench;
  REQUIRE(bench.set("error-rate", {{"rate", 1}, {"routes", {"/api/*", "/login"}}}) == kAccepted);
  CHECK(bench.board.plan("/api/").status == 500);
  CHECK(bench.board.plan("/api/v2/orders").status == 500);
  CHECK(bench.board.plan("/login").status == 500);
  CHECK(bench.board.plan("/api").status == 0);
  CHECK(bench.board.plan("/login/again").status == 0);
  CHECK(bench.board.statuses(0, "/login") == std::vector{500});
  CHECK(bench.board.statuses(0, "/other").empty());
  CHECK(
      bench.state("error-rate") ==
      R"({"name":"error-rate","active":true,"status":500,"rate":1.0,"routes":["/api/*","/login"],"ttl":"5m",)"
      R"("set_at":"2023-11-14T22:13:20.000Z","expires_at":"2023-11-14T22:18:20.000Z","affected":3})");
  REQUIRE(bench.set("reset", json::object()) == kAccepted);
  CHECK(bench.board.plan("/anything").ending == Ending::reset);
  CHECK(bench.board.plan("").ending == Ending::reset);  // a connection without requests
  CHECK(bench.set("reset", {{"routes", {"api/*"}}}) ==
        std::vector<FieldError>{{"#/routes", "\"api/*\" matches no path: paths begin with /"}});
}

TEST_CASE("a fraction is exact for each pattern by itself") {
  Bench bench;
  REQUIRE(bench.set("abort", {{"rate", 0.25}, {"routes", {"/a/*", "*"}}}) == kAccepted);
  int hits_a = 0;
  int hits_rest = 0;
  for (int i = 0; i < 128 * 40; ++i) {
    if (bench.board.plan("/a/" + std::to_string(i)).ending == Ending::abort) ++hits_a;
    if (bench.board.plan("/b/" + std::to_string(i)).ending == Ending::abort) ++hits_rest;
  }
  CHECK(std::abs(hits_a - 32 * 40) <= 1);
  CHECK(std::abs(hits_rest - 32 * 40) <= 1);
}

TEST_CASE("whoever keeps requests waiting is told when a toggle changes or goes off") {
  Bench bench;
  const std::size_t hang = bench.board.find("hang").value();
  CHECK(bench.board.left(hang) == 0s);
  REQUIRE(bench.set("hang", {{"ttl", "10s"}}) == kAccepted);
  CHECK(bench.board.on(hang));
  bench.clock.advance(4s);
  CHECK(bench.board.left(hang) == 6s);
  CHECK(bench.board.expire().empty());
  REQUIRE(bench.set("hang", {{"ttl", "1s"}}) == kAccepted);
  CHECK(bench.set("hang", {{"rate", 2}}).size() == 1);
  bench.clock.advance(1s);
  CHECK(bench.board.left(hang) == 0s);
  CHECK(bench.board.expire().size() == 1);
  CHECK_FALSE(bench.board.on(hang));
  CHECK_FALSE(bench.board.clear(hang));
  CHECK(bench.changes == std::vector{hang, hang, hang});
}
