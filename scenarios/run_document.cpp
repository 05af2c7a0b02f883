#include "scenarios/run_document.hpp"

#include <algorithm>
#include <array>

namespace obsctl::scenarios {

namespace {

constexpr std::array<std::string_view, 8> kKinds{"alert",        "notification", "query",        "suppressed",
                                                 "steady_state", "check",        "nothing_else", "threshold"};

/// Seconds to the microsecond: more digits are not ours to give.
double seconds(Nanoseconds duration) {
  return core::to_seconds(std::chrono::floor<std::chrono::microseconds>(duration));
}

void put(Json& json, const char* key, const std::string& text) {
  if (!text.empty()) json[key] = text;
}

void put(Json& json, const char* key, const std::optional<Nanoseconds>& duration) {
  if (duration) json[key] = seconds(*duration);
}

Json expectation_json(const Expectation& expectation) {
  Json json{{"id", expectation.id}, {"kind", kKinds.at(static_cast<std::size_t>(expectation.kind))}};
  put(json, "stage", expectation.stage);
  put(json, "fault", expectation.fault);
  put(json, "alert", expectation.alert);
  put(json, "receiver", expectation.receiver);
  put(json, "earliest_s", expectation.earliest);
  put(json, "budget_s", expectation.budget);
  if (expectation.loose) json["loose"] = true;
  put(json, "derivation", expectation.derivation);
  return json;
}

Json window_json(const verifiers::StageWindow& window) {
  Json json{{"earliest_s", seconds(window.earliest)}};
  if (window.bounded()) json["latest_s"] = seconds(window.latest);
  if (window.loose) json["loose"] = true;
  return json;
}

Json rule_json(const PlannedRule& rule) {
  const verifiers::RuleTiming& timing = rule.timing;
  const verifiers::Budget& budget = rule.budget;
  return {{"alert", rule.alert},
          {"group", rule.group},
          {"file", rule.file},
          {"query", rule.query},
          {"shape", rule.shape},
          {"receivers", rule.receivers},
          {"labels", rule.labels},
          {"annotations", rule.annotations},
          {"for_s", seconds(timing.hold)},
          {"keep_firing_for_s", seconds(timing.keep_firing_for)},
          {"scrape_interval_s", seconds(timing.scrape_interval)},
          {"evaluation_interval_s", seconds(timing.evaluation_interval)},
          {"query_offset_s", seconds(timing.query_offset)},
          {"group_wait_s", seconds(timing.group_wait)},
          {"group_interval_s", seconds(timing.group_interval)},
          {"budget",
           {{"pending", window_json(budget.pending)},
            {"firing", window_json(budget.firing)},
            {"notified", window_json(budget.notified)},
            {"inactive", window_json(budget.inactive)},
            {"resolved", window_json(budget.resolved)}}}};
}

const Event* last_of(const std::vector<Event>& events, std::string_view kind) {
  const auto found =
      std::find_if(events.rbegin(), events.rend(), [&](const Event& event) { return event.kind == kind; });
  return found == events.rend() ? nullptr : &*found;
}

Json header(const std::string& run_id, const std::vector<Event>& events, core::WallTime start) {
  Json run{{"id", run_id}, {"started_at", core::format_utc(start)}};
  if (!events.empty()) {
    run["finished_at"] = core::format_utc(events.back().at);
    run["length_s"] = seconds(events.back().at - start);
  }
  if (const Event* started = find_first(events, "run.started")) run.update(started->fields);
  if (const Event* ready = find_first(events, "stack.ready")) {
    run["time_scale"] = ready->fields.value("time_scale", 1.0);
    run["places"] = ready->fields;
  }
  return run;
}

/// The plan's expectations with what was found of each.
Json expectations(const Event* plan, const Event* finished) {
  Json list = plan == nullptr ? Json::array() : plan->fields.value("expectations", Json::array());
  const Json findings =
      finished == nullptr ? Json::array() : finished->fields.value("findings", Json::array());
  for (Json& expectation : list) {
    expectation["verdict"] = "not_reached";
    for (const Json& finding : findings) {
      if (finding.value("id", "") == expectation.value("id", "")) expectation.update(finding);
    }
  }
  return list;
}

}  // namespace

Json plan_json(const Plan& plan) {
  Json json{{"expectations", Json::array()}, {"rules", Json::array()}};
  for (const Expectation& expectation : plan.expectations) {
    json["expectations"].push_back(expectation_json(expectation));
  }
  for (const PlannedRule& rule : plan.rules) json["rules"].push_back(rule_json(rule));
  for (const auto& [fault, shortest] : plan.shortest_fault)
    json["shortest_fault_s"][fault] = seconds(shortest);
  json["settle_s"] = seconds(plan.settle);
  json["watch_s"] = seconds(plan.watch);
  put(json, "longest_s", plan.longest);
  json["remarks"] = plan.remarks;
  return json;
}

Json findings_json(const Plan& plan, const Judgement& judgement) {
  Json json{
      {"verdict", to_string(judgement.verdict)}, {"reasons", judgement.reasons}, {"findings", Json::array()}};
  for (std::size_t i = 0; i < judgement.findings.size(); ++i) {
    const Finding& finding = judgement.findings[i];
    Json one{{"id", plan.expectations.at(i).id}, {"verdict", to_string(finding.outcome)}};
    put(one, "measured_s", finding.measured);
    put(one, "detail", finding.detail);
    put(one, "cause", finding.cause);
    json["findings"].push_back(std::move(one));
  }
  return json;
}

Json run_document(const std::string& run_id, const std::vector<Event>& events, core::WallTime start) {
  const Event* plan = find_first(events, "plan.made");
  const Event* finished = last_of(events, "run.finished");
  Json document{{"schema", 1}, {"run", header(run_id, events, start)}};
  document["verdict"] = finished == nullptr ? "error" : finished->text("verdict");
  document["reasons"] =
      finished == nullptr
          ? Json::array({"the journal has no end: the run still goes on, was refused, or obsctl itself was "
                         "ended"})
          : finished->fields.value("reasons", Json::array());
  document["expectations"] = expectations(plan, finished);
  document["rules"] = plan == nullptr ? Json::array() : plan->fields.value("rules", Json::array());
  document["remarks"] = plan == nullptr ? Json::array() : plan->fields.value("remarks", Json::array());
  std::vector<const Event*> ordered;
  // The two have been taken apart above.
  for (const Event& event : events) {
    if (event.kind != "plan.made" && event.kind != "run.finished") ordered.push_back(&event);
  }
  std::stable_sort(ordered.begin(), ordered.end(),
                   [](const Event* a, const Event* b) { return a->at < b->at; });
  document["events"] = Json::array();
  for (const Event* event : ordered) document["events"].push_back(to_json(*event, start));
  return document;
}

}  // namespace obsctl::scenarios
