// What makes an answer a good one.
#include "loadgen/checks.hpp"

#include "tests/support/catch.hpp"

using namespace obsctl::loadgen;

namespace {

struct Verdict {
  Judgement judgement;
  std::string why;
  bool operator==(const Verdict&) const = default;
};

Verdict verdict_on(const Checks& checks, const Answer& answer) {
  std::string_view why;
  const Judgement judgement = judge(checks, answer, why);
  return {judgement, std::string(why)};
}

Verdict verdict_on_body(const Checks& checks, std::string_view body) {
  Answer answer;
  answer.status = 200;
  answer.body = body;
  answer.body_bytes = static_cast<std::int64_t>(body.size());
  return verdict_on(checks, answer);
}

const Verdict kOk{Judgement::ok, ""};

}  // namespace

TEST_CASE("without a wanted status any below 400 is good") {
  const auto [wanted, status, good] = GENERATE(table<std::vector<int>, int, bool>({
      {{}, 200, true},
      {{}, 399, true},
      {{}, 400, false},
      {{404}, 404, true},
      {{200, 204}, 201, false},
  }));
  Checks checks;
  checks.statuses = wanted;
  Answer answer;
  answer.status = status;
  CHECK(verdict_on(checks, answer) == (good ? kOk : Verdict{Judgement::http_error, "status"}));
}

TEST_CASE("a wanted header is there, in any case, and holds the wanted part") {
  const auto [name, part, good] = GENERATE(table<std::string, std::string, bool>({
      {"content-TYPE", "", true},
      {"Content-Type", "json", true},
      {"Content-Type", "html", false},
      {"Content", "", false},
      {"X-Id", "2", true},
  }));
  Checks checks;
  checks.headers = {{name, part}};
  Answer answer;
  answer.status = 200;
  answer.headers = "Content-Type: application/json\nX-Id: 1\nX-Id: 2\n";
  CHECK(verdict_on(checks, answer) == (good ? kOk : Verdict{Judgement::check_failed, "check: header"}));
}

TEST_CASE("a wanted JSON value is looked up by its pointer, whatever the body is") {
  const auto [pointer, equals, body, good] =
      GENERATE(table<std::string, std::optional<std::string>, std::string, bool>({
          {"/a", std::nullopt, R"({"a": null})", true},
          {"/a", std::nullopt, R"({"b": 1})", false},
          {"/a/1", "x", R"({"a": [1, "x"]})", true},
          {"/a", "1.5", R"({"a": 1.5})", true},
          {"/a", "1", R"({"a": "1"})", true},
          {"/a", "2", R"({"a": 1})", false},
          {"/a", std::nullopt, "not JSON", false},
          {"/a", std::nullopt, "", false},
          {"/a~1b", "1", R"({"a/b": 1})", true},
          {"", "3", "3", true},
          {"/9", std::nullopt, "[1]", false},
          {"/-", std::nullopt, "[1]", false},
          {"/01", std::nullopt, "[1, 2]", false},
          {"/x", std::nullopt, "[1]", false},
          {"/99999999999999999999999", std::nullopt, "[1]", false},
          {"/18446744073709551615", std::nullopt, "[1]", false},
          {"/a", "{}", "{\"a\": {\"\xff\": 1}}", false},
      }));
  CAPTURE(pointer, body);
  Checks checks;
  checks.json = {{pointer, equals}};
  CHECK(verdict_on_body(checks, body) == (good ? kOk : Verdict{Judgement::check_failed, "check: json"}));
}

TEST_CASE("body, size and time are checked, and the first that fails is named") {
  Checks checks;
  checks.body_contains = {"o", "k"};
  CHECK(verdict_on_body(checks, "ok") == kOk);
  CHECK(verdict_on_body(checks, "o") == Verdict{Judgement::check_failed, "check: body"});
  checks.min_body = 2;
  checks.max_body = 3;
  CHECK(verdict_on_body(checks, "o") == Verdict{Judgement::check_failed, "check: size"});
  CHECK(verdict_on_body(checks, "okok") == Verdict{Judgement::check_failed, "check: size"});
  checks.max_service_time = std::chrono::milliseconds(1);
  Answer late;
  late.status = 200;
  late.service_time = std::chrono::milliseconds(2);
  CHECK(verdict_on(checks, late) == Verdict{Judgement::check_failed, "check: time"});
}
