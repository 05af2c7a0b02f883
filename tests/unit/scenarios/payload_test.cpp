// Checks of what a notification says.
#include "scenarios/payload.hpp"

#include <utility>

#include "tests/support/catch.hpp"

using namespace obsctl::scenarios;

namespace {

std::string body_problem(const std::string& raw, std::vector<BodyCheck> checks) {
  NotificationContent wanted;
  wanted.body = std::move(checks);
  return content_problem({{}, "notification.firing", {{"raw", raw}}}, "A", wanted);
}

std::string problem(const std::string& raw, const std::string& path, const std::string& pattern) {
  return body_problem(raw, {{path, pattern}});
}

/// What the observer keeps of a webhook about two instances of A, and one of B.
Event webhook_event() {
  const auto instance = [](const std::string& alert, const std::string& number, const std::string& summary) {
    return Json{{"alert", alert},
                {"labels", {{"alertname", alert}, {"instance", number}, {"severity", "page"}}},
                {"annotations", {{"summary", summary}}}};
  };
  return {{},
          "notification.firing",
          {{"via", "webhook"},
           {"instances",
            {instance("B", "0", "b"), instance("A", "1", "api 1 fails"), instance("A", "2", "api 2 fails")}},
           {"group", {{"alertname", "A"}}},
           {"raw", "{}"}}};
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
  CHECK(body_problem(raw, {{"$.text", "Rate$"}, {"$.text", "A"}, {"$.text", "B"}}) ==
        R"($.text is "[FIRING:1] HighErrorRate", which does not match "A")");
  CHECK(body_problem("not JSON", {}).empty());
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

TEST_CASE("all that can be read is searched for a text, whatever the kind") {
  CHECK(problem(R"({"text": "5 \u003e 3\nand more", "n": [7]})", "", "5 > 3\nand").empty());
  CHECK(problem(R"({"text": "x", "n": [7]})", "", "(?m)^n: 7$").empty());
  CHECK(problem("not JSON", "", "^not").empty());
  CHECK(problem(R"({"text": "x"})", "", "y") == R"(its text is "text: x", which does not match "y")");

  // What a person reads is kept beside what came: a mail is encoded, a chat message has much besides.
  NotificationContent wanted;
  const Event mail{
      {}, "notification.firing", {{"via", "email"}, {"raw", "=C3=B6"}, {"text", "Subject\nHöhe"}}};
  wanted.body = {{"", "^Subject\nHöhe$"}};
  CHECK(content_problem(mail, "A", wanted).empty());
  wanted.body = {{"", "=C3"}};
  CHECK(content_problem(mail, "A", wanted) == "its text is \"Subject\\nHöhe\", which does not match \"=C3\"");
}

TEST_CASE("every instance of the alert has to carry the labels and annotations") {
  struct Row {
    Labels labels, annotations;
    std::string problem;
  };
  const std::string about_1 = R"(; it is about {alertname="A", instance="1", severity="page"})";
  const std::string about_2 = R"(; it is about {alertname="A", instance="2", severity="page"})";
  const auto row = GENERATE_COPY(values<Row>({
      {{{"severity", "page"}}, {{"summary", "^api . fails$"}}, ""},
      {{}, {{"summary", ""}}, ""},
      {{{"severity", "info"}}, {}, R"(severity is "page", not "info")" + about_1},
      {{{"team", "core"}}, {}, R"(team is absent, not "core")" + about_1},
      {{{"instance", "1"}}, {}, R"(instance is "2", not "1")" + about_2},
      {{}, {{"summary", "1"}}, R"(annotation summary is "api 2 fails", which does not match "1")" + about_2},
      {{}, {{"runbook", ""}}, "annotation runbook is absent" + about_1},
  }));
  NotificationContent wanted;
  wanted.labels = row.labels;
  wanted.annotations = row.annotations;
  CHECK(content_problem(webhook_event(), "A", wanted) == row.problem);
  CHECK(wanted.needs_instances());
}

TEST_CASE("the group is the one asked for, no more and no less") {
  const auto grouped = [](const Labels& group) {
    NotificationContent wanted;
    wanted.group = group;
    return content_problem(webhook_event(), "A", wanted);
  };
  CHECK(grouped({{"alertname", "A"}}).empty());
  CHECK(grouped({}) == R"(its group is {alertname="A"}, not {})");
  CHECK(grouped({{"alertname", "A"}, {"job", "api"}}) ==
        R"(its group is {alertname="A"}, not {alertname="A", job="api"})");
}
