// What a run leaves behind, as JSON: the plan and the findings as events of the journal, and the one document
// that every report is rendered from. Its format is docs/reference/journal.md.
#pragma once

#include <string>
#include <vector>

#include "scenarios/expectation.hpp"
#include "scenarios/journal.hpp"
#include "scenarios/planner.hpp"

namespace obsctl::scenarios {

/// The fields of the event plan.made.
Json plan_json(const Plan& plan);
/// The fields of the event run.finished.
Json findings_json(const Plan& plan, const Judgement& judgement);

/// The journal document (schema 1), from events alone: {schema, run, verdict, reasons, expectations, rules,
/// remarks, events}. Events are in the order of `at`.
Json run_document(const std::string& run_id, const std::vector<Event>& events, core::WallTime start);

}  // namespace obsctl::scenarios
