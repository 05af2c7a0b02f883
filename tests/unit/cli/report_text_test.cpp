// The words, axes and reservations of reports, and journals that are not what they should be.
#include "cli/report/report_text.hpp"

#include "cli/report/html_report.hpp"
#include "cli/report/markdown_report.hpp"
#include "cli/report/svg_chart.hpp"
#include "tests/support/catch.hpp"

using namespace obsctl::cli;
using obsctl::scenarios::Json;

namespace {

using Texts = std::vector<std::string>;
using Values = std::vector<double>;

}  // namespace

TEST_CASE("times are told to people") {
  CHECK(seconds_text(9.1534) == "9.15s");
  CHECK(seconds_text(-0.5) == "−500ms");
  CHECK(seconds_text(1e300) == seconds_text(1e9));
  CHECK(clock_text(45, 5) == "0:45");
  CHECK(clock_text(725, 60) == "12:05");
  CHECK(clock_text(59.97, 0.1) == "1:00.0");
  CHECK(clock_text(2.5, 0.5) == "0:02.5");
  CHECK(utc_text("2026-11-21T08:15:40.086Z") == "2026-11-21 08:15:40 UTC");
  CHECK(utc_text("yesterday") == "yesterday");
  CHECK(shortened("äöü", 3) == "äöü");
  CHECK(shortened("äöüß", 3) == "äö…");
  CHECK(end_of("äöü", 3) == "äöü");
  CHECK(end_of("ßäöü", 3) == "…öü");
  CHECK(verdict_text("not_reached") == "not reached");
  CHECK(sign_of("late") == "✗");

  const Pairs a{{"job", "api"}, {"instance", "x"}};
  const Pairs b{{"job", "api"}, {"instance", "y"}, {"zone", "1"}};
  CHECK(differing_values(a, {&a, &b}) == "x");
  CHECK(differing_values(b, {&a, &b}) == "y 1");
  CHECK(differing_values(a, {&a}).empty());
}

TEST_CASE("the ticks of an axis are where people expect them") {
  CHECK(time_axis(0, 5, 0, 100, 12).ticks() == Values{0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4, 4.5, 5});
  CHECK(time_axis(6.1, 43.3, 0, 100, 12).ticks() == Values{10, 15, 20, 25, 30, 35, 40});
  CHECK(time_axis(0, 1800, 0, 100, 8).ticks() == Values{0, 300, 600, 900, 1200, 1500, 1800});
  CHECK(time_axis(0, 1e6, 0, 100, 12).ticks().size() <= 12);
  CHECK(time_axis(3, 3, 0, 100, 12).high > 3);
  CHECK(value_axis(0, 210, 0, 100, 4).ticks() == Values{0, 100, 200, 300});
  CHECK(value_axis(0, 0, 0, 100, 4).high == 1);
  CHECK(value_axis(-3, 7, 0, 100, 4).ticks() == Values{-5, 0, 5, 10});
  CHECK(value_axis(0, 1e-7, 0, 100, 4).ticks().size() <= 6);
  CHECK(Axis{10, 20, 100, 200, 5}.at(15) == 150);
}

TEST_CASE("everything that makes a run less than certain is said") {
  RunReport run;
  CHECK(uncertainties_of(run).empty());
  run.without_fault = true;
  run.time_scale = 0.5;
  run.notes = {"a note of the stack"};
  run.remarks = {"a loose bound"};
  run.revision = "abc-dirty";
  ReportedFault fault;
  fault.name = "f";
  fault.injected = 1;
  run.faults = {fault};
  ReportedLoad load;
  load.name = "l";
  load.lag_p99 = 0.25;
  load.generator_limited = true;
  run.loads = {load};
  ReportedExpectation expectation;
  expectation.id = "alert.A.firing";
  expectation.verdict = "not_reached";
  expectation.loose = true;
  run.expectations = {expectation};
  CHECK(uncertainties_of(run) ==
        Texts{"the fault was left out: this run shows only that the scenario can fail",
              "every duration of rules, intervals and timers was scaled by 0.5: the alert of the original "
              "takes 2 times "
              "as long",
              "a note of the stack", "fault f was injected, but nothing has seen it",
              "nothing says that fault f was taken away", "load l: obsctl could not keep its own rate",
              "load l has no end: what it measured is not known",
              "load l: 1% of the requests were sent 250ms late or later",
              "1 expectation not reached before the run ended",
              "the budget is wider than it could be for alert.A.firing", "a loose bound",
              "files of the git repository had been changed since the commit that is named below"});
}

TEST_CASE("a journal in which nothing has its type is told as if it were not there") {
  const Json document =
      Json::parse(GENERATE(as<std::string>(), "{}", "[]", "null", R"({"run":[],"verdict":7,"events":{}})",
                           R"({"run":{"id":1,"length_s":"x","places":[1],"time_scale":[]},"verdict":"odd",
      "reasons":[1,{}],"rules":[null,{"alert":{}}],"expectations":[1,{"id":[],"measured_s":"1"}],
      "events":[null,3,{"kind":"load.finished","windows":[1,{"length_s":1e300}],"counts":[],"phases":{"a":1}},
        {"kind":"rule.samples","series":[1,{"values":[[],[1],["a","b"],[1,2,3]]}]},{"kind":"fault."},{"kind":"alert."},
        {"kind":"alert.firing","t_s":-5,"labels":[]},{"kind":"notification.firing","alerts":"x","raw":{}},
        {"kind":"fault.injected","t_s":1e300,"rollback":"yes"},{"kind":"stack.ready","after_s":"x"},
        {"kind":"baseline.ok","rules":"x"},{"kind":"notification.refused","answer":"x"}]})"));
  const RunReport report = read_report(document);
  CHECK(html_report(report).find("</html>") != std::string::npos);
  CHECK_FALSE(markdown_report(report).empty());
}
