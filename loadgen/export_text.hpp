// Results for other programs: windows as CSV, figures in Prometheus' text format.
#pragma once

#include <string>
#include <vector>

#include "loadgen/statistics.hpp"

namespace obsctl::loadgen {

/// One row a window, RFC 4180, with a header row; times in seconds.
std::string windows_csv(const std::vector<Window>& windows);

/// Prometheus' text exposition format (https://prometheus.io/docs/instrumenting/exposition_formats/):
/// counters and quantile gauges named obsctl_load_…, for the node exporter's textfile collector or a live
/// /metrics.
std::string prometheus_text(const Statistics& statistics, double asked_rate, bool finished);

}  // namespace obsctl::loadgen
