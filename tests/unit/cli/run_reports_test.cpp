// How a run is told at its end: the summary and JUnit, from one small journal document.
#include <string>

#include "cli/report/junit_report.hpp"
#include "cli/run_display.hpp"
#include "cli/terminal.hpp"
#include "tests/support/catch.hpp"

using namespace obsctl::cli;
using obsctl::scenarios::Json;

namespace {

Json document(const std::string& verdict) {
  Json result;
  result["schema"] = 1;
  result["run"] = {{"id", "01RUN"},           {"scenario", "http-api/<spike>"},
                   {"length_s", 43.38},       {"time_scale", 0.2},
                   {"obsctl", "0.1.0"},       {"started_at", "2026-11-21T03:38:26.405Z"},
                   {"scenario_sha256", "abc"}};
  result["verdict"] = verdict;
  result["reasons"] = Json::array();
  result["expectations"] = Json::array(
      {{{"id", "alert.A.firing"},
        {"kind", "alert"},
        {"stage", "firing"},
        {"earliest_s", 7.83},
        {"budget_s", 11.0},
        {"verdict", "passed"},
        {"measured_s", 9.28}},
       {{"id", "notification.A.slack.firing"},
        {"kind", "notification"},
        {"stage", "firing"},
        {"budget_s", 14.0},
        {"verdict", "missed"},
        {"detail", "no \"firing\" & none"}},
       {{"id", "alert.A.inactive"}, {"kind", "alert"}, {"stage", "inactive"}, {"verdict", "not_reached"}}});
  return result;
}

}  // namespace

TEST_CASE("The summary gives the verdict, the stages, the reasons and every expectation") {
  Json run = document("failed");
  run["reasons"] = {"notification.A.slack.firing missed: nothing came"};
  CHECK(run_summary(run, false) ==
        "FAILED http-api/<spike> in 43.4s, time scale 0.2\n"
        "  detect 9.28s\n"
        "  notification.A.slack.firing missed: nothing came\n"
        "\n"
        "  expected                                         verdict       measured  budget\n"
        "  ✓ alert.A.firing                                 passed           9.28s  7.83s – 11.0s\n"
        "  ✗ notification.A.slack.firing                    missed                  ≤ 14.0s\n"
        "  - alert.A.inactive                               not_reached\n");
}

TEST_CASE("A run that never came to a plan has a verdict and a reason only") {
  Json run = document("error");
  run["expectations"] = Json::array();
  run["reasons"] = {"prometheus is not installed\n  hint: apt-get install prometheus"};
  run["run"]["time_scale"] = 1.0;
  CHECK(run_summary(run, false) ==
        "ERROR http-api/<spike> in 43.4s\n  prometheus is not installed\n      hint: apt-get install "
        "prometheus\n");
}

TEST_CASE("JUnit has a case for the run and one for every expectation, escaped") {
  CHECK(junit_report(read_report(document("failed"))) == R"(<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="obsctl" tests="4" failures="1" errors="0" skipped="1" time="43.380">
  <testsuite name="http-api/&lt;spike&gt;" timestamp="2026-11-21T03:38:26.405Z" tests="4" failures="1" errors="0" skipped="1" time="43.380">
    <properties>
      <property name="run" value="01RUN"/>
      <property name="obsctl" value="0.1.0"/>
      <property name="time_scale" value="0.2"/>
      <property name="scenario_sha256" value="abc"/>
    </properties>
    <testcase classname="http-api/&lt;spike&gt;" name="run" time="43.380"/>
    <testcase classname="http-api/&lt;spike&gt;" name="alert.A.firing" time="9.280"/>
    <testcase classname="http-api/&lt;spike&gt;" name="notification.A.slack.firing" time="0.000">
      <failure type="missed" message="no &quot;firing&quot; &amp; none"/>
    </testcase>
    <testcase classname="http-api/&lt;spike&gt;" name="alert.A.inactive" time="0.000">
      <skipped type="not_reached" message=""/>
    </testcase>
  </testsuite>
</testsuites>
)");
}

TEST_CASE("A run that was not sound is an error in JUnit, whatever its expectations") {
  Json run = document("inconclusive");
  run["reasons"] = {"prometheus was killed by SIGKILL"};
  const std::string xml = junit_report(read_report(run));
  CHECK(xml.find("errors=\"1\"") != std::string::npos);
  CHECK(xml.find("<error type=\"inconclusive\" message=\"prometheus was killed by SIGKILL&#10;\"/>") !=
        std::string::npos);
}

TEST_CASE("A line is clipped by columns, not by bytes, and its colour ends with it") {
  CHECK(clipped("✓ passed", 3) == "✓ p\x1b[0m");
  CHECK(clipped("\x1b[32m✓\x1b[0m passed", 20) == "\x1b[32m✓\x1b[0m passed");
  CHECK(clipped(paint("abcdef", Colour::red, true), 2) == "\x1b[31mab\x1b[0m");
  CHECK(paint("x", Colour::red, false) == "x");
}
