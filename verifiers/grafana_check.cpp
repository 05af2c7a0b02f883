// See grafana_check.hpp.
#include "verifiers/grafana_check.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "verifiers/panel_check.hpp"

namespace obsctl::verifiers {

using core::Finding;
using core::Findings;
using nlohmann::json;

namespace {

/// Points of a panel: few, for all that counts is whether there are any.
constexpr int kPoints = 300;
/// Below any scrape interval: Grafana takes the datasource's own where that is longer.
constexpr int kIntervalMs = 1000;
constexpr const char* kExpressions = "__expr__";
constexpr const char* kMixed = "-- Mixed --";

/// Where a panel's data comes from nowhere that can be asked.
bool is_inside_grafana(std::string_view datasource) {
  return datasource == "-- Dashboard --" || datasource == "-- Grafana --" || datasource == "grafana";
}

/// Queries that are asked together, and those of them that have to have data.
struct Request {
  json queries = json::array();
  std::vector<const PanelQuery*> wanted = {};
};

class Checker {
 public:
  Checker(GrafanaClient& grafana, const GrafanaQuestions& questions, const std::stop_token& stop)
      : grafana_(grafana), questions_(questions), stop_(stop) {}

  Result<Findings> check() {
    const auto health = grafana_.health(stop_);
    if (!health) return health.error();
    const bool well = health->database == "ok";
    std::string detail = health->version.empty() ? "" : fmt::format("version {}", health->version);
    if (!well) detail = fmt::format("its database is {}", health->database);
    add(core::finding("grafana", grafana_.url(), well, std::move(detail)));
    if (!well) return std::move(findings_);
    if (const auto done = check_datasources(); !done) return done.error();
    if (!questions_.panels) return std::move(findings_);
    if (const auto done = check_dashboards(); !done) return done.error();
    return std::move(findings_);
  }

 private:
  void add(Finding finding) { findings_.push_back(std::move(finding)); }

  Result<void> check_datasources() {
    auto datasources = grafana_.datasources(stop_);
    if (!datasources) return datasources.error();
    datasources_ = std::move(*datasources);
    if (datasources_.empty())
      add(core::finding("datasource", grafana_.url(), false, "it has no datasources"));
    for (const GrafanaDatasource& one : datasources_) {
      const auto health = grafana_.datasource_health(one.uid, stop_);
      if (!health) {
        add(core::finding("datasource", one.name, false, to_line(health.error())));
      } else if (!*health) {
        add({"datasource", one.name, Finding::State::skipped,
             fmt::format("Grafana has no health check for {}", one.type)});
      } else {
        add(core::finding("datasource", one.name, (*health)->well, (*health)->message));
      }
    }
    return {};
  }

  Result<void> check_dashboards() {
    std::vector<std::string> uids = questions_.dashboards;
    if (uids.empty()) {
      const auto all = grafana_.dashboards(stop_);
      if (!all) return all.error();
      for (const DashboardEntry& entry : *all) uids.push_back(entry.uid);
    }
    for (const std::string& uid : uids) {
      const auto text = grafana_.dashboard(uid, stop_);
      if (!text && !questions_.dashboards.empty()) return text.error();
      if (!text) {  // one of many says nothing about the others
        add(not_answered(uid, text.error()));
        continue;
      }
      const auto dashboard = read_dashboard(*text, uid, values_for(*text));
      if (dashboard) {
        for (const Panel& panel : dashboard->panels) check_panel(*dashboard, panel);
      } else {
        add({"panel", uid, Finding::State::skipped, "the dashboard has no panels"});
      }
    }
    return {};
  }

  /// With the variables that the dashboard has no value saved for: what Grafana's page chooses that opens it,
  /// the first value, or nothing where there is none. What cannot be asked keeps the variable without one.
  VariableValues values_for(const std::string& text) {
    VariableValues values = questions_.variables;
    while (const auto variable = unset_variable(text, values)) {
      const GrafanaDatasource* source = find(variable->datasource, variable->datasource_type);
      if (source == nullptr || source->type != "prometheus") break;
      json query{{"refId", "A"}, {"instant", true}, {"range", false}};
      query["expr"] = variable->expr;
      query["datasource"] = {{"uid", source->uid}, {"type", source->type}};
      const auto answers = grafana_.query(
          {{"from", "now-1h"}, {"to", "now"}, {"queries", json::array({std::move(query)})}}, stop_);
      if (!answers || answers->count("A") == 0 || !answers->at("A").error.empty()) break;
      values[variable->name] = first_value(*variable, answers->at("A").labels);
    }
    return values;
  }

  /// What is not there to be asked is nobody's fault.
  static Finding not_answered(std::string name, const core::Error& error) {
    if (error.kind == core::ErrorKind::not_found)
      return {"panel", std::move(name), Finding::State::skipped, error.message};
    return core::finding("panel", std::move(name), false, to_line(error));
  }

  void check_panel(const Dashboard& dashboard, const Panel& panel) {
    if (panel.in_library) return add(library_panel(dashboard, panel));
    if (!panel.unreadable.empty()) {
      return add(core::finding("panel", fmt::format("{}: {}", dashboard.title, panel.title), false,
                               panel.unreadable + "; give it one: --var NAME=VALUE"));
    }
    const bool computes =
        std::any_of(panel.queries.begin(), panel.queries.end(),
                    [](const PanelQuery& query) { return query.datasource == kExpressions; });
    std::map<std::string, Request> requests;
    for (const PanelQuery& query : panel.queries) {
      if (query.hidden && !computes) continue;
      std::optional<json> model = model_of(dashboard, panel, query);
      if (!model) continue;
      const json::json_pointer type("/datasource/type");
      const bool wants_expr =
          model->contains("expr") || (model->contains(type) && model->at(type) == "prometheus");
      if (wants_expr && query.expr.empty()) continue;  // unfinished: Grafana's pages do not ask it either
      // Each datasource by itself, as Grafana's pages ask: Grafana 9.0 refuses a mixture that no expression
      // needs.
      Request& request = requests[computes ? "" : model->at("datasource").at("uid").get<std::string>()];
      request.queries.push_back(std::move(*model));
      if (!query.hidden) request.wanted.push_back(&query);
    }
    for (auto& [source, request] : requests) {
      if (!request.wanted.empty()) ask(dashboard, panel, std::move(request));
    }
  }

  void ask(const Dashboard& dashboard, const Panel& panel, Request request) {
    const auto [from, to] = range_of(dashboard);
    const auto answers =
        grafana_.query({{"from", from}, {"to", to}, {"queries", std::move(request.queries)}}, stop_);
    for (const PanelQuery* query : request.wanted) {
      std::string name = name_of(dashboard, panel, *query);
      if (!answers) {
        add(not_answered(std::move(name), answers.error()));
        continue;
      }
      const auto answer = answers->find(query->ref);
      const GrafanaAnswer seen = answer == answers->end() ? GrafanaAnswer{} : answer->second;
      add(seen.error.empty() ? series_seen(std::move(name), seen.series)
                             : core::finding("panel", std::move(name), false, seen.error));
    }
  }

  /// A query with its datasource named as the API wants it. Nothing, with a finding, where it cannot be
  /// asked.
  std::optional<json> model_of(const Dashboard& dashboard, const Panel& panel, const PanelQuery& query) {
    json model = query.model;
    model["intervalMs"] = kIntervalMs;
    model["maxDataPoints"] = kPoints;
    if (query.datasource == kExpressions) return model;
    if (is_inside_grafana(query.datasource)) {
      add({"panel", name_of(dashboard, panel, query), Finding::State::skipped, "its data is Grafana's own"});
      return std::nullopt;
    }
    const GrafanaDatasource* source = find(query.datasource, query.datasource_type);
    if (source == nullptr) {
      add(core::finding("panel", name_of(dashboard, panel, query), false,
                        query.datasource.empty()
                            ? "there is no default datasource"
                            : fmt::format("there is no datasource {}", query.datasource)));
      return std::nullopt;
    }
    model["datasource"] = {{"uid", source->uid}, {"type", source->type}};
    return model;
  }

  /// Where a query names none, it is the default; the first of the query's kind, as Grafana chooses for a
  /// variable that has no value yet, where the default is of another.
  const GrafanaDatasource* find(const std::string& name, const std::string& type) const {
    const auto first = [&](const auto& matches) {
      const auto found = std::find_if(datasources_.begin(), datasources_.end(), matches);
      return found == datasources_.end() ? nullptr : &*found;
    };
    if (!name.empty() && name != "default" && name != kMixed)
      return first([&](const GrafanaDatasource& one) { return one.uid == name || one.name == name; });
    const GrafanaDatasource* usual = first([](const GrafanaDatasource& one) { return one.is_default; });
    if (type.empty() || type == "datasource" || (usual != nullptr && usual->type == type)) return usual;
    return first([&](const GrafanaDatasource& one) { return one.type == type; });
  }

  /// What the API understands: times relative to now. A dashboard that opens with a fixed range gets the last
  /// hour.
  std::pair<std::string, std::string> range_of(const Dashboard& dashboard) const {
    if (questions_.range > Nanoseconds::zero()) {
      const auto seconds = std::chrono::ceil<std::chrono::seconds>(questions_.range);
      return {fmt::format("now-{}s", seconds.count()), "now"};
    }
    if (dashboard.from.starts_with("now") && dashboard.to.starts_with("now"))
      return {dashboard.from, dashboard.to};
    return {"now-1h", "now"};
  }

  GrafanaClient& grafana_;
  const GrafanaQuestions& questions_;
  const std::stop_token& stop_;
  std::vector<GrafanaDatasource> datasources_;
  Findings findings_;
};

}  // namespace

Result<Findings> check_grafana(GrafanaClient& grafana, const GrafanaQuestions& questions,
                               const std::stop_token& stop) {
  return Checker(grafana, questions, stop).check();
}

}  // namespace obsctl::verifiers
