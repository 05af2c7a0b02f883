#include "cli/report/report_text.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>

#include "core/duration.hpp"

namespace obsctl::cli {

namespace {

struct Mark {
  std::string_view verdict;
  std::string_view sign;
};
constexpr std::array<Mark, 4> kMarks{
    {{"passed", "✓"}, {"inconclusive", "?"}, {"interrupted", "?"}, {"not_reached", "–"}}};

/// "detected in 9.02s (budget 11.0s)": of the slowest that passed. Empty when none was measured.
std::string stage_sentence(const RunReport& report, std::string_view kind, std::string_view stage,
                           std::string_view verb) {
  const ReportedExpectation* slowest = nullptr;
  for (const ReportedExpectation& one : report.expectations) {
    if (one.kind != kind || one.stage != stage || !one.passed() || !one.measured) continue;
    if (slowest == nullptr || *one.measured > *slowest->measured) slowest = &one;
  }
  if (slowest == nullptr) return {};
  return fmt::format("{} in {}{}", verb, seconds_text(*slowest->measured),
                     slowest->budget ? fmt::format(" (budget {})", seconds_text(*slowest->budget)) : "");
}

std::string stages_sentence(const RunReport& report) {
  std::vector<std::string> parts;
  for (const auto& [kind, stage, verb] :
       {std::array{"alert", "firing", "detected"}, std::array{"notification", "firing", "notified"},
        std::array{"alert", "inactive", "cleared"}}) {
    if (std::string part = stage_sentence(report, kind, stage, verb); !part.empty()) parts.push_back(part);
  }
  return fmt::format("{}", fmt::join(parts, ", "));
}

std::string found_line(const RunReport& report) {
  const auto met = std::count_if(report.expectations.begin(), report.expectations.end(),
                                 [](const ReportedExpectation& one) { return one.passed(); });
  const std::string tally =
      fmt::format("{} of {} met", met, counted(report.expectations.size(), "expectation"));
  if (report.verdict != "passed" && !report.reasons.empty()) {
    const std::size_t more = report.reasons.size() - 1;
    return shortened(report.reasons.front(), 400) + (more == 0 ? "" : fmt::format(" (and {} more)", more)) +
           "; " + tally;
  }
  const std::string stages = stages_sentence(report);
  return stages.empty() ? tally : tally + ": " + stages;
}

std::string fault_sentence(const ReportedFault& fault) {
  if (fault.skipped) return fmt::format("Fault {} was left out", fault.name);
  if (!fault.injected) return fmt::format("Fault {} was not injected", fault.name);
  const std::string seen = fault.confirmed ? "confirmed" : "never confirmed";
  if (!fault.not_removed.empty() && !fault.cleared)
    return fmt::format("FAULT {} {} AND COULD NOT BE REMOVED", fault.name, seen);
  if (fault.went_with_stack) return fmt::format("Fault {} {}, and gone with its stack", fault.name, seen);
  if (!fault.cleared) return fmt::format("Fault {} {}, and not removed", fault.name, seen);
  return fmt::format("Fault {} {}, and {}", fault.name, seen,
                     fault.clear_confirmed ? "confirmed removed" : "removed, which nothing confirmed");
}

std::string sound_line(const RunReport& report) {
  std::vector<std::string> parts;
  for (const ReportedFault& fault : report.faults) parts.push_back(fault_sentence(fault));
  for (const ReportedLoad& load : report.loads) {
    if (!load.achieved_rate || !load.asked_rate) continue;
    parts.push_back(
        fmt::format("load {} {:.1f} of {:.1f}/s", load.name, *load.achieved_rate, *load.asked_rate));
  }
  if (report.time_scale != 1)
    parts.push_back(fmt::format("every duration scaled by {:g}", report.time_scale));
  const std::size_t doubts = uncertainties_of(report).size();
  parts.push_back(doubts == 0 ? "no reservations" : fmt::format("{} below", counted(doubts, "reservation")));
  return fmt::format("{}", fmt::join(parts, "; "));
}

void add_fault_doubts(const ReportedFault& fault, std::vector<std::string>& doubts) {
  if (!fault.not_removed.empty()) {
    doubts.push_back(fmt::format("fault {} could not be removed at first: {}; by hand: {}", fault.name,
                                 fault.not_removed, fault.undo));
  }
  if (!fault.injected) return;
  if (!fault.confirmed)
    doubts.push_back(fmt::format("fault {} was injected, but nothing has seen it", fault.name));
  if (!fault.cleared) {
    doubts.push_back(fmt::format("nothing says that fault {} was taken away", fault.name));
  } else if (!fault.clear_confirmed && !fault.went_with_stack) {
    doubts.push_back(
        fmt::format("fault {} was taken away, but nothing has seen that it is gone", fault.name));
  }
  if (fault.rolled_back)
    doubts.push_back(
        fmt::format("fault {} was taken away because the run ended, not because it was time", fault.name));
}

void add_load_doubts(const ReportedLoad& load, std::vector<std::string>& doubts) {
  constexpr double kLate = 0.1;
  if (load.generator_limited)
    doubts.push_back(fmt::format("load {}: obsctl could not keep its own rate", load.name));
  if (!load.finished)
    doubts.push_back(fmt::format("load {} has no end: what it measured is not known", load.name));
  if (load.lag_p99.value_or(0) > kLate) {
    doubts.push_back(fmt::format("load {}: 1% of the requests were sent {} late or later", load.name,
                                 seconds_text(*load.lag_p99)));
  }
}

void add_expectation_doubts(const RunReport& report, std::vector<std::string>& doubts) {
  std::vector<std::string> loose;
  std::vector<std::string> unbounded;
  std::size_t not_reached = 0;
  for (const ReportedExpectation& one : report.expectations) {
    if (one.loose) loose.push_back(one.id);
    if (one.verdict == "not_reached") ++not_reached;
    if (one.measured && !one.budget) unbounded.push_back(one.id);
  }
  if (not_reached > 0)
    doubts.push_back(fmt::format("{} not reached before the run ended", counted(not_reached, "expectation")));
  if (!loose.empty())
    doubts.push_back(fmt::format("the budget is wider than it could be for {}", fmt::join(loose, ", ")));
  if (!unbounded.empty())
    doubts.push_back(fmt::format("no budget is known, so that only that it came counts, for {}",
                                 fmt::join(unbounded, ", ")));
}

void add_alert_doubts(const RunReport& report, std::vector<std::string>& doubts) {
  for (const ReportedAlert& alert : report.alerts) {
    if (alert.preexisting) doubts.push_back(fmt::format("{} was active before the run looked", alert.alert));
    for (const AlertSpan& span : alert.spans) {
      if (span.exact) continue;
      doubts.push_back(fmt::format("when {} became {} is known only to within a few evaluations", alert.alert,
                                   span.state));
    }
  }
}

void add_record_doubts(const RunReport& report, std::vector<std::string>& doubts) {
  if (report.revision.ends_with("-dirty"))
    doubts.emplace_back("files of the git repository had been changed since the commit that is named below");
  if (!report.rules.empty() && report.samples.empty())
    doubts.emplace_back("what the rules looked at during the run was not recorded");
  for (const ReportedEvent& event : report.events) {
    const std::string reason = event.event.text(event.kind == "stack.down" ? "problem" : "reason");
    if (event.kind == "prometheus.finding") doubts.push_back(reason);
    if (event.kind == "stack.down" && !reason.empty())
      doubts.emplace_back("the stack could not be taken down: " + reason);
  }
}

}  // namespace

std::string seconds_text(Seconds seconds) {
  return (seconds < 0 ? "−" : "") +
         core::format_rounded(core::from_seconds(std::min(std::abs(seconds), 1e9)));
}

std::string clock_text(Seconds seconds, Seconds step) {
  const double rounded = step < 1 ? std::round(seconds * 10) / 10 : std::round(seconds);
  const auto minutes = static_cast<std::int64_t>(rounded / 60);
  const double rest = rounded - 60.0 * static_cast<double>(minutes);
  return step < 1 ? fmt::format("{}:{:04.1f}", minutes, rest) : fmt::format("{}:{:02.0f}", minutes, rest);
}

std::string utc_text(std::string_view instant) {
  if (instant.size() < 20 || instant[10] != 'T' || instant.back() != 'Z') return std::string(instant);
  return fmt::format("{} {} UTC", instant.substr(0, 10), instant.substr(11, 8));
}

std::string budget_text(const ReportedExpectation& expectation) {
  if (!expectation.budget) return "";
  const std::string latest = seconds_text(*expectation.budget);
  if (!expectation.earliest) return "≤ " + latest;
  return fmt::format("{} – {}", seconds_text(*expectation.earliest), latest);
}

std::string_view sign_of(std::string_view verdict) {
  const auto found =
      std::find_if(kMarks.begin(), kMarks.end(), [&](const Mark& mark) { return mark.verdict == verdict; });
  return found == kMarks.end() ? "✗" : found->sign;
}

std::string verdict_text(std::string_view verdict) {
  std::string out(verdict);
  std::replace(out.begin(), out.end(), '_', ' ');
  return out;
}

std::string upper(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
  return out;
}

std::string labels_text(const Pairs& labels) {
  std::vector<std::string> parts;
  for (const auto& [name, value] : labels) parts.push_back(fmt::format("{}=\"{}\"", name, value));
  return fmt::format("{}", fmt::join(parts, ", "));
}

std::string shortened(std::string_view text, std::size_t limit) {
  std::size_t points = 0;
  std::size_t kept = 0;  // bytes of the first limit − 1 code points
  for (std::size_t i = 0; i < text.size(); ++i) {
    if ((static_cast<unsigned char>(text[i]) & 0xC0U) == 0x80U) continue;
    if (points + 1 == limit) kept = i;
    if (++points > limit) return std::string(text.substr(0, kept)) + "…";
  }
  return std::string(text);
}

std::string end_of(std::string_view text, std::size_t limit) {
  std::size_t points = 0;
  std::size_t kept = text.size();  // where the last limit − 1 code points begin
  for (std::size_t i = text.size(); i-- > 0;) {
    if ((static_cast<unsigned char>(text[i]) & 0xC0U) == 0x80U) continue;
    if (points + 1 < limit) kept = i;
    if (++points > limit) return "…" + std::string(text.substr(kept));
  }
  return std::string(text);
}

std::string differing_values(const Pairs& labels, const std::vector<const Pairs*>& siblings) {
  std::string values;
  for (const auto& label : labels) {
    const bool shared = std::all_of(siblings.begin(), siblings.end(), [&](const Pairs* other) {
      return std::find(other->begin(), other->end(), label) != other->end();
    });
    if (!shared) values += (values.empty() ? "" : " ") + label.second;
  }
  return values;
}

std::string counted(std::size_t count, std::string_view noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

bool is_timed(const ReportedExpectation& expectation) {
  return expectation.budget.has_value() || expectation.measured.has_value();
}

Headline headline_of(const RunReport& report) {
  Headline headline;
  headline.what = report.title.empty() ? report.scenario : report.scenario + ": " + report.title;
  headline.found = found_line(report);
  headline.sound = sound_line(report);
  return headline;
}

std::vector<std::string> uncertainties_of(const RunReport& report) {
  std::vector<std::string> doubts;
  if (report.without_fault)
    doubts.emplace_back("the fault was left out: this run shows only that the scenario can fail");
  if (report.time_scale != 1) {
    doubts.push_back(
        fmt::format("every duration of rules, intervals and timers was scaled by {:g}: the alert of the "
                    "original takes {:.3g} "
                    "times as long",
                    report.time_scale, 1 / report.time_scale));
  }
  for (const std::string& note : report.notes) doubts.push_back(note);
  for (const ReportedFault& fault : report.faults) add_fault_doubts(fault, doubts);
  for (const ReportedLoad& load : report.loads) add_load_doubts(load, doubts);
  add_alert_doubts(report, doubts);
  add_expectation_doubts(report, doubts);
  for (const std::string& remark : report.remarks) doubts.push_back(remark);
  add_record_doubts(report, doubts);
  return doubts;
}

}  // namespace obsctl::cli
