// TOML → Scenario. Every mistake of a file is collected, with its place and a way to mend it. Here: the
// file's head, where things are, and what has to agree between tables; each table by itself is read in
// read_*.cpp.
#include <algorithm>
#include <functional>

#include <fmt/format.h>

#include "core/http_client.hpp"
#include "core/text.hpp"
#include "core/toml_reader.hpp"
#include "scenarios/scenario.hpp"
#include "scenarios/scenario_parts.hpp"

namespace obsctl::scenarios {

using core::TomlTable;

namespace {

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
