#include "cli/report/run_report.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <string_view>

#include "cli/report/json_fields.hpp"

namespace obsctl::cli {

using scenarios::Event;
using scenarios::Json;

namespace {

ReportedExpectation read_expectation(const Json& json) {
  ReportedExpectation one;
  for (const auto& [key, text] : {std::pair{"id", &one.id},
                                  {"kind", &one.kind},
                                  {"stage", &one.stage},
                                  {"fault", &one.fault},
                                  {"alert", &one.alert},
                                  {"receiver", &one.receiver},
                                  {"derivation", &one.derivation},
                                  {"verdict", &one.verdict},
                                  {"detail", &one.detail},
                                  {"cause", &one.cause}}) {
    *text = text_in(json, key);
  }
  if (one.verdict.empty()) one.verdict = "not_reached";
  one.earliest = number_in(json, "earliest_s");
  one.budget = number_in(json, "budget_s");
  one.measured = number_in(json, "measured_s");
  one.loose = flag_in(json, "loose");
  return one;
}

ReportedRule read_rule(const Json& json) {
  ReportedRule rule;
  for (const auto& [key, text] : {std::pair{"alert", &rule.alert},
                                  {"group", &rule.group},
                                  {"file", &rule.file},
                                  {"query", &rule.query},
                                  {"shape", &rule.shape}}) {
    *text = text_in(json, key);
  }
  rule.receivers = texts_in(json, "receivers");
  rule.labels = pairs_in(json, "labels");
  rule.annotations = pairs_in(json, "annotations");
  for (const auto& [key, interval] : {std::pair{"scrape_interval_s", &rule.scrape},
                                      {"evaluation_interval_s", &rule.evaluation},
                                      {"for_s", &rule.hold},
                                      {"keep_firing_for_s", &rule.keep_firing},
                                      {"query_offset_s", &rule.query_offset},
                                      {"group_wait_s", &rule.group_wait},
                                      {"group_interval_s", &rule.group_interval}}) {
    *interval = number_in(json, key);
  }
  return rule;
}

void read_header(const Json& document, RunReport& report) {
  const Json& run = object_in(document, "run");
  for (const auto& [key, text] : {std::pair{"id", &report.id},
                                  {"scenario", &report.scenario},
                                  {"title", &report.title},
                                  {"file", &report.file},
                                  {"scenario_sha256", &report.scenario_sha256},
                                  {"stack", &report.stack},
                                  {"obsctl", &report.obsctl},
                                  {"revision", &report.revision},
                                  {"started_at", &report.started_at},
                                  {"finished_at", &report.finished_at}}) {
    *text = text_in(run, key);
  }
  report.length = std::max(0.0, number_in(run, "length_s").value_or(0));
  report.time_scale = number_in(run, "time_scale").value_or(1);
  report.without_fault = flag_in(run, "without_fault");
  const Json& places = object_in(run, "places");
  report.instance = text_in(places, "instance");
  report.versions = pairs_in(places, "versions");
  report.notes = texts_in(places, "notes");
  for (const char* part : {"prometheus", "alertmanager", "receiver"}) {
    if (std::string url = text_in(places, part); !url.empty())
      report.places.emplace_back(part, std::move(url));
  }
  for (const Json& file : list_in(places, "files"))
    report.files.emplace_back(text_in(file, "path"), text_in(file, "sha256"));
}

/// Finds the item that an event is about, or makes it.
template <class Item>
Item& item_named(std::vector<Item>& items, std::string Item::*name, const std::string& wanted) {
  const auto found =
      std::find_if(items.begin(), items.end(), [&](const Item& item) { return item.*name == wanted; });
  if (found != items.end()) return *found;
  items.emplace_back().*name = wanted;
  return items.back();
}

void read_fault_event(const Event& event, Seconds t, RunReport& report) {
  ReportedFault& fault = item_named(report.faults, &ReportedFault::name, event.text("fault"));
  const auto take = [&](const char* key, std::string& text) {
    if (std::string value = event.text(key); !value.empty()) text = std::move(value);
  };
  take("description", fault.description);
  take("target", fault.target);
  take("undo", fault.undo);
  const std::string_view stage = std::string_view(event.kind).substr(std::string_view("fault.").size());
  if (stage == "injecting") fault.injecting = t;
  if (stage == "injected") fault.injected = t;
  if (stage == "clearing" && !fault.clearing) fault.clearing = t;
  if (stage == "cleared") {
    fault.cleared = t;
    fault.went_with_stack = event.fields.contains("with");
  }
  if (stage == "skipped") fault.skipped = true;
  if (stage == "confirmed") {
    fault.confirmed = t;
    take("evidence", fault.evidence);
  }
  if (stage == "clear_confirmed") {
    fault.clear_confirmed = t;
    take("evidence", fault.clear_evidence);
  }
  if (stage == "not_removed") take("reason", fault.not_removed);
  if (event.flag("rollback")) fault.rolled_back = true;
}

ReportedAlert& alert_of(const Event& event, RunReport& report) {
  const std::string name = event.text("alert");
  Pairs labels = pairs_in(event.fields, "labels");
  std::erase_if(labels, [](const auto& label) { return label.first == "alertname"; });
  for (ReportedAlert& alert : report.alerts) {
    if (alert.alert == name && alert.labels == labels) return alert;
  }
  return report.alerts.emplace_back(ReportedAlert{name, std::move(labels), {}, {}, false});
}

/// Closes the state that the alert was in and opens the new one. Until the end of the run, if nothing else
/// comes.
void read_alert_event(const Event& event, Seconds t, RunReport& report) {
  ReportedAlert& alert = alert_of(event, report);
  const std::string state = event.kind.substr(std::string_view("alert.").size());
  if (state == "suppressed") {
    alert.suppressed.emplace_back(t, event.text("by"));
    return;
  }
  if (event.flag("preexisting")) alert.preexisting = true;
  if (!alert.spans.empty()) {
    AlertSpan& last = alert.spans.back();
    last.to = std::max(last.from, std::min(last.to, t));
  }
  if (state != "inactive")
    alert.spans.push_back({state, t, std::max(t, report.length), !event.fields.contains("not_before")});
}

/// One request is one event for each state that it speaks of.
void read_notification_event(const Event& event, Seconds t, const std::string& at, RunReport& report) {
  const auto sequence = static_cast<std::int64_t>(event.number("sequence"));
  const auto known = std::find_if(report.notifications.begin(), report.notifications.end(),
                                  [&](const ReportedNotification& one) { return one.sequence == sequence; });
  ReportedNotification& one =
      known == report.notifications.end() ? report.notifications.emplace_back() : *known;
  one.t = t;
  one.at = at;
  one.receiver = event.text("receiver");
  one.via = event.text("via");
  one.raw = event.text("raw");
  one.sequence = sequence;
  if (event.kind == "notification.firing") one.firing = texts_in(event.fields, "alerts");
  if (event.kind == "notification.resolved") one.resolved = texts_in(event.fields, "alerts");
  if (event.kind == "notification.refused") {
    one.refused = true;
    one.refused_alerts = texts_in(event.fields, "alerts");
  }
}

LoadWindow read_window(const Json& json, Seconds load_started) {
  const auto number = [&](const char* key) { return std::max(0.0, number_in(json, key).value_or(0)); };
  return {load_started + number("start_s"),
          number("length_s"),
          number("asked"),
          number("sent"),
          number("errors"),
          number("p50_s"),
          number("p95_s"),
          number("p99_s"),
          number("lag_p99_s")};
}

LoadPhase read_phase(const std::string& name, const Json& json) {
  LoadPhase phase;
  phase.name = name;
  phase.completed = static_cast<std::int64_t>(number_in(json, "completed").value_or(0));
  phase.length = number_in(json, "length_s");
  phase.error_ratio = number_in(json, "error_ratio");
  phase.achieved_rate = number_in(json, "achieved_rate");
  for (const char* kind : {"response", "service"}) {
    for (const char* quantile : {"p50", "p90", "p95", "p99"}) {
      const std::string key = std::string(kind) + "_" + quantile;
      if (const auto value = number_in(json, key)) phase.times[key] = *value;
    }
  }
  return phase;
}

void read_load_event(const Event& event, Seconds t, RunReport& report) {
  ReportedLoad& load = item_named(report.loads, &ReportedLoad::name, event.text("load"));
  const Json& fields = event.fields;
  if (event.kind == "load.started") {
    load.target = event.text("target");
    load.url = event.text("url");
    load.rate = event.text("rate");
    load.started = t;
    if (const auto seed = number_in(fields, "seed")) load.seed = static_cast<std::int64_t>(*seed);
    return;
  }
  load.finished = t;
  load.asked_rate = number_in(fields, "asked_rate");
  load.achieved_rate = number_in(fields, "achieved_rate");
  load.lag_p99 = number_in(fields, "schedule_lag_p99_s");
  load.generator_limited = flag_in(fields, "generator_limited");
  for (const auto& [name, count] : object_in(fields, "counts").items()) {
    if (count.is_number()) load.counts.emplace_back(name, static_cast<std::int64_t>(count.get<double>()));
  }
  for (const auto& [name, phase] : object_in(fields, "phases").items())
    load.phases.push_back(read_phase(name, phase));
  for (const Json& window : list_in(fields, "windows"))
    load.windows.push_back(read_window(window, load.started.value_or(0)));
}

ReportedSamples read_samples(const Event& event) {
  ReportedSamples samples{event.text("alert"), event.text("expression"), event.text("operation"), {}, {}, 0};
  samples.threshold = number_in(event.fields, "threshold");
  samples.left_out = static_cast<std::int64_t>(event.number("left_out"));
  for (const Json& json : list_in(event.fields, "series")) {
    ReportedSeries series{pairs_in(json, "labels"), {}};
    for (const Json& point : list_in(json, "values")) {
      if (!point.is_array() || point.size() != 2) continue;
      const auto t = number_of(point[0]);
      if (t) series.points.emplace_back(*t, number_of(point[1]));
    }
    samples.series.push_back(std::move(series));
  }
  return samples;
}

void read_event(const Json& json, RunReport& report) {
  ReportedEvent one{number_in(json, "t_s").value_or(0), text_in(json, "at"), text_in(json, "kind"), {}};
  one.event.kind = one.kind;
  one.event.fields = json.is_object() ? json : Json::object();
  const Event& event = one.event;
  if (one.kind.starts_with("fault.")) read_fault_event(event, one.t, report);
  if (one.kind.starts_with("alert.")) read_alert_event(event, one.t, report);
  if (one.kind.starts_with("notification.") && one.kind != "notification.overdue")
    read_notification_event(event, one.t, one.at, report);
  if (one.kind.starts_with("load.")) read_load_event(event, one.t, report);
  if (one.kind == "rule.samples") report.samples.push_back(read_samples(event));
  report.events.push_back(std::move(one));
}

}  // namespace

const ReportedRule* RunReport::rule(const std::string& alert) const {
  const auto found =
      std::find_if(rules.begin(), rules.end(), [&](const ReportedRule& one) { return one.alert == alert; });
  return found == rules.end() ? nullptr : &*found;
}

RunReport read_report(const Json& document) {
  RunReport report;
  read_header(document, report);
  report.verdict = text_in(document, "verdict");
  report.reasons = texts_in(document, "reasons");
  report.remarks = texts_in(document, "remarks");
  for (const Json& json : list_in(document, "expectations"))
    report.expectations.push_back(read_expectation(json));
  for (const Json& json : list_in(document, "rules")) report.rules.push_back(read_rule(json));
  for (const Json& json : list_in(document, "events")) read_event(json, report);
  return report;
}

}  // namespace obsctl::cli
