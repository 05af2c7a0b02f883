// Pure functions of the report.
#include "cli/verify_routes_output.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "cli/stack_display.hpp"
#include "cli/terminal.hpp"
#include "core/markup.hpp"

namespace obsctl::cli {

using scenarios::RoutesReport;
using verifiers::RouteCheck;
using verifiers::RouteFinding;
using verifiers::RouteObservation;
using verifiers::RouteResult;
using Outcome = RouteFinding::Outcome;

namespace {

std::string joined_or_dash(std::vector<std::string> names) {
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names.empty() ? "-" : fmt::format("{}", fmt::join(names, ", "));
}

/// {alertname="X"} and, where its routes differ in it, all of them.
std::string groups_of(const RouteObservation& seen) {
  std::vector<std::string> texts;
  for (const verifiers::SeenGroup& group : seen.groups) {
    verifiers::Labels labels = group.labels;
    labels.erase(std::string(verifiers::kSyntheticLabel));
    texts.push_back(verifiers::to_text(labels));
  }
  return joined_or_dash(std::move(texts));
}

std::string state_of(const RouteObservation& seen) {
  if (!seen.held) return "not listed";
  if (!seen.inhibited_by.empty()) return "inhibited";
  if (!seen.silenced_by.empty()) return "silenced";
  if (!seen.muted_by.empty()) return "muted";
  if (seen.proof == verifiers::NotificationProof::none) return "routed";
  std::vector<std::string> kinds;
  for (const verifiers::Notification& one : seen.notifications) kinds.emplace_back(to_string(one.kind));
  return kinds.empty() ? "not notified" : "notified: " + joined_or_dash(std::move(kinds));
}

std::string verdict_word(Outcome outcome, bool colour) {
  const Colour tone = outcome == Outcome::passed   ? Colour::green
                      : outcome == Outcome::failed ? Colour::red
                                                   : Colour::yellow;
  return paint(to_string(outcome), tone, colour);
}

std::string remarks_of(const RoutesReport& report, bool colour) {
  std::string text;
  for (std::size_t i = 0; i < report.results.size(); ++i) {
    const RouteFinding& finding = report.results[i].finding;
    for (const std::string& problem : finding.problems) {
      text += fmt::format("\n{}: {}\n  {}\n", verdict_word(finding.outcome, colour), report.checks[i].name,
                          problem);
    }
    for (const std::string& remark : finding.remarks)
      text += fmt::format("\nnote: {}\n  {}\n", report.checks[i].name, remark);
  }
  return text;
}

std::size_t count_of(const RoutesReport& report, Outcome outcome) {
  return static_cast<std::size_t>(
      std::count_if(report.results.begin(), report.results.end(),
                    [&](const RouteResult& result) { return result.finding.outcome == outcome; }));
}

std::string case_xml(const RouteCheck& check, const RouteFinding& finding) {
  std::string xml =
      fmt::format(R"(    <testcase classname="routes" name="{}")", core::escape_markup(check.name));
  if (finding.outcome == Outcome::passed) return xml + "/>\n";
  return xml + fmt::format(">\n      <{} type=\"{}\" message=\"{}\"/>\n    </testcase>\n",
                           finding.outcome == Outcome::failed ? "failure" : "error",
                           to_string(finding.outcome),
                           core::escape_markup(fmt::format("{}", fmt::join(finding.problems, "; "))));
}

}  // namespace

std::string routes_table(const RoutesReport& report, bool colour) {
  std::vector<std::vector<std::string>> rows{{"VERDICT", "ROUTE", "RECEIVERS", "GROUP", "ALERT"}};
  for (std::size_t i = 0; i < report.results.size(); ++i) {
    const RouteObservation& seen = report.results[i].seen;
    rows.push_back({std::string(to_string(report.results[i].finding.outcome)), report.checks[i].name,
                    joined_or_dash(seen.receivers), groups_of(seen), state_of(seen)});
  }
  const std::size_t failed = count_of(report, Outcome::failed);
  const std::size_t untold = count_of(report, Outcome::inconclusive);
  std::string summary =
      fmt::format("{} of {} passed", count_of(report, Outcome::passed), report.results.size());
  if (failed > 0) summary += fmt::format(", {} failed", failed);
  if (untold > 0) summary += fmt::format(", {} inconclusive", untold);
  return fmt::format("{}{}\n{}  {}\n", table(rows), remarks_of(report, colour),
                     verdict_word(report.verdict(), colour), summary);
}

std::string routes_junit(const RoutesReport& report) {
  std::string cases;
  for (std::size_t i = 0; i < report.results.size(); ++i)
    cases += case_xml(report.checks[i], report.results[i].finding);
  const std::string figures =
      fmt::format(R"(tests="{}" failures="{}" errors="{}" skipped="0" time="{:.3f}")", report.results.size(),
                  count_of(report, Outcome::failed), count_of(report, Outcome::inconclusive),
                  core::to_seconds(report.took));
  return fmt::format(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"obsctl\" {0}>\n"
      "  <testsuite name=\"verify routes\" timestamp=\"{1}\" {0}>\n    <properties>\n"
      "      <property name=\"run\" value=\"{2}\"/>\n      <property name=\"alertmanager\" value=\"{3}\"/>\n"
      "      <property name=\"version.alertmanager\" value=\"{4}\"/>\n    </properties>\n{5}  </testsuite>\n"
      "</testsuites>\n",
      figures, core::format_utc(report.started_at), report.run_id, core::escape_markup(report.alertmanager),
      core::escape_markup(report.version), cases);
}

}  // namespace obsctl::cli
