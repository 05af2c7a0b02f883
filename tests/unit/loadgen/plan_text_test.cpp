// Parts of a plan in the notation of the command line and of scenarios.
#include "loadgen/plan_text.hpp"

#include "tests/support/catch.hpp"

using namespace std::chrono_literals;
using namespace obsctl::loadgen;
using obsctl::core::Rate;

TEST_CASE("a stage ramps, or steps with a = before it") {
  const auto ramp = parse_stage("500/s:30s");
  REQUIRE(ramp);
  CHECK(ramp->rate == Rate{500, 1s});
  CHECK(ramp->duration == 30s);
  CHECK_FALSE(ramp->hold);
  const auto step = parse_stage("=90/m:250ms");
  REQUIRE(step);
  CHECK(step->rate == Rate{90, 1min});
  CHECK(step->duration == 250ms);
  CHECK(step->hold);
}

TEST_CASE("what is not a stage says what is wrong with it") {
  const auto [text, message] = GENERATE(table<std::string, std::string>({
      {"", "\"\" has no duration"},
      {"500/s", "\"500/s\" has no duration"},
      {"30s:500/s", "\"30s:500/s\" has its duration first"},
      {"500/s:", "\"\" is not a duration: it is empty"},
      {"x:1s", "\"x\" is not a rate: a number was expected before the /"},
  }));
  const auto stage = parse_stage(text);
  REQUIRE_FALSE(stage);
  CHECK(stage.error().message == message);
}

TEST_CASE("a sine has an amplitude and a period") {
  const auto sine = parse_sine("50/s:1m");
  REQUIRE(sine);
  CHECK(sine->amplitude == Rate{50, 1s});
  CHECK(sine->period == 1min);
  CHECK(parse_sine("50/s").error().message == "\"50/s\" has no period");
}

TEST_CASE("overload is one of three policies") {
  LoadPlan plan;
  CHECK(parse_overload("drop", plan));
  CHECK(plan.overload == Overload::drop);
  CHECK(parse_overload("shed-after=500ms", plan));
  CHECK(plan.overload == Overload::shed_after);
  CHECK(plan.shed_after == 500ms);
  CHECK(parse_overload("queue", plan));
  CHECK(plan.overload == Overload::queue);
  CHECK(parse_overload("shed", plan).error().message == "\"shed\" is not a policy");
  CHECK(parse_overload("shed-after=", plan).error().message == "\"\" is not a duration: it is empty");
}

TEST_CASE("a header is a name and a value, and a wanted one may be the name alone") {
  const auto header = parse_header(" X-A :  b: c ");
  REQUIRE(header);
  CHECK(header->name == "X-A");
  CHECK(header->value == "b: c");
  CHECK(parse_header("X-A").error().message == "\"X-A\" is not a header");
  CHECK(parse_header(": b").error().message == "\": b\" is not a header");
  CHECK(parse_expected_header("X-A")->value.empty());
  CHECK(parse_expected_header("X-A: b")->value == "b");
  CHECK(parse_expected_header(" ").error().message == "\" \" names no header");
}

TEST_CASE("a wanted JSON value is a pointer, and what stands there") {
  CHECK(parse_expected_json("/a/0")->pointer == "/a/0");
  CHECK_FALSE(parse_expected_json("/a/0")->equals);
  CHECK(parse_expected_json("/a=")->equals == "");
  CHECK(parse_expected_json("/a=b=c")->equals == "b=c");
  CHECK(parse_expected_json("=1")->pointer.empty());
  const std::string bad = GENERATE("a", "/a~", "/a~2b");
  CHECK(parse_expected_json(bad).error().message == "\"" + bad + "\" is not a JSON pointer");
}

TEST_CASE("a wanted size is exact, or a range open at one end") {
  const auto [text, least, most] = GENERATE(table<std::string, int, int>({
      {"100", 100, 100},
      {"100..", 100, -1},
      {"..2000", -1, 2000},
      {"100..2000", 100, 2000},
  }));
  Checks checks;
  REQUIRE(parse_expected_size(text, checks));
  CHECK(checks.min_body == least);
  CHECK(checks.max_body == most);
  const std::string bad = GENERATE("", "-1", "1.5", "a..2", "1..b");
  CHECK(parse_expected_size(bad, checks).error().message == "\"" + bad + "\" is not a size");
}
