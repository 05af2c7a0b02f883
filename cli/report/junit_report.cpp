#include "cli/report/junit_report.hpp"

#include <fmt/format.h>

#include "core/markup.hpp"

namespace obsctl::cli {

namespace {

/// For attributes: a reader of XML makes spaces of line ends that are not written as references.
std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : core::escape_markup(text)) {
    if (c == '\n') {
      out += "&#10;";
    } else {
      out += c == '\t' || c == '\r' ? ' ' : c;
    }
  }
  return out;
}

struct Counts {
  int failures = 0;
  int errors = 0;
  int skipped = 0;
};

std::string case_xml(const ReportedExpectation& expectation, const std::string& scenario, Counts& counts) {
  std::string xml = fmt::format("    <testcase classname=\"{}\" name=\"{}\" time=\"{:.3f}\"",
                                escaped(scenario), escaped(expectation.id), expectation.measured.value_or(0));
  if (expectation.passed()) return xml + "/>\n";
  const char* element = "failure";
  if (expectation.verdict == "inconclusive") {
    element = "error";
    ++counts.errors;
  } else if (expectation.verdict == "not_reached") {
    element = "skipped";
    ++counts.skipped;
  } else {
    ++counts.failures;
  }
  return xml + fmt::format(">\n      <{0} type=\"{1}\" message=\"{2}\"/>\n    </testcase>\n", element,
                           escaped(expectation.verdict), escaped(expectation.detail));
}

/// What ended the run, or else no expectation would be red although the run is.
std::string run_case(const RunReport& report, Counts& counts) {
  std::string xml = fmt::format("    <testcase classname=\"{}\" name=\"run\" time=\"{:.3f}\"",
                                escaped(report.scenario), report.length);
  if (report.verdict == "passed" || report.verdict == "failed") return xml + "/>\n";
  ++counts.errors;
  std::string reasons;
  for (const std::string& reason : report.reasons) reasons += reason + "\n";
  return xml + fmt::format(">\n      <error type=\"{}\" message=\"{}\"/>\n    </testcase>\n",
                           escaped(report.verdict), escaped(reasons));
}

std::string properties(const RunReport& report) {
  std::string xml = "    <properties>\n";
  const auto add = [&](const std::string& name, const std::string& value) {
    xml += fmt::format("      <property name=\"{}\" value=\"{}\"/>\n", escaped(name), escaped(value));
  };
  add("run", report.id);
  add("obsctl", report.obsctl);
  if (!report.revision.empty()) add("revision", report.revision);
  add("time_scale", fmt::format("{}", report.time_scale));
  add("scenario_sha256", report.scenario_sha256);
  for (const auto& [name, version] : report.versions) add("version." + name, version);
  return xml + "    </properties>\n";
}

}  // namespace

std::string junit_report(const RunReport& report) {
  Counts counts;
  std::string cases = run_case(report, counts);
  for (const ReportedExpectation& expectation : report.expectations)
    cases += case_xml(expectation, report.scenario, counts);
  const std::string figures = fmt::format(
      "tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\" time=\"{:.3f}\"",
      report.expectations.size() + 1, counts.failures, counts.errors, counts.skipped, report.length);
  return fmt::format(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"obsctl\" {0}>\n"
      "  <testsuite name=\"{1}\" timestamp=\"{2}\" {0}>\n{3}{4}  </testsuite>\n</testsuites>\n",
      figures, escaped(report.scenario), escaped(report.started_at), properties(report), cases);
}

}  // namespace obsctl::cli
