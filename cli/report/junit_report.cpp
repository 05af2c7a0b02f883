#include "cli/run_junit.hpp"

#include <vector>

#include <fmt/format.h>

namespace obsctl::cli {

using scenarios::Json;

namespace {

/// For attributes and text alike. Control characters that XML 1.0 cannot hold become spaces.
std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\n':
        out += "&#10;";
        break;
      default:
        out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
    }
  }
  return out;
}

struct Counts {
  int failures = 0;
  int errors = 0;
  int skipped = 0;
};

std::string case_xml(const Json& expectation, const std::string& scenario, Counts& counts) {
  const std::string verdict = expectation.value("verdict", "not_reached");
  const std::string detail = escaped(expectation.value("detail", ""));
  std::string xml =
      fmt::format("    <testcase classname=\"{}\" name=\"{}\" time=\"{:.3f}\"", escaped(scenario),
                  escaped(expectation.value("id", "")), expectation.value("measured_s", 0.0));
  if (verdict == "passed") return xml + "/>\n";
  const char* element = "failure";
  if (verdict == "inconclusive") {
    element = "error";
    ++counts.errors;
  } else if (verdict == "not_reached") {
    element = "skipped";
    ++counts.skipped;
  } else {
    ++counts.failures;
  }
  return xml + fmt::format(">\n      <{0} type=\"{1}\" message=\"{2}\"/>\n    </testcase>\n", element,
                           verdict, detail);
}

/// What ended the run, or else no expectation would be red although the run is.
std::string run_case(const Json& document, const std::string& scenario, Counts& counts) {
  const std::string verdict = document.value("verdict", "error");
  std::string xml = fmt::format("    <testcase classname=\"{}\" name=\"run\" time=\"{:.3f}\"",
                                escaped(scenario), document["run"].value("length_s", 0.0));
  if (verdict == "passed" || verdict == "failed") return xml + "/>\n";
  ++counts.errors;
  std::string reasons;
  for (const Json& reason : document["reasons"]) reasons += reason.get<std::string>() + "\n";
  return xml + fmt::format(">\n      <error type=\"{}\" message=\"{}\"/>\n    </testcase>\n", verdict,
                           escaped(reasons));
}

std::string properties(const Json& run) {
  std::string xml = "    <properties>\n";
  const auto add = [&](const std::string& name, const std::string& value) {
    xml += fmt::format("      <property name=\"{}\" value=\"{}\"/>\n", escaped(name), escaped(value));
  };
  add("run", run.value("id", ""));
  add("obsctl", run.value("obsctl", ""));
  add("time_scale", fmt::format("{}", run.value("time_scale", 1.0)));
  add("scenario_sha256", run.value("scenario_sha256", ""));
  const Json versions = run.value("places", Json::object()).value("versions", Json::object());
  for (const auto& [name, version] : versions.items()) {
    if (version.is_string()) add("version." + name, version.get<std::string>());
  }
  return xml + "    </properties>\n";
}

}  // namespace

std::string run_junit(const Json& document) {
  const Json& run = document["run"];
  const std::string scenario = run.value("scenario", "");
  Counts counts;
  std::string cases = run_case(document, scenario, counts);
  for (const Json& expectation : document["expectations"]) cases += case_xml(expectation, scenario, counts);
  const std::size_t tests = document["expectations"].size() + 1;
  const double time = run.value("length_s", 0.0);
  std::string figures =
      fmt::format("tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\" time=\"{:.3f}\"", tests,
                  counts.failures, counts.errors, counts.skipped, time);
  return fmt::format(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"obsctl\" {0}>\n"
      "  <testsuite name=\"{1}\" timestamp=\"{2}\" {0}>\n{3}{4}  </testsuite>\n</testsuites>\n",
      figures, escaped(scenario), escaped(run.value("started_at", "")), properties(run), cases);
}

}  // namespace obsctl::cli
