// TOML → Scenario. Every mistake of a file is collected, with its place and a way to mend it.
#include <algorithm>
#include <functional>
#include <regex>
#include <set>

#include <fmt/format.h>

#include "core/http_client.hpp"
#include "core/text.hpp"
#include "core/toml_reader.hpp"
#include "scenarios/scenario.hpp"

namespace obsctl::scenarios {

using core::TomlTable;

namespace {

const std::vector<std::string> kFaultKinds{"error-rate", "latency", "readiness", "kill", "pause"};
const std::vector<std::string> kLatencyMetrics{"response_p50", "response_p90", "response_p95", "response_p99",
                                               "service_p50",  "service_p95",  "service_p99"};
const std::vector<std::string> kPhases{"before-fault", "during-fault", "after-fault", "whole"};

bool is_latency(const std::string& metric) {
  return std::find(kLatencyMetrics.begin(), kLatencyMetrics.end(), metric) != kLatencyMetrics.end();
}

/// below/at_most/above/at_least/equals; durations become seconds when `durations` is set.
Bounds read_bounds(TomlTable& table, bool durations) {
  Bounds bounds;
  const auto read = [&](std::string_view key, std::optional<double>& into) {
    if (!durations) {
      into = table.number(key);
    } else if (const auto value = table.duration(key)) {
      into = core::to_seconds(*value);
    }
  };
  read("below", bounds.below);
  read("at_most", bounds.at_most);
  read("above", bounds.above);
  read("at_least", bounds.at_least);
  read("equals", bounds.equals);
  return bounds;
}

Bounds required_bounds(TomlTable& table, std::string_view key) {
  auto inner = table.table(key);
  if (!inner) {
    if (!table.has(key)) {
      table.report(fmt::format("{}.{} is missing", table.path(), key),
                   fmt::format("add {} = {{ below = 0.01 }}, or at_most, above, at_least, equals", key));
    }
    return {};
  }
  Bounds bounds = read_bounds(*inner, false);
  inner->finish();
  if (bounds.empty()) {
    inner->report(fmt::format("{} sets no bound", inner->path()),
                  "use below, at_most, above, at_least or equals");
  }
  return bounds;
}

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

Request read_request(TomlTable& table) {
  Request request;
  request.path = table.required_string("path");
  request.method = table.string("method").value_or("GET");
  request.name = table.string("name").value_or(fmt::format("{} {}", request.method, request.path));
  request.headers = table.string_map("headers");
  request.body = table.string("body").value_or("");
  request.weight = table.integer("weight").value_or(1);
  if (request.weight < 1)
    table.report_at("weight", fmt::format("{}.weight must be at least 1", table.path()));
  if (!request.path.empty() && request.path.front() != '/') {
    table.report_at("path", fmt::format("{}.path must begin with /", table.path()));
  }
  table.finish();
  return request;
}

Load read_load(TomlTable& table, const std::string& name) {
  Load load;
  load.name = name;
  load.target = table.required_string("target");
  if (!table.has("rate"))
    table.report(fmt::format("{}.rate is missing", table.path()), "add rate = \"200/s\"");
  load.rate = table.rate("rate").value_or(core::Rate{});
  if (table.has("rate") && load.rate.count == 0 && load.rate.per == std::chrono::seconds(1)) {
    const auto text = table.string("rate");
    if (text && core::parse_rate(*text))
      table.report_at("rate", fmt::format("{}.rate must be above 0", table.path()));
  }
  // The only order in which the budgets of alert-timing hold; see docs/explanation/alert-timing.md.
  table.one_of("until", {"cleared"});
  load.timeout = table.duration("timeout").value_or(load.timeout);
  load.max_in_flight = table.integer("max_in_flight").value_or(0);
  for (TomlTable& request : table.tables("requests")) load.requests.push_back(read_request(request));
  if (load.requests.empty() && !table.has("requests"))
    load.requests.push_back({"GET /", "GET", "/", {}, "", 1});
  table.finish();
  return load;
}

OnNoData read_on_no_data(TomlTable& table) {
  const auto text = table.one_of("on_no_data", {"inconclusive", "fail", "pass"});
  if (text == "fail") return OnNoData::fail;
  if (text == "pass") return OnNoData::pass;
  return OnNoData::inconclusive;
}

SteadyState read_steady_state(TomlTable& table, std::size_t index) {
  SteadyState state;
  state.query = table.required_string("query");
  state.name = table.string("name").value_or(fmt::format("steady_state.{}", index + 1));
  state.tolerance = required_bounds(table, "tolerance");
  state.on_no_data = read_on_no_data(table);
  state.within = table.duration("within").value_or(state.within);
  table.finish();
  return state;
}

std::optional<Confirmation> read_confirmation(TomlTable& fault) {
  auto table = fault.table("confirm");
  if (!table) return std::nullopt;
  Confirmation confirm;
  confirm.within = table->duration("within").value_or(confirm.within);
  std::vector<std::string> metrics{"error_ratio"};
  metrics.insert(metrics.end(), kLatencyMetrics.begin(), kLatencyMetrics.end());
  int ways = 0;
  for (const std::string& metric : metrics) {
    auto inner = table->table(metric);
    if (!inner) continue;
    ++ways;
    confirm.metric = metric;
    confirm.bounds = read_bounds(*inner, is_latency(metric));
    inner->finish();
    if (confirm.bounds.empty()) inner->report(fmt::format("{} sets no bound", inner->path()));
  }
  if (auto http = table->table("http")) {
    ++ways;
    confirm.path = http->required_string("path");
    confirm.status = static_cast<int>(http->integer("status").value_or(0));
    http->finish();
  }
  if (ways != 1) {
    table->report(fmt::format(
        "{} needs exactly one of error_ratio, response_p95 (or another quantile) and http", table->path()));
  }
  table->finish();
  return confirm;
}

void read_stop(TomlTable& table, FaultSpec& fault) {
  const auto text = table.string("stop");
  if (!text || *text == "notified") return;
  if (*text == "firing") {
    fault.stop = StopWhen::firing;
    return;
  }
  const auto after = core::parse_duration(*text);
  if (after) {
    fault.stop = StopWhen::after;
    fault.stop_after = *after;
  } else {
    table.report_at("stop", fmt::format("{}.stop cannot be \"{}\"", table.path(), *text),
                    "use \"notified\", \"firing\" or a duration such as \"90s\"");
  }
}

FaultSpec read_fault(TomlTable& table, std::size_t index) {
  FaultSpec fault;
  fault.name = table.string("name").value_or(fmt::format("fault-{}", index + 1));
  fault.target = table.required_string("target");
  if (!table.has("kind")) {
    table.report(fmt::format("{}.kind is missing", table.path()),
                 fmt::format("add kind = one of {}", fmt::join(kFaultKinds, ", ")));
  }
  fault.kind = table.one_of("kind", kFaultKinds).value_or("");
  fault.start = table.duration("start").value_or(Nanoseconds::zero());
  read_stop(table, fault);
  fault.max_duration = table.duration("max_duration").value_or(fault.max_duration);
  fault.confirm = read_confirmation(table);
  const bool toggles_requests = fault.kind == "error-rate" || fault.kind == "latency" || fault.kind.empty();
  if (toggles_requests) {
    fault.rate = table.number("rate").value_or(fault.rate);
    fault.routes = table.strings("routes");
    if (fault.rate <= 0 || fault.rate > 1) {
      table.report_at("rate", fmt::format("{}.rate must be above 0 and at most 1", table.path()));
    }
  }
  if (fault.kind == "error-rate" || fault.kind.empty()) {
    fault.status = static_cast<int>(table.integer("status").value_or(fault.status));
    if (fault.status < 400 || fault.status > 599) {
      table.report_at("status", fmt::format("{}.status must be from 400 to 599", table.path()));
    }
  }
  if (fault.kind == "latency" || fault.kind.empty()) {
    if (!table.has("delay") && fault.kind == "latency") {
      table.report(fmt::format("{}.delay is missing", table.path()), "add delay = \"400ms\"");
    }
    fault.delay = table.duration("delay").value_or(Nanoseconds::zero());
    fault.jitter = table.duration("jitter").value_or(Nanoseconds::zero());
  }
  if (fault.stop == StopWhen::after && fault.stop_after > fault.max_duration) {
    table.report_at("stop", fmt::format("{}.stop is later than max_duration ({})", table.path(),
                                        core::format_duration(fault.max_duration)));
  }
  table.finish();
  return fault;
}

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

bool is_date(const std::string& text) {
  return std::regex_match(text, std::regex(R"(\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01]))"));
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

Threshold read_threshold(TomlTable& table) {
  Threshold threshold;
  threshold.load = table.required_string("load");
  std::vector<std::string> metrics{"error_ratio", "achieved_rate"};
  metrics.insert(metrics.end(), kLatencyMetrics.begin(), kLatencyMetrics.end());
  threshold.metric = table.one_of("metric", metrics).value_or("error_ratio");
  if (!table.has("metric")) table.report(fmt::format("{}.metric is missing", table.path()));
  threshold.phase = table.one_of("when", kPhases).value_or("whole");
  threshold.bounds = read_bounds(table, is_latency(threshold.metric));
  if (threshold.bounds.empty()) {
    table.report(fmt::format("{} sets no bound", table.path()),
                 "use below, at_most, above, at_least or equals");
  }
  table.finish();
  return threshold;
}

AbortCondition read_abort(TomlTable& table) {
  AbortCondition abort{table.required_string("query"), table.duration("for").value_or(Nanoseconds::zero())};
  table.finish();
  return abort;
}

/// A URL that must be readable as one.
std::string read_url(TomlTable& table, std::string_view key) {
  std::string url = table.required_string(key);
  if (url.empty()) return url;
  const auto parsed = core::parse_url(url);
  if (!parsed) table.report_at(key, parsed.error().message, parsed.error().hint);
  return url;
}

/// Reads one file into one Scenario.
class Reader {
 public:
  Reader(TomlTable root, Scenario& scenario) : root_(std::move(root)), scenario_(scenario) {}

  void read() {
    read_head();
    read_places();
    if (auto loads = root_.table("load")) {
      for (const std::string& name : loads->keys()) {
        if (auto load = loads->table(name)) {
          scenario_.loads.push_back(read_load(*load, name));
          check_target(*load, scenario_.loads.back().target);
        }
      }
    }
    read_list("steady_state", [&](TomlTable& table, std::size_t i) {
      scenario_.steady_states.push_back(read_steady_state(table, i));
    });
    read_list("fault", [&](TomlTable& table, std::size_t i) {
      FaultSpec fault = read_fault(table, i);
      if (scenario_.fault(fault.name) != nullptr) {
        table.report_at("name", fmt::format("there is already a fault named \"{}\"", fault.name));
      }
      check_target(table, fault.target);
      scenario_.faults.push_back(std::move(fault));
    });
    read_expectations();
    read_list("threshold", [&](TomlTable& table, std::size_t) {
      scenario_.thresholds.push_back(read_threshold(table));
      check_load(table, scenario_.thresholds.back().load);
    });
    read_list("abort", [&](TomlTable& table, std::size_t) { scenario_.aborts.push_back(read_abort(table)); });
    check_whole();
    root_.finish();
  }

 private:
  void read_list(std::string_view key, const std::function<void(TomlTable&, std::size_t)>& read_one) {
    std::vector<TomlTable> tables = root_.tables(key);
    for (std::size_t i = 0; i < tables.size(); ++i) read_one(tables[i], i);
  }

  void read_head() {
    const auto schema = root_.integer("schema");
    if (!root_.has("schema")) {
      root_.report("schema is missing", "begin the file with schema = 1");
    } else if (schema && *schema != 1) {
      root_.report_at("schema", fmt::format("schema {} is not known to this obsctl", *schema),
                      "use schema = 1");
    }
    scenario_.title = root_.required_string("title");
    scenario_.description = root_.string("description").value_or("");
  }

  void read_places() {
    scenario_.stack = root_.string("stack").value_or("");
    if (auto table = root_.table("prometheus")) {
      scenario_.prometheus_url = read_url(*table, "url");
      table->finish();
    }
    if (auto table = root_.table("alertmanager")) {
      scenario_.alertmanager_url = read_url(*table, "url");
      table->finish();
    }
    if (auto table = root_.table("receiver")) {
      scenario_.receiver_listen = table->required_string("listen");
      table->finish();
    }
    if (auto targets = root_.table("target")) {
      for (const std::string& name : targets->keys()) {
        auto table = targets->table(name);
        if (!table) continue;
        scenario_.targets[name] = {read_url(*table, "url"), table->string("token_env").value_or("")};
        table->finish();
      }
    }
    if (scenario_.stack.empty() && !root_.has("prometheus")) {
      root_.report("the scenario does not say where Prometheus is",
                   "add stack = \"http-api\", or [prometheus] with url = \"http://…\"");
    }
  }

  void read_expectations() {
    auto expect = root_.table("expect");
    if (!expect) return;
    for (TomlTable& table : expect->tables("alert")) {
      scenario_.alerts.push_back(read_alert(table));
      resolve_cause(table, scenario_.alerts.back().caused_by);
    }
    for (TomlTable& table : expect->tables("notification")) {
      NotificationExpectation notification = read_notification(table);
      if (notification.caused_by.empty()) notification.caused_by = cause_of_alert(notification.alert);
      resolve_cause(table, notification.caused_by);
      check_alert(table, notification.alert);
      scenario_.notifications.push_back(std::move(notification));
    }
    std::vector<TomlTable> queries = expect->tables("query");
    for (std::size_t i = 0; i < queries.size(); ++i) {
      scenario_.queries.push_back(read_query(queries[i], i));
      resolve_cause(queries[i], scenario_.queries.back().caused_by);
    }
    for (TomlTable& table : expect->tables("suppressed")) {
      scenario_.suppressions.push_back(read_suppression(table));
      resolve_cause(table, scenario_.suppressions.back().caused_by);
    }
    if (auto table = expect->table("nothing_else")) scenario_.nothing_else = read_nothing_else(*table);
    expect->finish();
  }

  std::string cause_of_alert(const std::string& alert) const {
    for (const AlertExpectation& expectation : scenario_.alerts) {
      if (expectation.name == alert) return expectation.caused_by;
    }
    return {};
  }

  /// An expectation without caused_by belongs to the only fault.
  void resolve_cause(TomlTable& table, std::string& cause) {
    if (cause.empty()) {
      if (scenario_.faults.size() == 1) {
        cause = scenario_.faults.front().name;
      } else if (scenario_.faults.size() > 1) {
        table.report(fmt::format("{} does not say which fault causes it", table.path()),
                     fmt::format("add caused_by = one of {}", fmt::join(fault_names(), ", ")));
      }
    } else if (scenario_.fault(cause) == nullptr) {
      table.report_at("caused_by", fmt::format("there is no fault named \"{}\"{}", cause,
                                               core::did_you_mean(cause, fault_names())));
    }
  }

  std::vector<std::string> fault_names() const {
    std::vector<std::string> names;
    for (const FaultSpec& fault : scenario_.faults) names.push_back(fault.name);
    return names;
  }

  void check_alert(TomlTable& table, const std::string& alert) const {
    if (alert.empty() || !cause_of_alert(alert).empty()) return;
    std::vector<std::string> names;
    for (const AlertExpectation& expectation : scenario_.alerts) names.push_back(expectation.name);
    if (std::find(names.begin(), names.end(), alert) != names.end()) return;
    table.report_at(
        "alert",
        fmt::format("no [[expect.alert]] is named \"{}\"{}", alert, core::did_you_mean(alert, names)),
        "a notification is expected of an alert that is expected too");
  }

  void check_target(TomlTable& table, const std::string& target) const {
    // The services of a stack are known only once its manifest is read; the runner checks those.
    if (target.empty() || !scenario_.stack.empty() || scenario_.targets.count(target) == 1) return;
    std::vector<std::string> names;
    for (const auto& [name, unused] : scenario_.targets) names.push_back(name);
    table.report_at("target",
                    fmt::format("there is no [target.{}]{}", target, core::did_you_mean(target, names)),
                    fmt::format("add [target.{}] with url = \"http://…\"", target));
  }

  void check_load(TomlTable& table, const std::string& name) const {
    std::vector<std::string> names;
    for (const Load& load : scenario_.loads) names.push_back(load.name);
    if (name.empty() || std::find(names.begin(), names.end(), name) != names.end()) return;
    table.report_at("load", fmt::format("there is no [load.{}]{}", name, core::did_you_mean(name, names)));
  }

  void check_whole() {
    const bool verifies = !scenario_.alerts.empty() || !scenario_.notifications.empty() ||
                          !scenario_.queries.empty() || !scenario_.suppressions.empty() ||
                          !scenario_.thresholds.empty() || scenario_.nothing_else;
    if (!verifies) {
      root_.report("the scenario expects nothing, so it can prove nothing",
                   "add [[expect.alert]], [[expect.query]], [expect.nothing_else] or [[threshold]]");
    }
    if (scenario_.faults.empty() && (!scenario_.alerts.empty() || !scenario_.notifications.empty())) {
      root_.report("the scenario expects an alert but has no [[fault]] to cause it", "add a [[fault]]");
    }
    for (const FaultSpec& fault : scenario_.faults) {
      if (fault.confirm || fault.kind == "readiness" || fault.kind.empty()) continue;
      const bool seen = std::any_of(scenario_.loads.begin(), scenario_.loads.end(),
                                    [&](const Load& load) { return load.target == fault.target; });
      if (!seen) {
        root_.report(fmt::format("fault \"{}\" cannot be confirmed: no load goes to its target \"{}\"",
                                 fault.name, fault.target),
                     "add a [load.*] on that target, or confirm = { http = { path = \"…\", status = … } }");
      }
    }
  }

  TomlTable root_;
  Scenario& scenario_;
};

}  // namespace

ScenarioFile read_scenario(std::string text, const std::string& file, const std::string& id) {
  ScenarioFile result;
  result.text = std::move(text);
  result.scenario.file = file;
  result.scenario.id = id;
  auto parsed = core::TomlFile::parse(result.text, file);
  if (!parsed) {
    result.errors.push_back(parsed.error());
    return result;
  }
  Reader(parsed->root(), result.scenario).read();
  result.errors = parsed->errors();
  return result;
}

}  // namespace obsctl::scenarios
