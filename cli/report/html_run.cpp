// What the run did: load, rules, faults, notifications, where it took place, and every event.
#include <algorithm>
#include <array>
#include <iterator>
#include <set>

#include <fmt/format.h>

#include "cli/report/charts.hpp"
#include "cli/report/html_parts.hpp"
#include "cli/report/report_text.hpp"
#include "cli/run_display.hpp"
#include "core/markup.hpp"
#include "core/text.hpp"

namespace obsctl::cli {

namespace {

using core::escape_markup;

// A payload of a megabyte would make the page unreadable; the journal has the whole.
constexpr std::size_t kLongestPayload = 32u << 10;
constexpr std::size_t kMostEvents = 2000;

std::string ratio_text(const std::optional<double>& ratio) {
  return ratio ? fmt::format("{:.2f}%", 100 * *ratio) : "";
}

std::string time_cell(const LoadPhase& phase, const std::string& key) {
  const auto found = phase.times.find(key);
  return fmt::format("<td class=\"num\">{}</td>",
                     found == phase.times.end() ? "" : seconds_text(found->second));
}

std::string phase_table(const ReportedLoad& load) {
  if (load.phases.empty())
    return "<p class=\"quiet\">The load has no end in the journal: its figures are not known.</p>\n";
  std::string table =
      "<div class=\"wide\"><table><caption>By phase; requests that may have met the fault or not count for "
      "the whole "
      "only</caption><thead><tr><th>Phase</th><th class=\"num\">Requests</th><th class=\"num\">Sent/s</th>"
      "<th class=\"num\">Errors</th><th class=\"num\">Response p50</th><th class=\"num\">p95</th>"
      "<th class=\"num\">p99</th><th class=\"num\">Service p50</th><th class=\"num\">p95</th>"
      "<th class=\"num\">p99</th></tr></thead><tbody>\n";
  for (const LoadPhase& phase : load.phases) {
    if (phase.name == "injecting" || phase.name == "clearing") continue;
    fmt::format_to(std::back_inserter(table),
                   "<tr><th scope=\"row\">{}</th><td class=\"num\">{}</td><td class=\"num\">{}</td>"
                   "<td class=\"num\">{}</td>",
                   escape_markup(phase.name), phase.completed,
                   phase.achieved_rate ? fmt::format("{:.1f}", *phase.achieved_rate) : "",
                   ratio_text(phase.error_ratio));
    for (const char* key :
         {"response_p50", "response_p95", "response_p99", "service_p50", "service_p95", "service_p99"}) {
      table += time_cell(phase, key);
    }
    table += "</tr>\n";
  }
  return table + "</tbody></table></div>\n";
}

std::string counts_text(const ReportedLoad& load) {
  std::vector<std::string> parts;
  for (const auto& [name, count] : load.counts) {
    if (count != 0) parts.push_back(fmt::format("{} {}", count, name));
  }
  return fmt::format("{}", fmt::join(parts, ", "));
}

std::string load_facts(const ReportedLoad& load) {
  return pairs_list(
      {{"Load", fmt::format("{}: {} to {} ({})", load.name, load.rate, load.target, load.url)},
       {"Offered and achieved",
        load.asked_rate && load.achieved_rate
            ? fmt::format("{:.2f}/s asked for, {:.2f}/s sent", *load.asked_rate, *load.achieved_rate)
            : ""},
       {"Lateness of obsctl itself", load.lag_p99 ? fmt::format("p99 {}", seconds_text(*load.lag_p99)) : ""},
       {"Requests", counts_text(load)}});
}

/// Every interval that counts, by the letters of the budgets' formulas.
std::string interval_table(const ReportedRule& rule) {
  std::string names;
  std::string values;
  for (const auto& [name, value] :
       {std::pair{"scrape (S)", rule.scrape}, std::pair{"evaluation (E)", rule.evaluation},
        std::pair{"for (F)", rule.hold}, std::pair{"keep_firing_for (K)", rule.keep_firing},
        std::pair{"query_offset (q)", rule.query_offset}, std::pair{"group_wait (G)", rule.group_wait},
        std::pair{"group_interval (GI)", rule.group_interval}}) {
    names += fmt::format("<th class=\"num\">{}</th>", name);
    values += fmt::format("<td class=\"num\">{}</td>",
                          value ? core::format_duration(core::from_seconds(*value)) : "not recorded");
  }
  return "<div class=\"wide\"><table><thead><tr>" + names + "</tr></thead><tbody><tr>" + values +
         "</tr></tbody></table></div>\n";
}

std::string rule_facts(const ReportedRule& rule) {
  return pairs_list({{"Understood as", rule.shape},
                     {"Group", rule.group},
                     {"File", rule.file},
                     {"Routed to", fmt::format("{}", fmt::join(rule.receivers, ", "))}});
}

/// A text as YAML: in quotation marks, as JSON has them.
std::string yaml_text(const std::string& text) {
  return scenarios::Json(text).dump(-1, ' ', false, scenarios::Json::error_handler_t::replace);
}

std::string state_of(const ReportedNotification& one) {
  std::vector<std::string> parts;
  for (const std::string& name : one.refused_alerts) parts.push_back("✗ " + name + " refused");
  for (const std::string& name : one.firing) parts.push_back("● " + name + " firing");
  for (const std::string& name : one.resolved) parts.push_back("✓ " + name + " resolved");
  return parts.empty() ? "nothing known in it" : fmt::format("{}", fmt::join(parts, ", "));
}

/// As it came, but with JSON spread over lines: people read this.
std::string payload_text(const std::string& raw) {
  const auto shallow = [](int depth, scenarios::Json::parse_event_t, const scenarios::Json&) {
    return depth <= 40;
  };
  const scenarios::Json json = scenarios::Json::parse(raw, shallow, false);
  const std::string text =
      json.is_discarded() ? raw : json.dump(2, ' ', false, scenarios::Json::error_handler_t::replace);
  if (text.size() <= kLongestPayload) return escape_markup(text);
  std::size_t end = kLongestPayload;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  return escape_markup(std::string_view(text).substr(0, end)) +
         fmt::format("\n… {} more bytes", text.size() - end);
}

std::string fault_time(const std::optional<Seconds>& t) {
  return t ? clock_text(*t, 0.1) : "";
}

}  // namespace

std::string rule_yaml(const ReportedRule& rule) {
  std::string yaml = fmt::format("- alert: {}\n  expr: |-\n", rule.alert);
  for (const std::string_view line : core::split(rule.query, '\n')) yaml += fmt::format("    {}\n", line);
  if (rule.hold) yaml += "  for: " + core::format_duration(core::from_seconds(*rule.hold)) + "\n";
  if (rule.keep_firing.value_or(0) > 0)
    yaml += "  keep_firing_for: " + core::format_duration(core::from_seconds(*rule.keep_firing)) + "\n";
  for (const auto& [key, pairs] :
       {std::pair{"labels", &rule.labels}, std::pair{"annotations", &rule.annotations}}) {
    if (pairs->empty()) continue;
    yaml += fmt::format("  {}:\n", key);
    for (const auto& [name, value] : *pairs) yaml += fmt::format("    {}: {}\n", name, yaml_text(value));
  }
  return yaml;
}

std::string html_load(const RunReport& report) {
  if (report.loads.empty()) return {};
  std::string out = rate_charts(report) + latency_charts(report);
  for (const ReportedLoad& load : report.loads) out += load_facts(load) + phase_table(load);
  return out;
}

std::string html_rules(const RunReport& report) {
  std::string out;
  std::set<std::string> told;  // a rule that two faults trip is planned twice
  for (const ReportedRule& rule : report.rules) {
    if (!told.insert(rule.alert).second) continue;
    out += "<h3>" + isolated(rule.alert) + "</h3>\n" + rule_charts(report, rule.alert) + "<pre>" +
           escape_markup(rule_yaml(rule)) + "</pre>\n" + interval_table(rule) + rule_facts(rule);
  }
  return out;
}

std::string html_faults(const RunReport& report) {
  if (report.faults.empty()) return {};
  std::string out =
      "<div class=\"wide\"><table><thead><tr><th>Fault</th><th class=\"num\">Injected</th>"
      "<th class=\"num\">Confirmed</th><th class=\"num\">Removed</th><th class=\"num\">Confirmed removed</th>"
      "<th>Evidence</th></tr></thead><tbody>\n";
  for (const ReportedFault& fault : report.faults) {
    std::vector<std::string> evidence;
    if (fault.skipped) evidence.emplace_back("left out (--without-fault)");
    if (!fault.evidence.empty()) evidence.push_back("there: " + fault.evidence);
    if (!fault.clear_evidence.empty()) evidence.push_back("gone: " + fault.clear_evidence);
    if (fault.went_with_stack) evidence.emplace_back("gone with its stack");
    if (!fault.not_removed.empty())
      evidence.push_back("not removed: " + fault.not_removed + "; by hand: " + fault.undo);
    std::string cells;
    for (const auto& t : {fault.injected, fault.confirmed, fault.cleared, fault.clear_confirmed})
      cells += "<td class=\"num\">" + fault_time(t) + "</td>";
    std::string told;
    for (const std::string& text : evidence) {
      if (!told.empty()) told += "<br>";
      told += isolated(text);
    }
    fmt::format_to(std::back_inserter(out), "<tr><th scope=\"row\">{}</th>{}<td>{}</td></tr>\n",
                   isolated(fault.description.empty() ? fault.name : fault.name + ": " + fault.description),
                   cells, told);
  }
  return out + "</tbody></table></div>\n";
}

std::string html_notifications(const RunReport& report) {
  if (report.notifications.empty()) return {};
  std::string out;
  for (const ReportedNotification& one : report.notifications) {
    fmt::format_to(std::back_inserter(out),
                   "<details><summary>{} · to {} ({}) · {}</summary><pre>{}</pre></details>\n",
                   clock_text(one.t, 0.1), isolated(one.receiver), isolated(one.via), isolated(state_of(one)),
                   payload_text(one.raw));
  }
  return "<p class=\"quiet\">Minutes and seconds since the run began, where each went, what it says of which "
         "alert; "
         "open one for its payload.</p>\n" +
         out;
}

std::string html_identity(const RunReport& report) {
  Pairs facts{
      {"Run", report.id},
      {"Began", utc_text(report.started_at)},
      {"Ended", report.finished_at.empty()
                    ? ""
                    : utc_text(report.finished_at) + ", after " + seconds_text(report.length)},
      {"Scenario", report.scenario},
      {"Scenario file", report.file},
      {"SHA-256 of the scenario", report.scenario_sha256},
      {"Git revision", report.revision.empty() ? "not recorded, or no git repository" : report.revision},
      {"Stack", report.instance.empty() ? report.stack : report.stack + ", as " + report.instance},
      {"Time scale", fmt::format("{:g}", report.time_scale)},
      {"obsctl", report.obsctl}};
  for (const ReportedLoad& load : report.loads) {
    if (load.seed) facts.emplace_back("Seed of load " + load.name, fmt::format("{}", *load.seed));
  }
  for (const auto& [part, url] : report.places) facts.emplace_back(part, url);
  std::string out = pairs_list(facts);
  if (!report.versions.empty()) out += "<h3>Versions</h3>\n" + pairs_list(report.versions);
  if (report.files.empty()) return out;
  out += "<h3>Files, by the SHA-256 they had before anything was rewritten</h3>\n<dl class=\"pairs\">\n";
  for (const auto& [path, sum] : report.files)
    out += "<dt>" + escape_markup(path) + "</dt><dd><code>" + escape_markup(sum) + "</code></dd>\n";
  return out + "</dl>\n";
}

std::string html_events(const RunReport& report) {
  std::string out = fmt::format(
      "<section id=\"events\"><h2>Events</h2><details class=\"long\"><summary>{}</summary><div "
      "class=\"wide\"><table>"
      "<thead><tr><th class=\"num\">Since the run began</th><th>At, "
      "UTC</th><th>Kind</th><th></th></tr></thead>"
      "<tbody>\n",
      counted(report.events.size(), "event"));
  for (std::size_t i = 0; i < std::min(report.events.size(), kMostEvents); ++i) {
    const ReportedEvent& one = report.events[i];
    fmt::format_to(std::back_inserter(out),
                   "<tr><td class=\"num\">{:.3f}s</td><td class=\"num\">{}</td><td>{}</td><td>{}</td></tr>\n",
                   one.t, escape_markup(one.at), escape_markup(one.kind),
                   escape_markup(shortened(event_line(one.event), 300)));
  }
  out += "</tbody></table></div></details>\n";
  if (report.events.size() > kMostEvents)
    out +=
        fmt::format("<p class=\"quiet\">… {} more in the journal</p>\n", report.events.size() - kMostEvents);
  return out + "</section>\n";
}

}  // namespace obsctl::cli
