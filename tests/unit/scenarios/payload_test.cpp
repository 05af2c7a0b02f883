// Checks of what a notification says.
#include "scenarios/payload.hpp"

#include "tests/support/catch.hpp"

using namespace obsctl::scenarios;

namespace {

std::string problem(const std::string& raw, const std::string& path, const std::string& pattern) {
  return payload_problem(raw, {{path, pattern}});
}

}  // namespace

TEST_CASE("a payload path leads through objects and arrays") {
  const std::string raw =
      R"({"a": {"b": [10, {"c d": "deep"}]}, "": 1, "flag": true, "none": null, "list": [1, "x"], "ü": "umlaut"})";
  CHECK(problem(raw, "$.a.b[0]", "^10$").empty());
  CHECK(problem(raw, "$.a.b[1].c d", "^deep$").empty());
  CHECK(problem(raw, "$.flag", "^true$").empty());
  CHECK(problem(raw, "$.none", "^null$").empty());
  CHECK(problem(raw, "$.list", R"(^\[1,"x"\]$)").empty());  // as compact JSON
  CHECK(problem(raw, "$.ü", "umlaut").empty());
  CHECK(problem(raw, "$", "deep").empty());
  CHECK(problem("[[1, 2], [3]]", "$[0][1]", "^2$").empty());
  CHECK(problem(R"("text")", "$", "^text$").empty());

  for (const char* path :
       {"$.b", "$.a.b[2]", "$.a.b[999999999]", "$.a[0]", "$.a.b.c", "$.flag.x", "$.list[1][0]"}) {
    CHECK(problem(raw, path, "") == std::string(path) + " is not in the payload");
  }
  CHECK(problem("", "$", "") == "$ is not in the payload");
  CHECK(problem("{", "$.a", "") == "$.a is not in the payload");
}

TEST_CASE("a payload that is nested without end does no harm") {
  const std::string deep = std::string(500'000, '[') + std::string(500'000, ']');
  CHECK(problem(deep, "$", "^\\[\\[").empty());
  CHECK(problem(deep, "$[0][0]", "^\\[").empty());
  CHECK(problem(deep, "$", "x").size() < 300);
  CHECK(!problem(std::string(500'000, '['), "$", "x").empty());
}

TEST_CASE("a pattern is searched for, and the first that is not found is told") {
  const std::string raw = R"({"text": "[FIRING:1] HighErrorRate"})";
  CHECK(problem(raw, "$.text", "High").empty());
  CHECK(problem(raw, "$.text", "^High") ==
        R"($.text is "[FIRING:1] HighErrorRate", which does not match "^High")");
  CHECK(payload_problem(raw, {{"$.text", "Rate$"}, {"$.text", "A"}, {"$.text", "B"}}) ==
        R"($.text is "[FIRING:1] HighErrorRate", which does not match "A")");
  CHECK(payload_problem("not JSON", {}).empty());
}

TEST_CASE("a long text is searched whole, and its beginning quoted") {
  const auto raw = [](const std::string& text) { return "{\"text\": \"" + text + "\"}"; };
  CHECK(problem(raw(std::string(100'000, 'a') + "needle"), "$.text", "needle").empty());
  CHECK(problem(raw(std::string(100'000, 'a')), "$.text", "needle") ==
        "$.text is \"" + std::string(200, 'a') + "…\", which does not match \"needle\"");
  // A character is not cut in half.
  CHECK(problem(raw(std::string(199, 'a') + "üb"), "$.text", "x") ==
        "$.text is \"" + std::string(199, 'a') + "…\", which does not match \"x\"");
}

TEST_CASE("what is accepted as a path can be followed") {
  for (const char* path : {"$", "$.a", "$[0]", "$.a[0][1].b"}) CHECK(is_payload_path(path));
  for (const char* path :
       {"", "a", ".a", "$a", "$.", "$.a.", "$..a", "$[]", "$[0", "$[a]", "$[0]a", "$[1234567890]"}) {
    CAPTURE(path);
    CHECK(!is_payload_path(path));
  }
}
