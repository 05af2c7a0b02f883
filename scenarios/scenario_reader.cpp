// TOML → Scenario. Every mistake of a file is collected, with its place and a way to mend it. Here: the
// file's head, where things are, and which tables there are. Each table by itself is read in read_*.cpp; what
// has to agree between them is checked in scenario_checks.cpp.
#include <type_traits>

#include <fmt/format.h>

#include "core/http_client.hpp"
#include "core/http_server.hpp"
#include "core/toml_reader.hpp"
#include "scenarios/scenario.hpp"
#include "scenarios/scenario_checks.hpp"
#include "scenarios/scenario_parts.hpp"

namespace obsctl::scenarios {

using core::TomlTable;

namespace {

/// A URL that must be readable as one.
bool is_variable_name(const std::string& text) {
  constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_";
  return !text.empty() && kLetters.find(text.front()) != std::string_view::npos &&
         text.find_first_not_of(std::string(kLetters) + "0123456789") == std::string::npos;
}

Target read_target(TomlTable& table) {
  const auto token_env = table.string("token_env");
  if (token_env && !is_variable_name(*token_env)) {
    // What stands there may be the token itself: it is not repeated.
    table.report_at("token_env",
                    fmt::format("{}.token_env must be the name of an environment variable", table.path()),
                    "the token itself does not belong into a file");
  }
  Target target{read_url(table), token_env.value_or("")};
  table.finish();
  return target;
}

void read_head(TomlTable& root, Scenario& scenario) {
  const auto schema = root.integer("schema");
  if (!root.has("schema")) {
    root.report("schema is missing", "begin the file with schema = 1");
  } else if (schema && *schema != 1) {
    root.report_at("schema", fmt::format("schema {} is not known to this obsctl", *schema), "use schema = 1");
  }
  scenario.title = required_text(root, "title");
  scenario.description = root.string("description").value_or("");
}

std::string read_listen(TomlTable& table) {
  std::string listen = required_text(table, "listen");
  if (listen.empty()) return listen;
  const auto address = core::parse_listen_address(listen);
  if (!address) table.report_at("listen", address.error().message, address.error().hint);
  return listen;
}

/// Where Prometheus and the others are, for a scenario that is not about a stack.
void read_places(TomlTable& root, Scenario& scenario) {
  scenario.stack = root.string("stack").value_or("");
  for (const char* place : {"prometheus", "alertmanager", "receiver"}) {
    auto table = root.table(place);
    if (!table) continue;
    const std::string_view name(place);
    if (name == "receiver") {
      scenario.receiver_listen = read_listen(*table);
    } else {
      (name == "prometheus" ? scenario.prometheus_url : scenario.alertmanager_url) = read_url(*table);
    }
    table->finish();
    if (!scenario.stack.empty()) {
      table->report(fmt::format("stack and [{}] exclude each other", place),
                    fmt::format("the stack \"{}\" has its own; leave one of the two out", scenario.stack));
    }
  }
  if (auto targets = root.table("target")) {
    for (const std::string& name : targets->keys()) {
      if (auto table = targets->table(name)) scenario.targets[name] = read_target(*table);
    }
  }
  if (scenario.stack.empty() && !root.has("prometheus")) {
    root.report("the scenario does not say where Prometheus is",
                "add stack = \"http-api\", or [prometheus] with url = \"http://…\"");
  }
}

void read_loads(ScenarioTables& tables, Scenario& scenario) {
  auto loads = tables.root.table("load");
  if (!loads) return;
  for (const std::string& name : loads->keys()) {
    auto table = loads->table(name);
    if (!table) continue;
    scenario.loads.push_back(read_load(*table, name));
    tables.loads.push_back(*table);
  }
}

/// [[key]] of a table, each read by `read`, which may want its number. Returns the tables.
template <class Part, class Read>
std::vector<TomlTable> read_list(TomlTable& parent, std::string_view key, std::vector<Part>& parts,
                                 Read read) {
  std::vector<TomlTable> tables = parent.tables(key);
  for (std::size_t i = 0; i < tables.size(); ++i) {
    if constexpr (std::is_invocable_v<Read, TomlTable&, std::size_t>) {
      parts.push_back(read(tables[i], i));
    } else {
      parts.push_back(read(tables[i]));
    }
  }
  return tables;
}

void read_expect(ScenarioTables& tables, Scenario& scenario) {
  auto expect = tables.root.table("expect");
  if (!expect) return;
  tables.alerts = read_list(*expect, "alert", scenario.alerts, read_alert);
  tables.notifications = read_list(*expect, "notification", scenario.notifications, read_notification);
  tables.queries = read_list(*expect, "query", scenario.queries, read_query);
  tables.suppressions = read_list(*expect, "suppressed", scenario.suppressions, read_suppression);
  if (auto table = expect->table("nothing_else")) scenario.nothing_else = read_nothing_else(*table);
  expect->finish();
}

}  // namespace

ScenarioFile read_scenario(std::string text, const std::string& file, const std::string& id) {
  ScenarioFile result;
  result.text = std::move(text);
  Scenario& scenario = result.scenario;
  scenario.file = file;
  scenario.id = id;
  auto parsed = core::TomlFile::parse(result.text, file);
  if (!parsed) {
    result.errors.push_back(parsed.error());
    return result;
  }
  ScenarioTables tables{parsed->root()};
  read_head(tables.root, scenario);
  read_places(tables.root, scenario);
  read_loads(tables, scenario);
  tables.steady_states = read_list(tables.root, "steady_state", scenario.steady_states, read_steady_state);
  tables.checks = read_list(tables.root, "check", scenario.checks, read_check);
  tables.faults = read_list(tables.root, "fault", scenario.faults, read_fault);
  if (auto table = tables.root.table("chaos")) scenario.chaos = read_chaos(*table);
  if (auto table = tables.root.table("safety")) scenario.safety = read_safety(*table);
  read_expect(tables, scenario);
  tables.thresholds = read_list(tables.root, "threshold", scenario.thresholds, read_threshold);
  read_list(tables.root, "abort", scenario.aborts, read_abort);
  check_agreement(scenario, tables);
  tables.root.finish();
  result.errors = parsed->errors();
  return result;
}

}  // namespace obsctl::scenarios
