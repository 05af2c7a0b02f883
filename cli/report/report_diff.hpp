// Two runs of one scenario side by side: did detection, notification or clearing get slower, and what else
// changed? docs/reference/report.md says when the second is worse.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/report/run_report.hpp"
#include "core/error.hpp"

namespace obsctl::cli {

enum class Change {
  same,    ///< neither is true of the others
  slower,  ///< by more than the tolerance
  faster,  ///< likewise
  broken,  ///< passed before, not now
  mended,  ///< passes now, not before
  gone,    ///< no longer expected
  added,   ///< not expected before
};
std::string_view to_string(Change change);

struct ExpectationDiff {
  std::string id;
  std::string verdict_a, verdict_b;  ///< empty where it was not expected
  std::optional<Seconds> measured_a, measured_b, budget_a, budget_b;
  /// How much later it may come before that counts: the evaluation and the scrape interval of its rule.
  Seconds tolerance = 0;
  Change change = Change::same;

  std::optional<Seconds> margin_a() const;
  std::optional<Seconds> margin_b() const;
  /// A proof is lost, or a stage is slower.
  bool worse() const;
};

struct ReportDiff {
  std::string scenario;
  std::string id_a, id_b, started_a, started_b, verdict_a, verdict_b;
  std::vector<ExpectationDiff> expectations;  ///< in the order of B; those that are gone come last
  std::vector<std::string> changes;           ///< of scenario, rules, files, versions; one sentence each
  std::vector<std::string> worse;             ///< why B is worse; empty: it is not
};

/// Errors: usage, when they cannot be compared (two scenarios, two time scales).
core::Result<ReportDiff> compare(const RunReport& a, const RunReport& b);

/// As a table with what changed below it.
std::string diff_text(const ReportDiff& diff, bool colour);
/// {schema, scenario, a, b, worse, reasons, changes, expectations}.
scenarios::Json diff_json(const ReportDiff& diff);

}  // namespace obsctl::cli
