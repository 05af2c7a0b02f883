// The judge, as tables over journals written by hand: one expectation, what happened, how it stands.
#include "scenarios/expectation.hpp"

#include <optional>

#include "tests/support/catch.hpp"
#include "tests/unit/scenarios/story.hpp"

using namespace std::chrono_literals;
using namespace obsctl::scenarios;
using obsctl::tests::at;
using obsctl::tests::Story;

namespace {

using Kind = Expectation::Kind;

/// An expectation of fault "f" with a budget of 20 s, so that it is late until 25 s and missed after that.
Expectation expecting(Kind kind, const std::string& stage) {
  Expectation expectation;
  expectation.kind = kind;
  expectation.stage = stage;
  expectation.fault = "f";
  expectation.alert = "A";
  expectation.budget = 20s;
  return expectation;
}

Expectation notification_expected(const std::string& stage) {
  Expectation expectation = expecting(Kind::notification, stage);
  expectation.receiver = "slack";
  return expectation;
}

Finding judged_at(double now, const Expectation& expectation, const Story& story) {
  return judge(expectation, story.events(), at(now), false);
}

Finding judged_at_end(double now, const Expectation& expectation, const Story& story) {
  return judge(expectation, story.events(), at(now), true);
}

std::optional<double> seconds(const std::optional<Nanoseconds>& duration) {
  return duration ? std::optional(obsctl::core::to_seconds(*duration)) : std::nullopt;
}

/// How a finding reads in a table: "passed 12: A firing".
std::string text(const Finding& finding) {
  std::string result(to_string(finding.outcome));
  if (finding.measured) result += " " + obsctl::core::format_duration(*finding.measured);
  return finding.detail.empty() ? result : result + ": " + finding.detail;
}

}  // namespace

TEST_CASE("an alert stage is judged against its budget, from the fault's injection") {
  struct Row {
    double fired;  // after the injection
    std::string finding;
  };
  const auto row = GENERATE(values<Row>({
      {0, "passed 0s: A firing"},
      {19.5, "passed 19s500ms: A firing"},
      {20, "passed 20s: A firing"},
      {20.001, "late 20s1ms: A firing, 1.00ms after its budget of 20.0s"},
      {25, "late 25s: A firing, 5.00s after its budget of 20.0s"},
      {25.001, "missed 25s1ms: A firing, 5.00s after its budget of 20.0s"},
  }));
  CAPTURE(row.fired);
  const auto stage = GENERATE("pending", "firing");
  const Story story = Story().injected(100).alert(100 + row.fired, stage);
  std::string wanted = row.finding;
  wanted.replace(wanted.find("firing"), 6, stage);
  CHECK(text(judged_at(200, expecting(Kind::alert, stage), story)) == wanted);
  CHECK(text(judged_at_end(200, expecting(Kind::alert, stage), story)) == wanted);
}

TEST_CASE("an alert that does not come is waited for, then missed") {
  const Expectation firing = expecting(Kind::alert, "firing");
  const Story story = Story().injected(100).alert(110, "pending");

  SECTION("while the run goes on") {
    CHECK(text(judged_at(100, firing, story)) == "waiting");
    CHECK(text(judged_at(125, firing, story)) == "waiting");  // it may still come late
    CHECK(text(judged_at(125.001, firing, story)) == "missed: A was not firing within 25.0s");
  }
  SECTION("at the end of the run") {
    CHECK(text(judged_at_end(120, firing, story)) ==
          "not_reached: the run ended 20.0s after the fault began");
    CHECK(text(judged_at_end(120.001, firing, story)) == "missed: A was not firing within 20.0s");
    CHECK(text(judged_at_end(300, firing, story)) == "missed: A was not firing within 3m20s");
  }
  SECTION("before the fault") {
    CHECK(text(judged_at(100, firing, Story())) == "waiting");
    CHECK(text(judged_at_end(100, firing, Story())) == "not_reached: the run ended before");
    CHECK(text(judged_at_end(100, firing, Story().injected(10, "another"))) ==
          "not_reached: the run ended before");
  }
  SECTION("without a budget, presence counts") {
    Expectation unbounded = firing;
    unbounded.budget.reset();
    CHECK(text(judged_at(100000, unbounded, story)) == "waiting");
    CHECK(text(judged_at_end(130, unbounded, story)) == "missed: A was not firing within 30.0s");
    CHECK(text(judged_at(9999, unbounded, Story().injected(0).alert(5000, "firing"))) ==
          "passed 1h23m20s: A firing");
  }
}

TEST_CASE("an alert that does not come is explained by what its rule looked at") {
  const Expectation firing = expecting(Kind::alert, "firing");
  const auto detail = [&](const Json& fields) {
    const Story story = Story().event(0, "run.started").injected(100).event(131, "rule.samples", fields);
    return judged_at_end(130, firing, story).detail;
  };
  const auto samples = [](const std::string& operation, const Json& values) {
    return Json{{"alert", "A"},
                {"operation", operation},
                {"threshold", 0.05},
                {"series", Json::array({Json{{"values", values}}})}};
  };
  const Json rising = Json::array({{99.0, 9.0}, {101.0, 0.01}, {102.0, Json()}, {103.0, 0.034}});
  const std::string missed = "A was not firing within 30.0s";
  CHECK(detail(samples(">", rising)) ==
        missed + "; its expression was 0.034 at the most, and has to be above 0.05");
  CHECK(detail(samples(">", Json::array({{99.0, 9.0}, {101.0, Json()}}))) ==
        missed + "; its expression has no value");
  CHECK(detail({{"alert", "A"}, {"operation", "=="}, {"threshold", 0}, {"series", Json::array()}}) ==
        missed + "; its expression has no value");
  CHECK(detail(samples("<", Json::array({{101.0, 0.9}, {102.0, 0.7}}))) ==
        missed + "; its expression was 0.7 at the least, and has to be below 0.05");
  // It was true for a while, or it cannot be told.
  CHECK(detail(samples(">", Json::array({{101.0, 0.2}, {103.0, 0.01}}))) == missed);
  CHECK(detail({{"alert", "A"}, {"series", Json::array()}}) == missed);
  CHECK(detail({{"alert", "B"}, {"operation", ">"}, {"threshold", 1}, {"series", Json::array()}}) == missed);
  CHECK(detail({{"alert", "A"},
                {"operation", ">"},
                {"threshold", 1},
                {"series", Json::array()},
                {"left_out", 3}}) == missed);
}

TEST_CASE("how long something counts as late") {
  CHECK(lateness_allowance(1s) == 2s);
  CHECK(lateness_allowance(8s) == 2s);
  CHECK(lateness_allowance(9s) == 2250ms);
  CHECK(lateness_allowance(20s) == 5s);
}

TEST_CASE("what an alert did before the fault does not count") {
  const Expectation firing = expecting(Kind::alert, "firing");
  const Story before = Story().alert(90, "firing").injected(100);
  CHECK(text(judged_at(110, firing, before)) == "waiting");
  CHECK(text(judged_at(130, firing, before)) == "missed: A was not firing within 30.0s");
  CHECK(text(judged_at(130, firing, Story().alert(99.999, "firing").injected(100).alert(107, "firing"))) ==
        "passed 7s: A firing");
}

TEST_CASE("the first instance to fire counts, in whichever order they were learnt of") {
  const Story story = Story()
                          .injected(100)
                          .alert(115, "firing", "A", {{"instance", "2"}})
                          .alert(109, "firing", "A", {{"instance", "1"}})
                          .alert(103, "firing", "B")
                          .alert(102, "pending", "A", {{"instance", "1"}});
  CHECK(text(judged_at(130, expecting(Kind::alert, "firing"), story)) == "passed 9s: A firing");
}

TEST_CASE("an alert has to carry the labels that are expected") {
  Expectation firing = expecting(Kind::alert, "firing");
  firing.labels = {{"severity", "page"}, {"team", "a"}};
  const auto with = [](const Labels& labels) { return Story().injected(0).alert(5, "firing", "A", labels); };

  CHECK(text(judged_at(30, firing, with({{"severity", "page"}, {"team", "a"}, {"more", "x"}}))) ==
        "passed 5s: A firing");
  CHECK(text(judged_at(30, firing, with({{"severity", "page"}, {"team", "b"}}))) ==
        R"(mismatched: A was firing with other labels: {"severity":"page","team":"b"})");
  CHECK(text(judged_at(30, firing, with({{"severity", "page"}}))) ==
        R"(mismatched: A was firing with other labels: {"severity":"page"})");
  // Until its time is over, the right one may still come.
  CHECK(text(judged_at(24, firing, with({}))) == "waiting");
  CHECK(text(judged_at_end(19, firing, with({}))) ==
        "not_reached: the run ended 19.0s after the fault began");
  CHECK(
      text(judged_at(30, firing, with({}).alert(9, "firing", "A", {{"severity", "page"}, {"team", "a"}}))) ==
      "passed 9s: A firing");
  // One with other labels before the fault explains nothing.
  CHECK(text(judged_at(30, firing, Story().alert(1, "firing").injected(2))) ==
        "missed: A was not firing within 28.0s");
  // No labels at all in the event.
  CHECK(judged_at(30, firing, Story().injected(0).event(5, "alert.firing", {{"alert", "A"}})).outcome ==
        Outcome::mismatched);
}

TEST_CASE("a fault that was left out on purpose is the origin all the same") {
  const Story control = Story().event(100, "fault.skipped", {{"fault", "f"}}).event(101, "tick");
  CHECK(text(judged_at(110, expecting(Kind::alert, "firing"), control)) == "waiting");
  CHECK(text(judged_at(126, expecting(Kind::alert, "firing"), control)) ==
        "missed: A was not firing within 26.0s");
  CHECK(text(judged_at(126, notification_expected("firing"), control)) ==
        "missed: no firing notification of A reached slack within 26.0s");
}

TEST_CASE("an alert's end is judged from the fault's removal") {
  const Expectation inactive = expecting(Kind::alert, "inactive");
  const auto story = [] { return Story().injected(0).alert(10, "firing").clearing(49.9).cleared(50); };

  CHECK(text(judged_at(60, inactive, Story().injected(0).alert(10, "firing"))) == "waiting");
  CHECK(text(judged_at(75, inactive, story())) == "waiting");
  CHECK(text(judged_at(75.1, inactive, story())) == "missed: A was not inactive within 25.1s");
  CHECK(text(judged_at_end(60, inactive, story())) ==
        "not_reached: the run ended 10.0s after the fault was removed");
  CHECK(text(judged_at(75, inactive, story().alert(65, "inactive"))) == "passed 15s: A inactive");
  CHECK(text(judged_at(75, inactive, story().alert(72, "inactive"))) ==
        "late 22s: A inactive, 2.00s after its budget of 20.0s");
  CHECK(text(judged_at_end(60, inactive, Story().injected(0).alert(10, "firing"))) ==
        "not_reached: the run ended before");
}

TEST_CASE("an alert is inactive when all of its instances are") {
  const Expectation inactive = expecting(Kind::alert, "inactive");
  const Labels one{{"instance", "1"}};
  const Labels two{{"instance", "2"}};
  const auto story = [&] {
    return Story()
        .injected(0)
        .alert(10, "firing", "A", one)
        .alert(12, "firing", "A", two)
        .clearing(50)
        .cleared(50);
  };
  CHECK(text(judged_at(70, inactive, story().alert(60, "inactive", "A", one))) == "waiting");
  CHECK(text(judged_at(80, inactive, story().alert(60, "inactive", "A", one))) ==
        "missed: 1 of 2 instances of A were not inactive within 30.0s");
  CHECK(text(judged_at(80, inactive,
                       story().alert(66, "inactive", "A", two).alert(60, "inactive", "A", one))) ==
        "passed 16s: A inactive");
  CHECK(text(judged_at(80, inactive,
                       story().alert(66, "inactive", "A", one).alert(60, "inactive", "A", two))) ==
        "passed 16s: A inactive");
  // One that never fired is nobody's concern, nor one that fired before the fault.
  CHECK(text(judged_at(80, inactive,
                       Story()
                           .alert(1, "firing", "A", {{"instance", "0"}})
                           .injected(2)
                           .alert(10, "firing", "A", one)
                           .cleared(50)
                           .alert(60, "inactive", "A", one))) == "passed 10s: A inactive");
  CHECK(text(judged_at(80, inactive,
                       story()
                           .alert(20, "pending", "A", {{"instance", "3"}})
                           .alert(60, "inactive", "A", one)
                           .alert(61, "inactive", "A", two)
                           .alert(75, "inactive", "A", {{"instance", "3"}}))) == "passed 11s: A inactive");
  // Nor is one with other labels.
  Expectation of_one = inactive;
  of_one.labels = one;
  CHECK(text(judged_at(80, of_one, story().alert(60, "inactive", "A", one))) == "passed 10s: A inactive");
}

TEST_CASE("an alert that comes back after the fault has not ended") {
  const Expectation inactive = expecting(Kind::alert, "inactive");
  const auto story = [] { return Story().injected(0).alert(10, "firing").cleared(50).alert(55, "inactive"); };
  CHECK(text(judged_at(60, inactive, story())) == "passed 5s: A inactive");
  CHECK(text(judged_at(60, inactive, story().alert(57, "pending"))) == "waiting");
  CHECK(text(judged_at(60, inactive, story().alert(57, "firing"))) == "waiting");
  CHECK(text(judged_at(80, inactive, story().alert(57, "firing").alert(68, "inactive"))) ==
        "passed 18s: A inactive");
}

TEST_CASE("an alert that ends while the fault is there has not noticed that it still is") {
  const Expectation inactive = expecting(Kind::alert, "inactive");
  CHECK(text(judged_at(
            60, inactive,
            Story().injected(0).alert(10, "firing").alert(30, "inactive").clearing(50).cleared(51))) ==
        "unexpected -21s: A was inactive 20.0s before the fault was removed");
  CHECK(text(judged_at(40, inactive, Story().injected(0).alert(10, "firing").alert(30, "inactive"))) ==
        "waiting");
  // While it is being removed (a service that starts up takes a while) either state is right.
  CHECK(text(judged_at(
            60, inactive,
            Story().injected(0).alert(10, "firing").clearing(50).alert(50.5, "inactive").cleared(51))) ==
        "passed 0s: A inactive");
  // A journal that does not tell when removing began.
  CHECK(text(judged_at(60, inactive,
                       Story().injected(0).alert(10, "firing").alert(50.5, "inactive").cleared(51))) ==
        "unexpected -500ms: A was inactive 500ms before the fault was removed");
}

TEST_CASE("a notification is judged against its budget") {
  const Expectation firing = notification_expected("firing");
  CHECK(text(judged_at(30, firing, Story().injected(0).notified(12, "firing"))) ==
        "passed 12s: firing notification at slack");
  CHECK(text(judged_at(30, firing, Story().injected(0).notified(21, "firing"))) ==
        "late 21s: firing notification at slack, 1.00s after its budget of 20.0s");
  CHECK(text(judged_at(24, firing, Story().injected(0))) == "waiting");
  CHECK(text(judged_at(26, firing, Story().injected(0))) ==
        "missed: no firing notification of A reached slack within 26.0s");
  // Before the fault, of another alert, of the other stage.
  CHECK(judged_at(26, firing, Story().notified(1, "firing").injected(2)).outcome == Outcome::waiting);
  CHECK(judged_at(26, firing, Story().injected(0).notified(5, "firing", "slack", {"B"})).outcome ==
        Outcome::missed);
  CHECK(judged_at(26, firing, Story().injected(0).notified(5, "resolved")).outcome == Outcome::missed);
  // One of several alerts in one message.
  CHECK(text(judged_at(26, firing, Story().injected(0).notified(5, "firing", "slack", {"B", "A"}))) ==
        "passed 5s: firing notification at slack");
  // A message that says nothing of alerts.
  CHECK(judged_at(26, firing, Story().injected(0).event(5, "notification.firing", {{"receiver", "slack"}}))
            .outcome == Outcome::missed);
}

TEST_CASE("a resolved notification is judged from the fault's removal") {
  const Expectation resolved = notification_expected("resolved");
  CHECK(judged_at(30, resolved, Story().injected(0).notified(5, "resolved")).outcome == Outcome::waiting);
  CHECK(text(judged_at(60, resolved, Story().injected(0).cleared(50).notified(58, "resolved"))) ==
        "passed 8s: resolved notification at slack");
  CHECK(text(judged_at(76, resolved, Story().injected(0).cleared(50))) ==
        "missed: no resolved notification of A reached slack within 26.0s");
}

TEST_CASE("a notification at another receiver is a mismatch") {
  const Expectation firing = notification_expected("firing");
  const Story elsewhere = Story().injected(0).notified(5, "firing", "discord");
  CHECK(text(judged_at(24, firing, elsewhere)) == "waiting");
  CHECK(text(judged_at(26, firing, elsewhere)) ==
        "mismatched: no firing notification of A reached slack within 26.0s; it reached discord instead");
  CHECK(text(judged_at(26, firing, Story(elsewhere).notified(6, "firing"))) ==
        "passed 6s: firing notification at slack");
}

TEST_CASE("notifications are counted over the whole run") {
  Expectation firing = notification_expected("firing");
  firing.count = 2;
  const Story one = Story().injected(0).notified(5, "firing");
  const Story two = Story(one)
                        .notified(9, "firing")
                        .notified(10, "firing", "discord")
                        .notified(11, "firing", "slack", {"B"});
  const Story three = Story(two).notified(15, "firing");
  CHECK(text(judged_at(20, firing, one)) == "passed 5s: firing notification at slack");  // the other may come
  CHECK(text(judged_at_end(20, firing, one)) == "mismatched 5s: 1 firing notifications reached slack, not 2");
  CHECK(text(judged_at_end(20, firing, two)) == "passed 5s: firing notification at slack");
  CHECK(text(judged_at(20, firing, three)) == "mismatched 5s: 3 firing notifications reached slack, not 2");
}

TEST_CASE("a notification may be expected not to come") {
  Expectation none = notification_expected("firing");
  none.count = 0;
  const Story quiet = Story().injected(0).notified(5, "firing", "discord");
  CHECK(text(judged_at(25, none, quiet)) == "waiting");
  CHECK(text(judged_at(25.1, none, quiet)) == "passed: none came within 25.1s");
  CHECK(text(judged_at_end(20, none, quiet)) == "not_reached: the run ended 20.0s after the fault began");
  CHECK(text(judged_at_end(20.1, none, quiet)) == "passed: none came within 20.1s");
  CHECK(text(judged_at_end(20.1, none, Story())) == "not_reached: the run ended before");
  CHECK(text(judged_at(7, none, Story(quiet).notified(6, "firing"))) ==
        "unexpected 6s: a firing notification of A reached slack, where none was wanted");
}

TEST_CASE("the text of the first notification is checked") {
  Expectation firing = notification_expected("firing");
  firing.content.body = {{"$.title", "High.*Rate"}, {"$.alerts[0].status", "^firing$"}};
  const auto with = [](const std::string& raw) {
    return Story().injected(0).notified(5, "firing", "slack", {"A"}, raw);
  };

  CHECK(text(judged_at(30, firing,
                       with(R"({"title": "A HighErrorRate!", "alerts": [{"status": "firing"}]})"))) ==
        "passed 5s: firing notification at slack");
  CHECK(text(judged_at(30, firing, with(R"({"title": "x", "alerts": [{"status": "firing"}]})"))) ==
        R"(mismatched 5s: $.title is "x", which does not match "High.*Rate")");
  CHECK(text(judged_at(30, firing, with(R"({"title": "HighRate", "alerts": []})"))) ==
        "mismatched 5s: $.alerts[0].status is not in the payload");
  CHECK(text(judged_at(30, firing, with("not JSON"))) == "mismatched 5s: $.title is not in the payload");
  // Late and wrong: what is wrong with it says more.
  CHECK(judged_at(30, firing, Story().injected(0).notified(22, "firing")).outcome == Outcome::mismatched);
  // Only the first one is looked at.
  CHECK(judged_at(30, firing,
                  with(R"({"title": "HighRate", "alerts": [{"status": "firing"}]})").notified(9, "firing"))
            .outcome == Outcome::passed);
}

TEST_CASE("labels, annotations and groups are asked of the copy that carries them") {
  Expectation firing = notification_expected("firing");
  firing.content.labels = {{"severity", "page"}};
  const auto text_only = [] {
    return Story().injected(0).event(5, "notification.firing",
                                     {{"receiver", "slack"}, {"via", "slack"}, {"alerts", {"A"}}});
  };
  const auto with = [&](const std::string& severity) {
    return text_only().event(
        6, "notification.firing",
        {{"receiver", "slack"},
         {"via", "webhook"},
         {"alerts", {"A"}},
         {"instances",
          {{{"alert", "A"}, {"labels", {{"severity", severity}}}, {"annotations", Json::object()}}}},
         {"group", Json::object()}});
  };
  CHECK(text(judged_at(20, firing, text_only())) == "waiting");
  CHECK(text(judged_at(26, firing, text_only())) ==
        "mismatched: no firing notification of A reached slack within 26.0s; the slack message that did "
        "carries "
        "no labels");
  CHECK(text(judged_at(20, firing, with("page"))) == "passed 6s: firing notification at slack");
  CHECK(text(judged_at(20, firing, with("info"))) ==
        R"(mismatched 6s: severity is "info", not "page"; it is about {severity="info"})");
}

TEST_CASE("a notification may have to come after another") {
  Expectation firing = notification_expected("firing");
  firing.after = Predecessor{"B", "pager", "g"};
  const auto story = [] { return Story().injected(0).injected(0, "g"); };
  const auto pager = [&](double when) { return story().notified(when, "firing", "pager", {"B"}); };
  CHECK(text(judged_at(9, firing, pager(4).notified(5, "firing"))) ==
        "passed 5s: firing notification at slack");
  CHECK(text(judged_at(9, firing, story().notified(5, "firing"))) ==
        "mismatched 5s: it came before B had reached pager");
  CHECK(text(judged_at(9, firing, pager(7).notified(5, "firing"))) ==
        "mismatched 5s: it came 2.00s before B reached pager");
  // Neither another receiver's, nor a resolved one, nor one from before its fault.
  for (const Story& other :
       {story().notified(4, "firing", "mail", {"B"}), story().notified(4, "firing", "pager"),
        story().notified(4, "resolved", "pager", {"B"}),
        Story().injected(0).notified(4, "firing", "pager", {"B"}).injected(4.5, "g")}) {
    CHECK(judged_at(9, firing, Story(other).notified(5, "firing")).outcome == Outcome::mismatched);
  }
  // At the same moment the receiver's count decides.
  const auto numbered = [&](int pager_sequence) {
    return story()
        .event(5, "notification.firing",
               {{"receiver", "pager"}, {"alerts", {"B"}}, {"sequence", pager_sequence}})
        .event(5, "notification.firing", {{"receiver", "slack"}, {"alerts", {"A"}}, {"sequence", 2}});
  };
  CHECK(judged_at(9, firing, numbered(1)).outcome == Outcome::passed);
  CHECK(judged_at(9, firing, numbered(3)).outcome == Outcome::mismatched);
}

TEST_CASE("what says nothing new is told where too many came") {
  Expectation firing = notification_expected("firing");
  firing.count = 1;
  const auto said = [](double when, const std::string& recurrence) {
    return Event{at(when),
                 "notification.firing",
                 {{"receiver", "slack"}, {"alerts", {"A"}}, {"recurrence", recurrence}, {"raw", "{}"}}};
  };
  Story story = Story().injected(0);
  for (const Event& event : {said(5, "first"), said(6, "duplicate"), said(7, "repeat"), said(8, "repeat")}) {
    story.event(obsctl::core::to_seconds(event.at - at(0)), event.kind, event.fields);
  }
  CHECK(text(judged_at(9, firing, story)) ==
        "mismatched 5s: 4 firing notifications reached slack, not 1; 1 duplicate and 2 repeats among them");
}

TEST_CASE("a query is judged from the injection, by its own name") {
  Expectation query = expecting(Kind::query, "met");
  query.alert = "counted";
  const auto met = [](double when, const std::string& name) {
    return Story().injected(10).event(when, "query.met",
                                      {{"query", name}, {"evidence", "counted was 3, wanted above 0"}});
  };
  CHECK(text(judged_at(50, query, met(15, "counted"))) == "passed 5s: counted was 3, wanted above 0");
  CHECK(text(judged_at(50, query, met(31, "counted"))) ==
        "late 21s: counted was 3, wanted above 0, 1.00s after its budget of 20.0s");
  CHECK(text(judged_at(30, query, met(15, "another"))) == "waiting");
  CHECK(text(judged_at(40, query, met(15, "another"))) == "missed: counted did not hold within 30.0s");
  CHECK(text(judged_at(40, query, met(9, "counted"))) == "missed: counted did not hold within 30.0s");
  CHECK(text(judged_at(40, query, Story().event(5, "query.met", {{"query", "counted"}}))) == "waiting");
}

TEST_CASE("a suppressed alert has to be seen suppressed and to reach nobody") {
  Expectation suppressed = expecting(Kind::suppressed, "suppressed");
  suppressed.by = "inhibition";
  const auto seen = [](double when, const std::string& by, const std::string& alert = "A") {
    return Story().injected(10).event(when, "alert.suppressed", {{"alert", alert}, {"by", by}});
  };
  CHECK(text(judged_at(40, suppressed, seen(18, "inhibition"))) == "passed 8s: A suppressed by inhibition");
  CHECK(text(judged_at(40, suppressed, seen(32, "inhibition"))) ==
        "late 22s: A suppressed by inhibition, 2.00s after its budget of 20.0s");
  const std::string missed = "missed: A was not seen suppressed by inhibition within 30.0s";
  CHECK(text(judged_at(40, suppressed, seen(18, "silence"))) == missed);
  CHECK(text(judged_at(40, suppressed, seen(18, "inhibition", "B"))) == missed);
  CHECK(text(judged_at(40, suppressed, seen(9, "inhibition"))) == missed);
  CHECK(text(judged_at(20, suppressed, Story().injected(10))) == "waiting");
  CHECK(text(judged_at_end(20, suppressed, Story().injected(10))) ==
        "not_reached: the run ended 10.0s after the fault began");
  CHECK(text(judged_at(40, suppressed, seen(18, "inhibition").notified(25, "firing", "discord"))) ==
        "unexpected 15s: A reached discord although it had to be suppressed by inhibition");
  CHECK(judged_at(40, suppressed, seen(18, "inhibition").notified(25, "firing", "discord", {"B"})).outcome ==
        Outcome::passed);
  CHECK(judged_at(40, suppressed, Story().notified(5, "firing").injected(10)).outcome == Outcome::missed);
}

TEST_CASE("a steady state is a gate before the fault and an expectation after it") {
  const auto state = [](const std::string& stage) {
    Expectation expectation = expecting(Kind::steady_state, stage);
    expectation.fault.clear();
    expectation.alert = "few errors";
    return expectation;
  };
  const auto told = [](const std::string& kind, const std::string& phase, const std::string& outcome = "fail",
                       const std::string& name = "few errors") {
    return Story().event(
        1, kind, {{"steady_state", name}, {"phase", phase}, {"evidence", "it was 3"}, {"outcome", outcome}});
  };
  CHECK(text(judged_at(9, state("before"), told("steady_state.held", "before"))) == "passed: it was 3");
  CHECK(text(judged_at(9, state("after"), told("steady_state.held", "after"))) == "passed: it was 3");
  // Not steady before the fault: the experiment cannot tell anything.
  CHECK(text(judged_at(9, state("before"), told("steady_state.broken", "before"))) ==
        "inconclusive: it was 3");
  CHECK(text(judged_at(9, state("after"), told("steady_state.broken", "after"))) == "missed: it was 3");
  CHECK(text(judged_at(9, state("after"), told("steady_state.broken", "after", "inconclusive"))) ==
        "inconclusive: it was 3");
  // Of the other phase, of another name, not told at all.
  for (const Story& other : {told("steady_state.held", "before"), told("steady_state.broken", "before"),
                             told("steady_state.held", "after", "fail", "another"), Story()}) {
    CHECK(text(judged_at(9, state("after"), other)) == "waiting");
    CHECK(text(judged_at_end(9, state("after"), other)) == "not_reached: the run ended before");
  }
}

TEST_CASE("nothing else may fire") {
  Expectation nothing = expecting(Kind::nothing_else, "");
  nothing.fault.clear();
  nothing.budget.reset();
  nothing.allowed = {{"A", {}, "", ""},
                     {"Watch*", {{"severity", "none"}}, "", ""},
                     {"DiskSlow", {}, "2026-11-21", "OPS-12"}};
  const auto finished = [](Story story) { return story.event(99, "watch.finished"); };

  SECTION("it holds once nothing can fire any more") {
    CHECK(text(judged_at(9, nothing, Story())) == "waiting");
    CHECK(text(judged_at(9, nothing, finished(Story()))) == "waiting");
    CHECK(text(judged_at_end(9, nothing, finished(Story()))) == "passed: nothing else fired");
    CHECK(text(judged_at_end(9, nothing, Story())) == "not_reached: the run ended before");
  }
  SECTION("a stranger ends it at once") {
    CHECK(text(judged_at(9, nothing, Story().alert(5, "firing", "B"))) ==
          R"(unexpected: B fired {"severity":"page"})");
    CHECK(judged_at_end(9, nothing, finished(Story().alert(5, "firing", "B"))).outcome ==
          Outcome::unexpected);
    CHECK(text(judged_at(9, nothing, Story().event(5, "alert.firing", {{"alert", "B"}}))) ==
          "unexpected: B fired {}");
  }
  SECTION("pending alone never counts") {
    CHECK(judged_at_end(9, nothing, finished(Story().alert(5, "pending", "B").alert(6, "inactive", "B")))
              .outcome == Outcome::passed);
  }
  SECTION("names are globs, and labels have to be carried") {
    const auto outcome = [&](const std::string& name, const Labels& labels) {
      return judged_at_end(9, nothing, finished(Story().alert(5, "firing", name, labels))).outcome;
    };
    CHECK(outcome("A", {}) == Outcome::passed);
    CHECK(outcome("AB", {}) == Outcome::unexpected);
    CHECK(outcome("Watchdog", {{"severity", "none"}, {"x", "y"}}) == Outcome::passed);
    CHECK(outcome("Watchdog", {{"severity", "page"}}) == Outcome::unexpected);
    CHECK(outcome("Watchdog", {}) == Outcome::unexpected);
    CHECK(outcome("Wat", {{"severity", "none"}}) == Outcome::unexpected);
  }
  SECTION("what is known is allowed until the end of its day, by UTC") {
    const double day = 24 * 3600;
    CHECK(judged_at(9, nothing, Story().alert(0, "firing", "DiskSlow")).outcome == Outcome::waiting);
    CHECK(judged_at(9, nothing, Story().alert(day - 0.001, "firing", "DiskSlow")).outcome ==
          Outcome::waiting);
    CHECK(judged_at(9, nothing, Story().alert(day, "firing", "DiskSlow")).outcome == Outcome::unexpected);
  }
  SECTION("one that is allowed does not hide another") {
    CHECK(judged_at(9, nothing, Story().alert(5, "firing", "A").alert(6, "firing", "B")).outcome ==
          Outcome::unexpected);
  }
}

TEST_CASE("a threshold is judged by what the load measured in its phase") {
  Expectation threshold = expecting(Kind::threshold, "");
  threshold.fault.clear();
  threshold.budget.reset();
  threshold.alert = "browse";
  threshold.metric = "response_p99";
  threshold.phase = "before-fault";
  threshold.bounds.below = 0.3;
  const auto measured = [](const Json& p99, const std::string& load = "browse") {
    return Story().event(
        5, "load.finished",
        {{"load", load},
         {"phases", {{"before-fault", {{"response_p99", p99}}}, {"whole", {{"response_p99", 9}}}}}});
  };
  CHECK(text(judged_at(9, threshold, measured(0.25))) ==
        "passed: response_p99 of browse before-fault was 0.25, wanted below 0.3");
  CHECK(text(judged_at(9, threshold, measured(0.3))) ==
        "missed: response_p99 of browse before-fault was 0.3, wanted below 0.3");
  CHECK(text(judged_at(9, threshold, Story())) == "waiting");
  CHECK(text(judged_at_end(9, threshold, Story())) == "not_reached: the load did not finish");
  CHECK(text(judged_at_end(9, threshold, measured(0.25, "another"))) ==
        "not_reached: the load did not finish");
  CHECK(text(judged_at(9, threshold, measured(nullptr))) ==
        "not_reached: the load has no response_p99 in before-fault");
  threshold.metric = "error_ratio";
  CHECK(text(judged_at(9, threshold, measured(1))) ==
        "not_reached: the load has no error_ratio in before-fault");
  threshold.phase = "during-fault";
  CHECK(text(judged_at(9, threshold, measured(1))) ==
        "not_reached: the load has no error_ratio in during-fault");
  CHECK(text(judged_at(9, threshold, Story().event(5, "load.finished", {{"load", "browse"}}))) ==
        "not_reached: the load has no error_ratio in during-fault");
}

TEST_CASE("what is counted from the injection and what from the removal") {
  CHECK(expecting(Kind::alert, "pending").on_injection());
  CHECK(expecting(Kind::alert, "firing").on_injection());
  CHECK(!expecting(Kind::alert, "inactive").on_injection());
  CHECK(expecting(Kind::notification, "firing").on_injection());
  CHECK(!expecting(Kind::notification, "resolved").on_injection());
  CHECK(expecting(Kind::query, "met").on_injection());
  CHECK(expecting(Kind::suppressed, "suppressed").on_injection());
}

TEST_CASE("each fault's expectations are counted from that fault") {
  Expectation firing = expecting(Kind::alert, "firing");
  const Story story =
      Story().injected(0, "g").injected(30, "f").cleared(40, "g").cleared(60, "f").alert(35, "firing");
  CHECK(seconds(judged_at(70, firing, story).measured) == 5.0);
  firing.fault = "g";
  CHECK(judged_at(70, firing, story).outcome == Outcome::missed);
  Expectation resolved = notification_expected("resolved");
  CHECK(seconds(judged_at(70, resolved, Story(story).notified(66, "resolved")).measured) == 6.0);
  resolved.fault = "g";
  CHECK(judged_at(70, resolved, Story(story).notified(66, "resolved")).outcome == Outcome::missed);
}

TEST_CASE("outcomes have names") {
  const auto name = [](Outcome outcome) { return std::string(to_string(outcome)); };
  CHECK(name(Outcome::waiting) == "waiting");
  CHECK(name(Outcome::passed) == "passed");
  CHECK(name(Outcome::missed) == "missed");
  CHECK(name(Outcome::late) == "late");
  CHECK(name(Outcome::unexpected) == "unexpected");
  CHECK(name(Outcome::mismatched) == "mismatched");
  CHECK(name(Outcome::inconclusive) == "inconclusive");
  CHECK(name(Outcome::not_reached) == "not_reached");
}
