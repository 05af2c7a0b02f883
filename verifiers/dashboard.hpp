// A Grafana dashboard's panels and what each of them asks, so that the questions can be asked without a
// browser: of the Prometheus behind it, or of Grafana's own API. A panel that gets no answer there shows
// nothing in Grafana either. Format: the JSON that Grafana exports and provisions
// (https://grafana.com/docs/grafana/latest/dashboards/build-dashboards/view-dashboard-json-model/).
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "verifiers/labels.hpp"

namespace obsctl::verifiers {

/// One query of a panel.
struct PanelQuery {
  std::string ref;              ///< "A", "B", …: its name in the panel
  std::string datasource;       ///< uid, or the name in old dashboards; empty: Grafana's default
  std::string datasource_type;  ///< may be empty
  std::string expr;             ///< PromQL; empty for a query in another language
  bool instant = false;
  bool hidden = false;   ///< not shown, but an expression of the panel may use it
  nlohmann::json model;  ///< all of it, as Grafana wants it back
};

struct Panel {
  std::string title;
  std::vector<PanelQuery> queries;
  std::string unreadable;   ///< why its queries cannot be asked: a variable without a value
  bool in_library = false;  ///< its queries are in Grafana's library, not here
};

struct Dashboard {
  std::string uid;
  std::string title;
  std::string from;           ///< the time range that it opens with: "now-15m"
  std::string to;             ///< "now"
  std::vector<Panel> panels;  ///< those that ask something, also in rows, in their order
};

/// Variable → value. What is not among them takes the value that the dashboard has been saved with; "$__all"
/// is then the variable's own idea of all, its options, or ".*". Grafana's own variables ($__rate_interval,
/// …) are left standing where they are not among them: its backend fills them in.
using VariableValues = std::map<std::string, std::string>;

/// Errors: invalid_input (not a dashboard).
core::Result<Dashboard> read_dashboard(std::string_view text, const std::string& file_name,
                                       const VariableValues& values);

/// A variable whose values are those of a label in Prometheus.
struct LabelVariable {
  std::string name;
  std::string datasource;  ///< this and the next as PanelQuery has them
  std::string datasource_type;
  std::string label;
  std::string expr;  ///< PromQL: a series with the label for each value
};

/// What a variable gets when the dashboard is opened: the first of the values that the series have, or
/// nothing where none has one.
std::string first_value(const LabelVariable& variable, const std::vector<Labels>& series);

/// The first variable of a dashboard that has no value and that `label_values` gives the values of, if those
/// that its query needs have one. What a regular expression would make of the values is not known here: such
/// a variable is left out.
std::optional<LabelVariable> unset_variable(std::string_view text, const VariableValues& values);

/// The dashboards in a folder: its *.json files that have panels, sorted by path.
std::vector<std::filesystem::path> dashboards_in(const std::filesystem::path& folder);

}  // namespace obsctl::verifiers
