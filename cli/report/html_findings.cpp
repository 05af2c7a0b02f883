// What was expected and what was found: the stages with their budgets, and every other check.
#include <iterator>

#include <fmt/format.h>

#include "cli/report/charts.hpp"
#include "cli/report/html_parts.hpp"
#include "cli/report/report_text.hpp"
#include "core/markup.hpp"

namespace obsctl::cli {

namespace {

using core::escape_markup;

/// The name of an expectation, which may go on in the next line after each of its dots.
std::string breakable(const std::string& id) {
  std::string out;
  for (const char c : escape_markup(id)) {
    out += c;
    if (c == '.') out += "<wbr>";
  }
  return out;
}

std::string verdict_cell(std::string_view verdict) {
  const std::string_view style = verdict == "passed"                                     ? "ok"
                                 : verdict == "inconclusive" || verdict == "not_reached" ? "doubt"
                                                                                         : "bad";
  return fmt::format("<td class=\"verdict-word {}\">{} {}</td>", style, sign_of(verdict),
                     escape_markup(verdict_text(verdict)));
}

std::string optional_text(const std::optional<Seconds>& value) {
  return value ? seconds_text(*value) : "";
}

/// What was seen instead, in a row of its own under what it is about. What is met needs no words.
std::string evidence_row(const ReportedExpectation& one, int columns) {
  if (one.passed() || one.verdict == "not_reached") return {};
  std::string text = one.detail.empty() ? "" : isolated(one.detail);
  if (!one.cause.empty()) text += " <span class=\"doubt\">" + isolated("(" + one.cause + ")") + "</span>";
  if (text.empty()) return {};
  return fmt::format("<tr class=\"why\"><td colspan=\"{}\">{}</td></tr>\n", columns, text);
}

std::string derivation_line(const ReportedExpectation& one) {
  if (one.derivation.empty()) return {};
  return fmt::format("<small class=\"quiet\">{}{}</small>", isolated(one.derivation),
                     one.loose ? ", wider than it could be" : "");
}

std::string stage_rows(const RunReport& report, bool from_injection, std::string_view heading) {
  std::string rows;
  for (const ReportedExpectation& one : report.expectations) {
    if (!is_timed(one) || one.from_injection() != from_injection) continue;
    const std::string evidence = evidence_row(one, 6);
    fmt::format_to(
        std::back_inserter(rows),
        "<tr{}><th scope=\"row\" class=\"id\">{}{}</th>{}<td class=\"num\">{}</td><td class=\"num\">{}</td>"
        "<td class=\"num\">{}</td><td class=\"num\">{}</td></tr>\n{}",
        evidence.empty() ? "" : " class=\"has-why\"", breakable(one.id), derivation_line(one),
        verdict_cell(one.verdict), optional_text(one.measured), optional_text(one.earliest),
        optional_text(one.budget), optional_text(one.margin()), evidence);
  }
  if (rows.empty()) return {};
  return fmt::format(
      "<tbody><tr class=\"group\"><th colspan=\"6\" scope=\"rowgroup\">{}</th></tr>\n{}</tbody>\n", heading,
      rows);
}

}  // namespace

std::string html_stages(const RunReport& report) {
  const std::string rows = stage_rows(report, true, "Counted from the fault's injection") +
                           stage_rows(report, false, "Counted from the fault's removal");
  if (rows.empty()) return {};
  return stage_chart(report) +
         "<div class=\"wide\"><table><thead><tr><th>Expected, and how its budget came "
         "about</th><th>Verdict</th>"
         "<th class=\"num\">Measured</th><th class=\"num\">Earliest</th><th class=\"num\">Budget</th>"
         "<th class=\"num\">Margin</th></tr></thead>\n" +
         rows + "</table></div>\n";
}

std::string html_checks(const RunReport& report) {
  std::string rows;
  for (const ReportedExpectation& one : report.expectations) {
    if (is_timed(one)) continue;
    const std::string evidence = isolated(one.detail);
    fmt::format_to(std::back_inserter(rows), "<tr><th scope=\"row\" class=\"id\">{}</th>{}<td>{}</td></tr>\n",
                   breakable(one.id), verdict_cell(one.verdict), evidence);
  }
  if (rows.empty()) return {};
  return "<div "
         "class=\"wide\"><table><thead><tr><th>Expected</th><th>Verdict</th><th>Evidence</th></tr></"
         "thead><tbody>\n" +
         rows + "</tbody></table></div>\n";
}

}  // namespace obsctl::cli
