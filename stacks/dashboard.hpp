// A Grafana dashboard's queries, so that they can be asked of the stack's Prometheus without a Grafana: a
// panel that shows nothing there shows nothing in Grafana either. Format: the JSON that Grafana exports and
// provisions
// (https://grafana.com/docs/grafana/latest/dashboards/build-dashboards/view-dashboard-json-model/).
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"

namespace obsctl::stacks {

struct PanelQuery {
  std::string panel;  ///< the panel's title
  std::string ref;    ///< "A", "B", …: the query's name in the panel
  std::string expr;   ///< PromQL, with the dashboard's own variables filled in by the value that it has saved
  bool instant = false;
};

/// What stands for Grafana's own variables, as Prometheus durations.
struct DashboardTimes {
  std::string rate_interval = "1m";  ///< $__rate_interval, $__interval
  std::string range = "5m";          ///< $__range
};

struct Dashboard {
  std::string uid;
  std::string title;
  std::vector<PanelQuery> queries;  ///< of all panels, those in rows too, in their order
};

/// Errors: invalid_input (not a dashboard; a variable that is not known, by panel).
core::Result<Dashboard> read_dashboard(std::string_view text, const std::string& file_name,
                                       const DashboardTimes& times);

/// The dashboards in a stack's folder: its *.json files that have panels, sorted by path.
std::vector<std::filesystem::path> dashboards_in(const std::filesystem::path& folder);

}  // namespace obsctl::stacks
