// Whether the panels of a dashboard have something to show, asked of the Prometheus behind it: it needs no
// Grafana.
#pragma once

#include <stop_token>

#include "core/finding.hpp"
#include "verifiers/dashboard.hpp"
#include "verifiers/prometheus_client.hpp"

namespace obsctl::verifiers {

/// Runs every PromQL query of the dashboard once, those that are not instant over `range` (positive) until
/// `now`. Each has to have a number: one finding a query, "TITLE: PANEL REF". Queries of another datasource's
/// language are skipped.
core::Findings check_panels(const Dashboard& dashboard, PrometheusClient& prometheus, WallTime now,
                            Nanoseconds range, const std::stop_token& stop = {});

/// `values`, and of the dashboard's variables that neither these nor the dashboard have a value for, the one
/// that they get when it is opened (unset_variable), asked of Prometheus.
VariableValues opened_with(std::string_view dashboard, VariableValues values, PrometheusClient& prometheus,
                           WallTime now, const std::stop_token& stop = {});

/// How a panel's query is called in findings.
std::string name_of(const Dashboard& dashboard, const Panel& panel, const PanelQuery& query);

/// A finding about a panel that Grafana keeps in its library: skipped.
core::Finding library_panel(const Dashboard& dashboard, const Panel& panel);

/// A finding about a panel's query that returned so many series with a number in them.
core::Finding series_seen(std::string name, std::size_t series);

}  // namespace obsctl::verifiers
