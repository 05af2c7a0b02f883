#include "cli/report/html_report.hpp"

#include <algorithm>
#include <array>
#include <iterator>

#include <fmt/format.h>

#include "cli/report/charts.hpp"
#include "cli/report/html_parts.hpp"
#include "cli/report/html_style.hpp"
#include "cli/report/report_text.hpp"
#include "core/markup.hpp"

namespace obsctl::cli {

namespace {

/// A class of the style sheet, whatever a journal holds.
std::string_view verdict_class(std::string_view verdict) {
  if (verdict == "passed") return "passed";
  return verdict == "failed" ? "failed" : "doubtful";
}

std::string head(const RunReport& report) {
  return fmt::format(
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
      "'unsafe-inline'\">\n"
      "<meta name=\"generator\" content=\"obsctl {}\">\n<title>{} {} · "
      "obsctl</title>\n<style>{}</style></head>\n",
      core::escape_markup(report.obsctl), core::escape_markup(upper(report.verdict)),
      core::escape_markup(report.scenario), kReportStyle);
}

/// The slowest of a stage, with its budget, as one figure.
std::string fact(const RunReport& report, std::string_view kind, std::string_view stage,
                 std::string_view name) {
  const ReportedExpectation* worst = nullptr;
  for (const ReportedExpectation& one : report.expectations) {
    if (one.kind != kind || one.stage != stage) continue;
    const bool worse =
        worst == nullptr || (worst->passed() && !one.passed()) ||
        (worst->passed() == one.passed() && one.measured.value_or(0) > worst->measured.value_or(0));
    if (worse) worst = &one;
  }
  if (worst == nullptr) return {};
  const std::string figure = worst->measured ? seconds_text(*worst->measured) : verdict_text(worst->verdict);
  return fmt::format(
      "<div><dt>{}</dt><dd class=\"{}\">{} {}<small>{}</small></dd></div>\n", name,
      worst->passed()                  ? "ok"
      : sign_of(worst->verdict) == "✗" ? "bad"
                                       : "doubt",
      sign_of(worst->verdict), core::escape_markup(figure),
      worst->budget ? fmt::format("budget {}", seconds_text(*worst->budget)) : "no budget known");
}

std::string facts(const RunReport& report) {
  std::string list;
  for (const auto& [kind, stage, name] :
       {std::array{"alert", "pending", "Fault to pending"}, std::array{"alert", "firing", "Fault to firing"},
        std::array{"notification", "firing", "Fault to notified"},
        std::array{"alert", "inactive", "Removal to inactive"},
        std::array{"notification", "resolved", "Removal to resolved"}}) {
    list += fact(report, kind, stage, name);
  }
  return list.empty() ? "" : "<dl class=\"facts\">\n" + list + "</dl>\n";
}

std::string top(const RunReport& report) {
  const Headline headline = headline_of(report);
  return fmt::format(
      "<header>\n<p class=\"quiet\">Alert verification report · run {} · {}</p>\n"
      "<div class=\"verdict {}\"><h1><span class=\"badge\">{} "
      "{}</span>{}</h1>\n<p>{}</p>\n<p>{}</p></div>\n{}</header>\n",
      isolated(report.id), core::escape_markup(utc_text(report.started_at)), verdict_class(report.verdict),
      sign_of(report.verdict), core::escape_markup(upper(report.verdict)), isolated(headline.what),
      isolated(headline.found), isolated(headline.sound), facts(report));
}

std::string reasons_and_doubts(const RunReport& report) {
  std::string out;
  if (report.reasons.size() > 1) {
    out +=
        fmt::format("<section id=\"reasons\"><h2>Why it is {}</h2><ul>", core::escape_markup(report.verdict));
    for (const std::string& reason : report.reasons) out += "<li>" + isolated(reason) + "</li>\n";
    out += "</ul></section>\n";
  }
  out += "<section id=\"certainty\"><h2>What makes this less than certain</h2>\n";
  const std::vector<std::string> doubts = uncertainties_of(report);
  if (doubts.empty()) return out + "<p>Nothing that is known.</p></section>\n";
  out += "<ul class=\"doubts\">\n";
  for (const std::string& doubt : doubts) out += "<li>" + isolated(doubt) + "</li>\n";
  return out + "</ul></section>\n";
}

struct Section {
  std::string_view id;
  std::string_view title;
  std::string body;
};

}  // namespace

std::string isolated(std::string_view text) {
  // Characters that turn the direction of a text would turn the sentence around them as well.
  std::string straight;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const std::string_view three = text.substr(i, 3);
    const bool turns = three.size() == 3 &&
                       ((three >= "\u202A" && three <= "\u202E") || (three >= "\u2066" && three <= "\u2069"));
    straight += turns ? std::string_view("\uFFFD") : text.substr(i, 1);
    if (turns) i += 2;
  }
  return "<bdi>" + core::escape_markup(straight) + "</bdi>";
}

std::string pairs_list(const Pairs& pairs) {
  std::string list = "<dl class=\"pairs\">\n";
  for (const auto& [name, text] : pairs) {
    if (!text.empty())
      list += "<dt>" + core::escape_markup(name) + "</dt><dd>" + core::escape_markup(text) + "</dd>\n";
  }
  return list + "</dl>\n";
}

std::string html_report(const RunReport& report) {
  const std::array<Section, 8> sections{{{"timeline-section", "Timeline", timeline_chart(report)},
                                         {"stages-section", "Stages", html_stages(report)},
                                         {"checks", "Other checks", html_checks(report)},
                                         {"load", "Load", html_load(report)},
                                         {"rules", "Rules", html_rules(report)},
                                         {"faults", "Faults", html_faults(report)},
                                         {"notifications", "Notifications", html_notifications(report)},
                                         {"identity", "The run and its parts", html_identity(report)}}};
  std::string page = head(report) + "<body>\n" + top(report) + "<nav aria-label=\"Sections\">";
  for (const Section& section : sections) {
    if (!section.body.empty())
      fmt::format_to(std::back_inserter(page), "<a href=\"#{}\">{}</a> ", section.id, section.title);
  }
  page += "<a href=\"#events\">Events</a></nav>\n<main>\n" + reasons_and_doubts(report);
  for (const Section& section : sections) {
    if (section.body.empty()) continue;
    fmt::format_to(std::back_inserter(page), "<section id=\"{}\"><h2>{}</h2>\n{}</section>\n", section.id,
                   section.title, section.body);
  }
  page += html_events(report);
  return page + "</main></body></html>\n";
}

}  // namespace obsctl::cli
