// Whether a Grafana does what it is there for: its database is well, its datasources answer, and the panels
// of its dashboards get data through it.
#pragma once

#include <stop_token>
#include <string>
#include <vector>

#include "core/finding.hpp"
#include "verifiers/dashboard.hpp"
#include "verifiers/grafana_client.hpp"

namespace obsctl::verifiers {

struct GrafanaQuestions {
  std::vector<std::string> dashboards = {};  ///< by uid; empty: every one that can be seen
  bool panels = true;
  VariableValues variables = {};  ///< instead of what the dashboards have been saved with
  Nanoseconds range{};            ///< until now; zero: what each dashboard opens with
};

/// Asks everything once. A Grafana whose database is ill is asked no further. Errors: GrafanaClient's;
/// not_found (a dashboard).
core::Result<core::Findings> check_grafana(GrafanaClient& grafana, const GrafanaQuestions& questions,
                                           const std::stop_token& stop = {});

}  // namespace obsctl::verifiers
