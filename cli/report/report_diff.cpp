#include "cli/report/report_diff.hpp"

#include <algorithm>
#include <array>
#include <map>

#include <fmt/format.h>

#include "cli/report/report_text.hpp"
#include "cli/stack_display.hpp"
#include "cli/terminal.hpp"
#include "core/text.hpp"

namespace obsctl::cli {

using scenarios::Json;

namespace {

// Of what no rule says how exact it can be: a query is looked at ten times a second.
constexpr Seconds kTolerance = 1;

const ReportedExpectation* find(const RunReport& report, const std::string& id) {
  const auto found = std::find_if(report.expectations.begin(), report.expectations.end(),
                                  [&](const ReportedExpectation& one) { return one.id == id; });
  return found == report.expectations.end() ? nullptr : &*found;
}

Seconds grain_of(const RunReport& report, const std::string& alert) {
  const ReportedRule* rule = report.rule(alert);
  return rule == nullptr ? 0 : rule->evaluation.value_or(0) + rule->scrape.value_or(0);
}

Change change_of(const ExpectationDiff& one) {
  if (one.verdict_b.empty()) return Change::gone;
  if (one.verdict_a.empty()) return Change::added;
  const bool passed_a = one.verdict_a == "passed";
  const bool passed_b = one.verdict_b == "passed";
  if (passed_a != passed_b) return passed_a ? Change::broken : Change::mended;
  if (!one.measured_a || !one.measured_b) return Change::same;
  const Seconds later = *one.measured_b - *one.measured_a;
  if (later > one.tolerance) return Change::slower;
  return later < -one.tolerance ? Change::faster : Change::same;
}

ExpectationDiff diff_of(const RunReport& a, const RunReport& b, const std::string& id) {
  ExpectationDiff one;
  one.id = id;
  std::string alert;
  if (const ReportedExpectation* before = find(a, id)) {
    one.verdict_a = before->verdict;
    one.measured_a = before->measured;
    one.budget_a = before->budget;
    alert = before->alert;
  }
  if (const ReportedExpectation* after = find(b, id)) {
    one.verdict_b = after->verdict;
    one.measured_b = after->measured;
    one.budget_b = after->budget;
    alert = after->alert;
  }
  one.tolerance = std::max(grain_of(a, alert), grain_of(b, alert));
  if (one.tolerance <= 0) one.tolerance = kTolerance;
  one.change = change_of(one);
  return one;
}

void add_change(std::vector<std::string>& changes, const std::string& what, const std::string& before,
                const std::string& after) {
  if (before == after) return;
  const auto named = [](const std::string& text) {
    return text.empty() ? std::string("not recorded") : text;
  };
  changes.push_back(fmt::format("{}: {} → {}", what, named(before), named(after)));
}

std::string interval_text(const std::optional<Seconds>& value) {
  return value ? seconds_text(*value) : "";
}

void add_rule_changes(const ReportedRule& before, const ReportedRule& after,
                      std::vector<std::string>& changes) {
  const std::string of = " of " + after.alert;
  add_change(changes, "query" + of, before.query, after.query);
  add_change(changes, "labels" + of, labels_text(before.labels), labels_text(after.labels));
  add_change(changes, "annotations" + of, labels_text(before.annotations), labels_text(after.annotations));
  add_change(changes, "receivers" + of, fmt::format("{}", fmt::join(before.receivers, ", ")),
             fmt::format("{}", fmt::join(after.receivers, ", ")));
  for (const auto& [name, interval] :
       {std::pair{"scrape interval", &ReportedRule::scrape},
        std::pair{"evaluation interval", &ReportedRule::evaluation}, std::pair{"for", &ReportedRule::hold},
        std::pair{"keep_firing_for", &ReportedRule::keep_firing},
        std::pair{"query_offset", &ReportedRule::query_offset},
        std::pair{"group_wait", &ReportedRule::group_wait},
        std::pair{"group_interval", &ReportedRule::group_interval}}) {
    add_change(changes, name + of, interval_text(before.*interval), interval_text(after.*interval));
  }
}

void add_pair_changes(const std::string& what, const Pairs& before, const Pairs& after,
                      std::vector<std::string>& changes) {
  std::map<std::string, std::array<std::string, 2>> by_name;
  for (const auto& [name, text] : before) by_name[name][0] = text;
  for (const auto& [name, text] : after) by_name[name][1] = text;
  for (const auto& [name, texts] : by_name)
    add_change(changes, fmt::format("{} {}", what, name), texts[0], texts[1]);
}

std::vector<std::string> changes_between(const RunReport& a, const RunReport& b) {
  std::vector<std::string> changes;
  add_change(changes, "SHA-256 of the scenario", a.scenario_sha256, b.scenario_sha256);
  add_pair_changes("SHA-256 of", a.files, b.files, changes);
  for (const ReportedRule& after : b.rules) {
    const ReportedRule* before = a.rule(after.alert);
    // A rule that two faults trip is there twice, and the same.
    if (before != nullptr && b.rule(after.alert) == &after) add_rule_changes(*before, after, changes);
  }
  add_pair_changes("version of", a.versions, b.versions, changes);
  add_change(changes, "obsctl", a.obsctl, b.obsctl);
  add_change(changes, "git revision", a.revision, b.revision);
  return changes;
}

std::string reason_of(const ExpectationDiff& one) {
  if (one.change == Change::gone) return fmt::format("{} passed and is no longer expected", one.id);
  if (one.change == Change::broken) return fmt::format("{} passed and is now {}", one.id, one.verdict_b);
  return fmt::format("{} came {} later, more than the {} that it may", one.id,
                     seconds_text(*one.measured_b - *one.measured_a), seconds_text(one.tolerance));
}

std::string change_text(const ExpectationDiff& one) {
  const bool times = one.measured_a && one.measured_b;
  const Seconds later = times ? *one.measured_b - *one.measured_a : 0;
  std::string by = times ? (later < 0 ? "" : "+") + seconds_text(later) : "";
  if (one.change == Change::same) return by;
  return by + (by.empty() ? "" : " ") + std::string(to_string(one.change));
}

std::string optional_text(const std::optional<Seconds>& value) {
  return value ? seconds_text(*value) : "";
}

void put(Json& json, const char* key, const std::optional<Seconds>& value) {
  if (value) json[key] = *value;
}

Json side_json(const std::string& id, const std::string& started, const std::string& verdict) {
  return {{"run", id}, {"started_at", started}, {"verdict", verdict}};
}

}  // namespace

std::string_view to_string(Change change) {
  constexpr std::array<std::string_view, 7> kNames{"same",   "slower", "faster", "broken",
                                                   "mended", "gone",   "new"};
  return kNames.at(static_cast<std::size_t>(change));
}

std::optional<Seconds> ExpectationDiff::margin_a() const {
  return measured_a && budget_a ? std::optional(*budget_a - *measured_a) : std::nullopt;
}

std::optional<Seconds> ExpectationDiff::margin_b() const {
  return measured_b && budget_b ? std::optional(*budget_b - *measured_b) : std::nullopt;
}

bool ExpectationDiff::worse() const {
  return change == Change::slower || change == Change::broken ||
         (change == Change::gone && verdict_a == "passed");
}

core::Result<ReportDiff> compare(const RunReport& a, const RunReport& b) {
  if (a.scenario != b.scenario) {
    return core::make_error(
        core::ErrorKind::usage,
        fmt::format("{} is a run of {} and {} one of {}", a.id, a.scenario, b.id, b.scenario),
        "compare two runs of one scenario");
  }
  if (a.time_scale != b.time_scale) {
    return core::make_error(
        core::ErrorKind::usage,
        fmt::format("{} ran with time scale {:g} and {} with {:g}: their times say nothing about each other",
                    a.id, a.time_scale, b.id, b.time_scale),
        "run both with the same --time-scale");
  }
  ReportDiff diff{b.scenario, a.id, b.id, a.started_at, b.started_at, a.verdict, b.verdict, {}, {}, {}};
  for (const ReportedExpectation& one : b.expectations) diff.expectations.push_back(diff_of(a, b, one.id));
  for (const ReportedExpectation& one : a.expectations) {
    if (find(b, one.id) == nullptr) diff.expectations.push_back(diff_of(a, b, one.id));
  }
  diff.changes = changes_between(a, b);
  for (const ExpectationDiff& one : diff.expectations) {
    if (one.worse()) diff.worse.push_back(reason_of(one));
  }
  if (diff.worse.empty() && a.verdict == "passed" && b.verdict != "passed")
    diff.worse.push_back(fmt::format("the run passed and is now {}", b.verdict));
  return diff;
}

std::string diff_text(const ReportDiff& diff, bool colour) {
  std::string text = fmt::format("{}\n  A  {}  {}  {}\n  B  {}  {}  {}\n\n", diff.scenario, diff.id_a,
                                 diff.started_a, diff.verdict_a, diff.id_b, diff.started_b, diff.verdict_b);
  std::vector<std::vector<std::string>> rows{
      {"EXPECTED", "A", "B", "BUDGET B", "MARGIN A", "MARGIN B", "CHANGE"}};
  for (const ExpectationDiff& one : diff.expectations) {
    const auto shown = [](const std::optional<Seconds>& time, const std::string& verdict) {
      return time ? seconds_text(*time) : verdict;
    };
    rows.push_back({one.id, shown(one.measured_a, one.verdict_a), shown(one.measured_b, one.verdict_b),
                    optional_text(one.budget_b), optional_text(one.margin_a()), optional_text(one.margin_b()),
                    change_text(one)});
  }
  const std::string lines = table(rows);
  std::size_t row = 0;
  for (std::string_view line : core::split(core::trimmed(lines), '\n')) {
    line = line.substr(0, line.find_last_not_of(' ') + 1);
    const Change change = row == 0 ? Change::same : diff.expectations[row - 1].change;
    const bool worse = row > 0 && diff.expectations[row - 1].worse();
    const bool better = change == Change::faster || change == Change::mended;
    text += paint(line, worse ? Colour::red : Colour::green, colour && (worse || better)) + "\n";
    ++row;
  }
  if (!diff.changes.empty()) text += "\nchanged\n";
  for (const std::string& change : diff.changes) text += "  " + change + "\n";
  text += "\n" +
          (diff.worse.empty() ? paint("B is not worse than A", Colour::green, colour)
                              : paint("B is worse than A", Colour::red, colour)) +
          "\n";
  for (const std::string& reason : diff.worse) text += "  " + reason + "\n";
  return text;
}

Json diff_json(const ReportDiff& diff) {
  Json json{{"schema", 1},
            {"scenario", diff.scenario},
            {"a", side_json(diff.id_a, diff.started_a, diff.verdict_a)},
            {"b", side_json(diff.id_b, diff.started_b, diff.verdict_b)},
            {"worse", !diff.worse.empty()},
            {"reasons", diff.worse},
            {"changes", diff.changes},
            {"expectations", Json::array()}};
  for (const ExpectationDiff& one : diff.expectations) {
    Json item{{"id", one.id}, {"change", to_string(one.change)}, {"worse", one.worse()}};
    if (!one.verdict_a.empty()) item["verdict_a"] = one.verdict_a;
    if (!one.verdict_b.empty()) item["verdict_b"] = one.verdict_b;
    put(item, "measured_a_s", one.measured_a);
    put(item, "measured_b_s", one.measured_b);
    put(item, "budget_a_s", one.budget_a);
    put(item, "budget_b_s", one.budget_b);
    put(item, "margin_a_s", one.margin_a());
    put(item, "margin_b_s", one.margin_b());
    item["tolerance_s"] = one.tolerance;
    json["expectations"].push_back(std::move(item));
  }
  return json;
}

}  // namespace obsctl::cli
