// See grafana_check.hpp.
#include "verifiers/grafana_check.hpp"

#include <algorithm>
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
      if (!text) return text.error();
      const auto dashboard = read_dashboard(*text, uid, questions_.variables);
      if (dashboard) {
        for (const Panel& panel : dashboard->panels) check_panel(*dashboard, panel);
      } else {
        add({"panel", uid, Finding::State::skipped, "the dashboard has no panels"});
      }
    }
    return {};
  }

  void check_panel(const Dashboard& dashboard, const Panel& panel) {
    if (!panel.unreadable.empty()) {
      return add(core::finding("panel", fmt::format("{}: {}", dashboard.title, panel.title), false,
                               panel.unreadable + "; give it one: --var NAME=VALUE"));
    }
    const bool computes =
        std::any_of(panel.queries.begin(), panel.queries.end(),
                    [](const PanelQuery& query) { return query.datasource == kExpressions; });
    json queries = json::array();
    std::vector<const PanelQuery*> wanted;
    for (const PanelQuery& query : panel.queries) {
      if (query.hidden && !computes) continue;
      if (!add_query(dashboard, panel, query, queries)) continue;
      if (!query.hidden) wanted.push_back(&query);
    }
    if (wanted.empty()) return;
    const auto [from, to] = range_of(dashboard);
    const auto answers = grafana_.query({{"from", from}, {"to", to}, {"queries", std::move(queries)}}, stop_);
    for (const PanelQuery* query : wanted) {
      std::string name = name_of(dashboard, panel, *query);
      if (!answers) {
        add(core::finding("panel", std::move(name), false, to_line(answers.error())));
        continue;
      }
      const auto answer = answers->find(query->ref);
      const GrafanaAnswer seen = answer == answers->end() ? GrafanaAnswer{} : answer->second;
      add(seen.error.empty() ? series_seen(std::move(name), seen.series)
                             : core::finding("panel", std::move(name), false, seen.error));
    }
  }

  /// Adds a query to the panel's, its datasource named as the API wants it. False, with a finding, where it
  /// cannot be asked.
  bool add_query(const Dashboard& dashboard, const Panel& panel, const PanelQuery& query, json& queries) {
    json model = query.model;
    model["intervalMs"] = kIntervalMs;
    model["maxDataPoints"] = kPoints;
    if (query.datasource == kExpressions) {
      queries.push_back(std::move(model));
      return true;
    }
    if (is_inside_grafana(query.datasource)) {
      add({"panel", name_of(dashboard, panel, query), Finding::State::skipped, "its data is Grafana's own"});
      return false;
    }
    const GrafanaDatasource* source = find(query.datasource);
    if (source == nullptr) {
      add(core::finding("panel", name_of(dashboard, panel, query), false,
                        query.datasource.empty()
                            ? "there is no default datasource"
                            : fmt::format("there is no datasource {}", query.datasource)));
      return false;
    }
    model["datasource"] = {{"uid", source->uid}, {"type", source->type}};
    queries.push_back(std::move(model));
    return true;
  }

  const GrafanaDatasource* find(const std::string& uid_or_name) const {
    const bool any = uid_or_name.empty() || uid_or_name == "default" || uid_or_name == kMixed;
    const auto same = [&](const GrafanaDatasource& one) {
      return any ? one.is_default : one.uid == uid_or_name || one.name == uid_or_name;
    };
    const auto found = std::find_if(datasources_.begin(), datasources_.end(), same);
    return found == datasources_.end() ? nullptr : &*found;
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
