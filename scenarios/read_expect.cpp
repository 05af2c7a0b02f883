// [expect] of a scenario: alerts, notifications, queries, suppressed alerts, and that nothing else fires.
#include <chrono>

#include <fmt/format.h>

#include "core/regex.hpp"
#include "scenarios/payload.hpp"
#include "scenarios/scenario_parts.hpp"

namespace obsctl::scenarios {

using core::TomlTable;

namespace {

Within read_within(TomlTable& table, std::string_view key, bool by_default) {
  Within within;
  within.expected = by_default || table.has(key);
  const auto text = table.string(key);
  if (!text || *text == "auto") return within;
  const auto limit = core::parse_duration(*text);
  if (!limit) {
    table.report_at(key, fmt::format("{}.{}: {}", table.path(), key, limit.error().message),
                    "write \"auto\" for the derived budget, or a duration such as 60s");
  } else if (is_possible(table, key, *limit, Least::above_zero)) {
    within.automatic = false;
    within.limit = *limit;
  }
  return within;
}

void check_pattern(TomlTable& table, std::string_view key, const std::string& pattern) {
  const auto parsed = core::Regex::parse(pattern);
  if (parsed) return;
  table.report_at(key, fmt::format("{}.{}: {}", table.path(), key, parsed.error().message),
                  "it is RE2's syntax; [ ] ( ) { } . * + ? ^ $ | \\ stand for themselves after a backslash");
}

/// { jsonpath = "…", matches = "…" } or { text = "…" }.
std::vector<BodyCheck> read_body_checks(TomlTable& table) {
  std::vector<BodyCheck> checks;
  for (TomlTable& item : table.tables("body")) {
    const bool whole = item.has("text") && !item.has("jsonpath") && !item.has("matches");
    const char* pattern_key = whole ? "text" : "matches";
    const BodyCheck check{whole ? "" : required_text(item, "jsonpath"), required_text(item, pattern_key)};
    check_pattern(item, pattern_key, check.matches);
    if (!whole && item.string("text")) {
      item.report_at("text", fmt::format("{}.text and jsonpath exclude each other", item.path()),
                     "use text for all that can be read, jsonpath and matches for one place");
    }
    if (!check.jsonpath.empty() && !is_payload_path(check.jsonpath)) {
      item.report_at("jsonpath", fmt::format("{}.jsonpath is not a path: {}", item.path(), check.jsonpath),
                     "use $ and .key or [index], such as $.attachments[0].title");
    }
    item.finish();
    checks.push_back(check);
  }
  return checks;
}

NotificationContent read_content(TomlTable& table) {
  NotificationContent content;
  content.labels = table.string_map("labels");
  content.annotations = table.string_map("annotations");
  if (auto annotations = table.table("annotations")) {
    for (const auto& [name, pattern] : content.annotations) check_pattern(*annotations, name, pattern);
  }
  if (table.has("group")) content.group = table.string_map("group");
  content.body = read_body_checks(table);
  return content;
}

/// after = { alert = "…", receiver = "…" }; what is left out is the notification's own.
void read_after(TomlTable& table, NotificationExpectation& notification) {
  auto after = table.table("after");
  if (!after) return;
  notification.after = Predecessor{after->string("alert").value_or(notification.alert),
                                   after->string("receiver").value_or(notification.receiver),
                                   {}};
  after->finish();
}

/// A day that exists, as YYYY-MM-DD.
bool is_date(const std::string& text) {
  if (!core::Regex::parse(R"(\d{4}-\d{2}-\d{2})")->matches_whole(text)) return false;
  const std::chrono::year year(std::stoi(text.substr(0, 4)));
  const std::chrono::month month(static_cast<unsigned>(std::stoi(text.substr(5, 2))));
  const std::chrono::day day(static_cast<unsigned>(std::stoi(text.substr(8, 2))));
  return std::chrono::year_month_day(year, month, day).ok();
}

/// count = { firing = 1, resolved = 1 }. None of the one that was never sent.
void read_counts(TomlTable& table, NotificationExpectation& notification) {
  constexpr std::int64_t kMost = 1'000'000;
  auto count = table.table("count");
  if (!count) return;
  notification.firing_count = read_integer(*count, "firing", 0, kMost);
  notification.resolved_count = read_integer(*count, "resolved", 0, kMost);
  if (notification.firing_count == 0 && !count->has("resolved")) notification.resolved_count = 0;
  count->finish();
}

/// An alert that may fire. `known` ones need a date and an issue.
AllowedAlert read_allowed(TomlTable& item, bool known) {
  AllowedAlert allowed;
  allowed.alertname = required_text(item, "alertname");
  allowed.labels = item.string_map("labels");
  if (known) {
    allowed.until = required_text(item, "until");
    allowed.issue = required_text(item, "issue");
    if (!allowed.until.empty() && !is_date(allowed.until)) {
      item.report_at("until", fmt::format("{}.until must be a date such as 2027-01-31", item.path()));
    }
  }
  if (!allowed.alertname.empty() && allowed.labels.empty() &&
      allowed.alertname.find_first_not_of('*') == std::string::npos) {
    item.report_at("alertname",
                   fmt::format("{}.alertname is \"{}\": every alert may fire, so nothing is checked",
                               item.path(), allowed.alertname),
                   "name the alerts, or add labels = { … }");
  }
  item.finish();
  return allowed;
}

}  // namespace

AlertExpectation read_alert(TomlTable& table) {
  AlertExpectation alert;
  alert.name = required_text(table, "name");
  alert.caused_by = table.string("caused_by").value_or("");
  alert.labels = table.string_map("labels");
  alert.firing.expected = alert.inactive.expected = true;
  if (auto within = table.table("within")) {
    alert.pending = read_within(*within, "pending", false);
    alert.firing = read_within(*within, "firing", true);
    alert.inactive = read_within(*within, "inactive", true);
    within->finish();
  }
  table.finish();
  return alert;
}

NotificationExpectation read_notification(TomlTable& table) {
  NotificationExpectation notification;
  notification.alert = required_text(table, "alert");
  notification.receiver = required_text(table, "receiver");
  notification.caused_by = table.string("caused_by").value_or("");
  notification.firing.expected = notification.resolved.expected = true;
  if (auto within = table.table("within")) {
    notification.firing = read_within(*within, "firing", true);
    notification.resolved = read_within(*within, "resolved", true);
    within->finish();
  }
  read_counts(table, notification);
  notification.content = read_content(table);
  read_after(table, notification);
  table.finish();
  return notification;
}

QueryExpectation read_query(TomlTable& table, std::size_t index) {
  QueryExpectation query;
  query.query = required_text(table, "query");
  query.name = read_name(table, "name", fmt::format("query-{}", index + 1));
  query.tolerance = required_bounds(table, "tolerance");
  query.caused_by = table.string("caused_by").value_or("");
  query.within = read_duration(table, "within", Least::above_zero).value_or(query.within);
  table.finish();
  return query;
}

SuppressionExpectation read_suppression(TomlTable& table) {
  SuppressionExpectation expectation;
  expectation.alert = required_text(table, "alert");
  expectation.by = table.one_of("by", {"inhibition", "silence"}).value_or("inhibition");
  expectation.caused_by = table.string("caused_by").value_or("");
  expectation.within = read_duration(table, "within", Least::above_zero).value_or(expectation.within);
  table.finish();
  return expectation;
}

NothingElse read_nothing_else(TomlTable& table) {
  NothingElse nothing;
  nothing.watch = read_duration(table, "watch", Least::zero);
  for (TomlTable& item : table.tables("allow")) nothing.allow.push_back(read_allowed(item, false));
  for (TomlTable& item : table.tables("known")) nothing.allow.push_back(read_allowed(item, true));
  table.finish();
  return nothing;
}

}  // namespace obsctl::scenarios
