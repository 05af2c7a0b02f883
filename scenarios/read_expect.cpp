// [expect] of a scenario: alerts, notifications, queries, suppressed alerts, and that nothing else fires.
#include <regex>

#include <fmt/format.h>

#include "scenarios/scenario_parts.hpp"

namespace obsctl::scenarios {

using core::TomlTable;

namespace {

Within read_within(TomlTable& table, std::string_view key, bool by_default) {
  Within within;
  within.expected = by_default || table.has(key);
  if (!table.has(key)) return within;
  const auto text = table.string(key);
  if (!text || *text == "auto") return within;
  const auto limit = core::parse_duration(*text);
  if (limit) {
    within.automatic = false;
    within.limit = *limit;
  } else {
    table.report_at(key, fmt::format("{}.{}: {}", table.path(), key, limit.error().message),
                    "write \"auto\" for the derived budget, or a duration such as 60s");
  }
  return within;
}

std::vector<BodyCheck> read_body_checks(TomlTable& table) {
  std::vector<BodyCheck> checks;
  for (TomlTable& item : table.tables("body")) {
    BodyCheck check{item.required_string("jsonpath"), item.required_string("matches")};
    try {
      const std::regex probe(check.matches);
    } catch (const std::regex_error&) {
      item.report_at("matches",
                     fmt::format("{}.matches is not a regular expression: {}", item.path(), check.matches));
    }
    if (check.jsonpath.empty() || check.jsonpath.front() != '$') {
      item.report_at("jsonpath", fmt::format("{}.jsonpath must begin with $", item.path()),
                     "such as $.attachments[0].title");
    }
    item.finish();
    checks.push_back(std::move(check));
  }
  return checks;
}

bool is_date(const std::string& text) {
  return std::regex_match(text, std::regex(R"(\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01]))"));
}

}  // namespace

AlertExpectation read_alert(TomlTable& table) {
  AlertExpectation alert;
  alert.name = table.required_string("name");
  alert.caused_by = table.string("caused_by").value_or("");
  alert.labels = table.string_map("labels");
  auto within = table.table("within");
  if (within) {
    alert.pending = read_within(*within, "pending", false);
    alert.firing = read_within(*within, "firing", true);
    alert.inactive = read_within(*within, "inactive", true);
    within->finish();
  } else {
    alert.firing.expected = alert.inactive.expected = true;
  }
  table.finish();
  return alert;
}

NotificationExpectation read_notification(TomlTable& table) {
  NotificationExpectation notification;
  notification.alert = table.required_string("alert");
  notification.receiver = table.required_string("receiver");
  notification.caused_by = table.string("caused_by").value_or("");
  auto within = table.table("within");
  if (within) {
    notification.firing = read_within(*within, "firing", true);
    notification.resolved = read_within(*within, "resolved", true);
    within->finish();
  } else {
    notification.firing.expected = notification.resolved.expected = true;
  }
  if (auto count = table.table("count")) {
    notification.firing_count = count->integer("firing");
    notification.resolved_count = count->integer("resolved");
    count->finish();
  }
  notification.body = read_body_checks(table);
  table.finish();
  return notification;
}

QueryExpectation read_query(TomlTable& table, std::size_t index) {
  QueryExpectation query;
  query.query = table.required_string("query");
  query.name = table.string("name").value_or(fmt::format("query-{}", index + 1));
  query.tolerance = required_bounds(table, "tolerance");
  query.caused_by = table.string("caused_by").value_or("");
  query.within = table.duration("within").value_or(query.within);
  table.finish();
  return query;
}

SuppressionExpectation read_suppression(TomlTable& table) {
  SuppressionExpectation expectation;
  expectation.alert = table.required_string("alert");
  expectation.by = table.one_of("by", {"inhibition", "silence"}).value_or("inhibition");
  expectation.caused_by = table.string("caused_by").value_or("");
  expectation.within = table.duration("within").value_or(Nanoseconds::zero());
  table.finish();
  return expectation;
}

NothingElse read_nothing_else(TomlTable& table) {
  NothingElse nothing;
  nothing.watch = table.duration("watch");
  const auto read = [&](std::string_view key, bool known) {
    for (TomlTable& item : table.tables(key)) {
      AllowedAlert allowed;
      allowed.alertname = item.required_string("alertname");
      allowed.labels = item.string_map("labels");
      if (known) {
        allowed.until = item.required_string("until");
        allowed.issue = item.required_string("issue");
        if (!allowed.until.empty() && !is_date(allowed.until)) {
          item.report_at("until", fmt::format("{}.until must be a date such as 2027-01-31", item.path()));
        }
      }
      item.finish();
      nothing.allow.push_back(std::move(allowed));
    }
  };
  read("allow", false);
  read("known", true);
  table.finish();
  return nothing;
}

}  // namespace obsctl::scenarios
