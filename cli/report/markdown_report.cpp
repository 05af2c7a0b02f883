#include "cli/report/markdown_report.hpp"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "cli/report/html_parts.hpp"
#include "cli/report/report_text.hpp"

namespace obsctl::cli {

namespace {

/// What is kept free for the lines that close the document.
constexpr std::size_t kReserve = 700;
constexpr std::size_t kLongestLine = 300;

/// Text in a line or a table cell: nothing in it is markup.
std::string plain(std::string_view text) {
  std::string out;
  for (const char c : shortened(text, kLongestLine)) {
    if (c == '&') {
      out += "&amp;";
    } else if (c == '<') {
      out += "&lt;";
    } else if (static_cast<unsigned char>(c) < ' ') {
      out += ' ';
    } else {
      if (std::string_view("\\`*_[]|~#>").find(c) != std::string_view::npos) out += '\\';
      out += c;
    }
  }
  return out;
}

/// A name in a table cell, as code.
std::string code(std::string_view text) {
  std::string out;
  for (const char c : shortened(text, kLongestLine)) {
    if (c == '|') out += '\\';
    out += c == '`' ? '\'' : static_cast<unsigned char>(c) < ' ' ? ' ' : c;
  }
  return out.empty() ? "" : "`" + out + "`";
}

/// A block of text as it is, in a fence that is longer than any in it.
std::string fenced(std::string_view text, std::string_view language = "") {
  std::size_t longest = 2;
  std::size_t run = 0;
  for (const char c : text) {
    run = c == '`' ? run + 1 : 0;
    longest = std::max(longest, run);
  }
  const std::string fence(longest + 1, '`');
  std::string out = fmt::format("{}{}\n{}", fence, language, text);
  if (!out.ends_with('\n')) out += '\n';
  return out + fence + "\n";
}

std::string folded(std::string_view summary, std::string_view body) {
  return fmt::format("<details><summary>{}</summary>\n\n{}\n</details>\n", summary, body);
}

std::string optional_text(const std::optional<Seconds>& value) {
  return value ? seconds_text(*value) : "";
}

std::string table_row(const ReportedExpectation& one) {
  return fmt::format("| {} | {} {} | {} | {} | {} |\n", code(one.id), sign_of(one.verdict),
                     plain(verdict_text(one.verdict)), optional_text(one.measured), budget_text(one),
                     optional_text(one.margin()));
}

std::string evidence_of(const ReportedExpectation& one) {
  std::string text = fmt::format("{} {}", one.verdict, one.id);
  if (!one.detail.empty()) text += ": " + one.detail;
  if (!one.cause.empty()) text += " (" + one.cause + ")";
  if (!one.derivation.empty()) text += "\n  budget: " + one.derivation;
  return text + "\n";
}

std::string list_of(const std::vector<std::string>& lines) {
  std::string list;
  for (const std::string& line : lines) list += "- " + plain(line) + "\n";
  return list;
}

std::string identity(const RunReport& report) {
  std::string text =
      fmt::format("run        {}\nbegan      {}\nended      {}, after {}\nscenario   {}\nsha256     {}\n",
                  report.id, report.started_at, report.finished_at, seconds_text(report.length),
                  report.scenario, report.scenario_sha256);
  if (!report.revision.empty()) text += "revision   " + report.revision + "\n";
  text += fmt::format("time scale {:g}\nobsctl     {}\n", report.time_scale, report.obsctl);
  for (const ReportedLoad& load : report.loads) {
    if (load.seed) text += fmt::format("seed       {} of load {}\n", *load.seed, load.name);
  }
  for (const auto& [part, version] : report.versions) text += fmt::format("{}: {}\n", part, version);
  for (const auto& [path, sum] : report.files) text += fmt::format("{}  {}\n", sum, path);
  return text;
}

std::string load_text(const RunReport& report) {
  std::string text;
  for (const ReportedLoad& load : report.loads) {
    text += fmt::format("{}: {} to {}", load.name, load.rate, load.target);
    if (load.asked_rate && load.achieved_rate)
      text += fmt::format("; {:.2f}/s asked for, {:.2f}/s sent", *load.asked_rate, *load.achieved_rate);
    if (load.lag_p99) text += fmt::format("; lag p99 {}", seconds_text(*load.lag_p99));
    text += "\n";
    for (const LoadPhase& phase : load.phases) {
      text += fmt::format("  {:<13} {:>7} requests", phase.name, phase.completed);
      if (phase.error_ratio) text += fmt::format("  errors {:.2f}%", 100 * *phase.error_ratio);
      for (const char* key : {"response_p99", "service_p99"}) {
        if (const auto found = phase.times.find(key); found != phase.times.end())
          text += fmt::format("  {} {}", key, seconds_text(found->second));
      }
      text += "\n";
    }
  }
  return text;
}

/// Adds parts while they fit, and counts those that do not.
class Limited {
 public:
  Limited(std::string begin, std::size_t limit) : text_(std::move(begin)), limit_(limit) {}

  bool add(std::string_view part) {
    if (text_.size() + part.size() + kReserve > limit_) {
      ++left_out_;
      return false;
    }
    text_ += part;
    return true;
  }

  std::string finish() && {
    if (left_out_ > 0)
      text_ += fmt::format("\n_{} left out to keep this short; the HTML report has everything._\n",
                           counted(left_out_, "part"));
    return std::move(text_);
  }

 private:
  std::string text_;
  std::size_t limit_;
  std::size_t left_out_ = 0;
};

void add_table(const RunReport& report, Limited& out) {
  if (report.expectations.empty()) return;
  out.add("| expected | verdict | measured | budget | margin |\n|---|---|---:|---:|---:|\n");
  // What is not met must be seen even where the rest is too much.
  const std::size_t many = 500;
  std::size_t shown = 0;
  for (const ReportedExpectation& one : report.expectations) {
    if (report.expectations.size() > many && one.passed() && shown > many) continue;
    if (out.add(table_row(one))) ++shown;
  }
  out.add("\n");
}

void add_evidence(const RunReport& report, Limited& out) {
  if (const auto doubts = uncertainties_of(report); !doubts.empty())
    out.add(folded(counted(doubts.size(), "reservation"), list_of(doubts)));
  std::string evidence;
  for (const ReportedExpectation& one : report.expectations) evidence += evidence_of(one);
  if (!evidence.empty()) out.add(folded("Evidence", fenced(evidence)));
  if (const std::string load = load_text(report); !load.empty()) out.add(folded("Load", fenced(load)));
  std::set<std::string> told;
  for (const ReportedRule& rule : report.rules) {
    if (told.insert(rule.alert).second)
      out.add(folded("Rule " + plain(rule.alert), fenced(rule_yaml(rule), "yaml")));
  }
  for (const ReportedNotification& one : report.notifications) {
    const std::string what = fmt::format("{} to {} ({}): {}", clock_text(one.t, 0.1), one.receiver, one.via,
                                         fmt::join(one.firing.empty() ? one.resolved : one.firing, ", "));
    out.add(folded("Notification at " + plain(what) + (one.firing.empty() ? " resolved" : " firing"),
                   fenced(one.raw)));
  }
  out.add(folded("The run and its parts", fenced(identity(report))));
}

}  // namespace

std::string markdown_report(const RunReport& report, std::size_t limit) {
  const Headline headline = headline_of(report);
  Limited out(
      fmt::format("### {} {} {}\n\n{}\n\n{}\n\n", sign_of(report.verdict), plain(upper(report.verdict)),
                  plain(headline.what), plain(headline.found), plain(headline.sound)),
      limit);
  if (report.reasons.size() > 1) out.add(list_of(report.reasons) + "\n");
  add_table(report, out);
  add_evidence(report, out);
  return std::move(out).finish();
}

}  // namespace obsctl::cli
