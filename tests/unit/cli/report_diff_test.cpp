// When the second of two runs is worse than the first, and when they say nothing about each other.
#include "cli/report/report_diff.hpp"

#include "tests/support/catch.hpp"

using namespace obsctl::cli;

namespace {

RunReport run_of(const std::string& verdict, std::optional<Seconds> measured) {
  RunReport run;
  run.id = "01RUN";
  run.scenario = "own/spike";
  run.verdict = verdict;
  ReportedExpectation firing;
  firing.id = "alert.A.firing";
  firing.alert = "A";
  firing.stage = "firing";
  firing.verdict = verdict;
  firing.measured = measured;
  firing.budget = 11;
  run.expectations = {firing};
  ReportedRule rule;
  rule.alert = "A";
  rule.query = "a > 1";
  rule.scrape = 1;
  rule.evaluation = 2;
  run.rules = {rule};
  return run;
}

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("a stage is slower from one evaluation and one scrape on") {
  const auto [measured, change] = GENERATE(table<double, Change>({
      {5.0, Change::same},
      {8.0, Change::same},
      {8.1, Change::slower},
      {2.0, Change::same},
      {1.9, Change::faster},
  }));
  CAPTURE(measured);
  const ReportDiff diff = compare(run_of("passed", 5), run_of("passed", measured)).value();
  REQUIRE(diff.expectations.size() == 1);
  CHECK(diff.expectations[0].tolerance == 3);
  CHECK(to_string(diff.expectations[0].change) == to_string(change));
  CHECK(diff.worse.empty() == (change != Change::slower));
}

TEST_CASE("without a rule the tolerance is a second") {
  RunReport a = run_of("passed", 5);
  RunReport b = run_of("passed", 6.01);
  a.rules.clear();
  b.rules.clear();
  CHECK(compare(a, b).value().worse ==
        Texts{"alert.A.firing came 1.01s later, more than the 1.00s that it may"});
}

TEST_CASE("a proof that is lost is worse, one that is won is not") {
  CHECK(compare(run_of("passed", 5), run_of("missed", {})).value().worse ==
        Texts{"alert.A.firing passed and is now missed"});
  CHECK(compare(run_of("missed", {}), run_of("passed", 5)).value().worse.empty());
  CHECK(compare(run_of("missed", {}), run_of("late", 15)).value().worse.empty());

  RunReport without = run_of("passed", {});
  without.expectations.clear();
  const ReportDiff gone = compare(run_of("passed", 5), without).value();
  CHECK(gone.worse == Texts{"alert.A.firing passed and is no longer expected"});
  CHECK(compare(without, run_of("passed", 5)).value().worse.empty());
  CHECK(compare(without, run_of("passed", 5)).value().expectations[0].change == Change::added);
}

TEST_CASE("a run that no longer passes is worse even where every expectation is as it was") {
  RunReport b = run_of("passed", 5);
  b.verdict = "inconclusive";
  CHECK(compare(run_of("passed", 5), b).value().worse == Texts{"the run passed and is now inconclusive"});
}

TEST_CASE("what changed between the runs is told, and makes nothing worse") {
  const RunReport a = run_of("passed", 5);
  RunReport b = run_of("passed", 5);
  b.scenario_sha256 = "abc";
  b.rules[0].query = "a > 2";
  b.rules[0].hold = 30;
  b.files = {{"alerts.yml", "def"}};
  b.versions = {{"prometheus", "3.14"}};
  const ReportDiff diff = compare(a, b).value();
  CHECK(diff.worse.empty());
  CHECK(diff.changes == Texts{"SHA-256 of the scenario: not recorded → abc",
                              "SHA-256 of alerts.yml: not recorded → def", "query of A: a > 1 → a > 2",
                              "for of A: not recorded → 30.0s",
                              "version of prometheus: not recorded → 3.14"});
}

TEST_CASE("runs of two scenarios or two time scales are not compared") {
  RunReport other = run_of("passed", 5);
  other.id = "02RUN";
  other.scenario = "own/other";
  CHECK(to_string(compare(run_of("passed", 5), other).error()) ==
        "01RUN is a run of own/spike and 02RUN one of own/other\n  hint: compare two runs of one scenario");
  other.scenario = "own/spike";
  other.time_scale = 0.2;
  CHECK(to_string(compare(run_of("passed", 5), other).error()) ==
        "01RUN ran with time scale 1 and 02RUN with 0.2: their times say nothing about each other\n  hint: "
        "run both "
        "with the same --time-scale");
}
