// How reports say things: the same words in HTML, Markdown and on a terminal. Plain text, not escaped.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/report/run_report.hpp"

namespace obsctl::cli {

/// "9.02s", "1m12s", "−0.51s": three figures.
std::string seconds_text(Seconds seconds);
/// "0:45", "12:05" or "0:02.5": a place on a time axis whose ticks are `step` apart.
std::string clock_text(Seconds seconds, Seconds step);
/// An instant as journals have it, for people: "2026-11-21 08:15:40 UTC".
std::string utc_text(std::string_view instant);
/// "7.83s – 11.0s", "≤ 14.0s" or nothing.
std::string budget_text(const ReportedExpectation& expectation);
/// ✓ passed, ✗ anything that fails a run, ? inconclusive, - not reached. The sign alone.
std::string_view sign_of(std::string_view verdict);
/// "not reached": as words.
std::string verdict_text(std::string_view verdict);
/// "PASSED".
std::string upper(std::string_view text);
/// `service="api", severity="critical"`.
std::string labels_text(const Pairs& labels);
/// The values of the labels that not all of `siblings` (of which this is one) have; empty where there are
/// none.
std::string differing_values(const Pairs& labels, const std::vector<const Pairs*>& siblings);
/// At most `limit` code points, the first of which is then "…": of addresses and paths the end tells more.
std::string end_of(std::string_view text, std::size_t limit);
/// At most `limit` code points, the last of which is then "…".
std::string shortened(std::string_view text, std::size_t limit);
/// "1 alert", "2 alerts".
std::string counted(std::size_t count, std::string_view noun);

/// Shown as stage against budget: it has a budget, or a time has been measured.
bool is_timed(const ReportedExpectation& expectation);

/// A run in three lines.
struct Headline {
  std::string what;   ///< the scenario and its title
  std::string found;  ///< what was measured, or why it is not passed
  std::string sound;  ///< the state of the fault and the load, and how durations were scaled
};
Headline headline_of(const RunReport& report);

/// Everything that makes the run less than certain, one sentence each without a full stop; empty when nothing
/// is known.
std::vector<std::string> uncertainties_of(const RunReport& report);

}  // namespace obsctl::cli
