// The verdict on a whole run: which of several things that can be said of it is said.
#include "tests/support/catch.hpp"
#include "tests/unit/scenarios/story.hpp"

using namespace std::chrono_literals;
using namespace obsctl::scenarios;
using obsctl::tests::Story;

namespace {

using Reasons = std::vector<std::string>;

Expectation firing(const std::string& alert) {
  Expectation expectation;
  expectation.id = "alert." + alert + ".firing";
  expectation.stage = "firing";
  expectation.fault = "f";
  expectation.alert = alert;
  expectation.budget = 20s;
  return expectation;
}

Expectation steady_before() {
  Expectation expectation;
  expectation.kind = Expectation::Kind::steady_state;
  expectation.id = "steady_state.s.before";
  expectation.stage = "before";
  expectation.alert = "s";
  return expectation;
}

Json unsteady() {
  return {{"steady_state", "s"}, {"phase", "before"}, {"evidence", "it was 3"}};
}

}  // namespace

TEST_CASE("a run has passed when every expectation has") {
  const Story story =
      Story().injected(0).alert(5, "firing", "A").alert(6, "firing", "B").event(60, "stack.down");
  const Judgement judgement = judge_run({firing("A"), firing("B")}, story.events());
  CHECK(judgement.verdict == Verdict::passed);
  CHECK(judgement.reasons.empty());
  REQUIRE(judgement.findings.size() == 2);
  CHECK(judgement.findings[0].measured == Nanoseconds(5s));
  CHECK(judgement.findings[1].measured == Nanoseconds(6s));
}

TEST_CASE("one expectation that was not met fails a run, with the reason") {
  const Story story = Story().injected(0).alert(5, "firing", "A").event(60, "stack.down");
  const Judgement judgement = judge_run({firing("A"), firing("B")}, story.events());
  CHECK(judgement.verdict == Verdict::failed);
  CHECK(judgement.reasons == Reasons{"alert.B.firing missed: B was not firing within 1m00s"});
  REQUIRE(judgement.findings.size() == 2);
  CHECK(judgement.findings[0].outcome == Outcome::passed);
  CHECK(judgement.findings[1].outcome == Outcome::missed);
}

TEST_CASE("late, unexpected and mismatched fail a run too") {
  CHECK(judge_run({firing("A")}, Story().injected(0).alert(22, "firing", "A").events()).verdict ==
        Verdict::failed);

  Expectation nothing;
  nothing.kind = Expectation::Kind::nothing_else;
  nothing.id = "nothing_else";
  const Judgement unexpected =
      judge_run({nothing}, Story().alert(1, "firing", "B").event(2, "watch.finished").events());
  CHECK(unexpected.verdict == Verdict::failed);
  CHECK(unexpected.reasons == Reasons{R"(nothing_else unexpected: B fired {"severity":"page"})"});

  Expectation labelled = firing("A");
  labelled.labels = {{"team", "a"}};
  CHECK(
      judge_run({labelled}, Story().injected(0).alert(5, "firing", "A").event(60, "end").events()).verdict ==
      Verdict::failed);
}

TEST_CASE("a run that did not get to every expectation has not passed") {
  const Judgement judgement =
      judge_run({firing("A"), firing("B")}, Story().injected(0).alert(5, "firing", "A").events());
  CHECK(judgement.verdict == Verdict::inconclusive);
  CHECK(judgement.reasons == Reasons{"not every expectation was reached"});
  // A failure explains why the rest was not reached.
  const Story failed = Story().injected(0).event(30, "tick").alert(30, "firing", "C");
  Expectation resolved = firing("A");
  resolved.stage = "inactive";
  CHECK(judge_run({firing("A"), resolved}, failed.events()).verdict == Verdict::failed);
}

TEST_CASE("a run that expects nothing never passes") {
  for (const Story& story : {Story(), Story().injected(0).cleared(5).event(9, "watch.finished")}) {
    const Judgement judgement = judge_run({}, story.events());
    CHECK(judgement.verdict == Verdict::inconclusive);
    CHECK(judgement.reasons == Reasons{"nothing was expected"});
    CHECK(judgement.findings.empty());
  }
  CHECK(judge_run({}, Story().event(1, "run.error", {{"reason", "x"}}).events()).verdict == Verdict::error);
}

TEST_CASE("what made a run unsound outranks what it seemed to show") {
  struct Row {
    std::vector<std::string> endings;
    Verdict verdict;
    Reasons reasons;
  };
  const auto row = GENERATE(values<Row>({
      {{"interrupted"}, Verdict::interrupted, {"interrupted"}},
      {{"error"}, Verdict::error, {"error"}},
      {{"aborted"}, Verdict::aborted, {"aborted"}},
      {{"inconclusive"}, Verdict::inconclusive, {"inconclusive"}},
      {{"inconclusive", "aborted"}, Verdict::aborted, {"aborted", "inconclusive"}},
      {{"aborted", "error"}, Verdict::error, {"error", "aborted"}},
      {{"error", "interrupted"}, Verdict::interrupted, {"interrupted", "error"}},
      {{"inconclusive", "inconclusive"}, Verdict::inconclusive, {"inconclusive", "inconclusive"}},
      {{"aborted", "inconclusive", "interrupted", "error"},
       Verdict::interrupted,
       {"interrupted", "error", "aborted", "inconclusive"}},
  }));
  Story endings;
  for (const std::string& ending : row.endings) endings.event(50, "run." + ending, {{"reason", ending}});

  // Whether everything was met …
  Story met = Story().injected(0).alert(5, "firing", "A");
  for (const Event& event : endings.events()) met.event(50, event.kind, event.fields);
  const Judgement passed = judge_run({firing("A")}, met.events());
  CHECK(passed.verdict == row.verdict);
  CHECK(passed.reasons == row.reasons);

  // … or not: then what was missed is a reason as well, after the others.
  Story missed = Story().injected(0);
  for (const Event& event : endings.events()) missed.event(50, event.kind, event.fields);
  const Judgement failed = judge_run({firing("A")}, missed.events());
  CHECK(failed.verdict == row.verdict);
  Reasons wanted = row.reasons;
  wanted.emplace_back("alert.A.firing missed: A was not firing within 50.0s");
  CHECK(failed.reasons == wanted);
}

TEST_CASE("an expectation that could not be told outranks one that failed") {
  const Story story = Story().event(0, "steady_state.broken", unsteady()).injected(0).event(60, "end");
  const Judgement judgement = judge_run({steady_before(), firing("A")}, story.events());
  CHECK(judgement.verdict == Verdict::inconclusive);
  CHECK(judgement.reasons == Reasons{"steady_state.s.before inconclusive: it was 3",
                                     "alert.A.firing missed: A was not firing within 1m00s"});
}

TEST_CASE("time ends with what ended the run, not with the clearing up after it") {
  const Story story = Story()
                          .injected(0)
                          .event(15, "run.aborted", {{"reason", "enough"}})
                          .cleared(16)
                          .event(40, "stack.down");
  const Judgement judgement = judge_run({firing("A")}, story.events());
  CHECK(judgement.verdict == Verdict::aborted);
  CHECK(judgement.findings.at(0).outcome == Outcome::not_reached);  // 15 of 20 seconds had passed
}

TEST_CASE("the latest event tells how long was waited, not the last one") {
  const Story story = Story().injected(0).event(60, "stack.down").alert(3, "firing", "B");
  CHECK(judge_run({firing("A")}, story.events()).findings.at(0).outcome == Outcome::missed);
}

TEST_CASE("verdicts have names") {
  const auto name = [](Verdict verdict) { return std::string(to_string(verdict)); };
  CHECK(name(Verdict::passed) == "passed");
  CHECK(name(Verdict::failed) == "failed");
  CHECK(name(Verdict::inconclusive) == "inconclusive");
  CHECK(name(Verdict::aborted) == "aborted");
  CHECK(name(Verdict::error) == "error");
  CHECK(name(Verdict::interrupted) == "interrupted");
}
