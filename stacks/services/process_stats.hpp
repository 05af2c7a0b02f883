// The process's own figures from /proc/self, under the names that every Prometheus client library gives them
// (https://prometheus.io/docs/instrumenting/writing_clientlibs/#process-metrics), plus the number of threads.
#pragma once

#include <vector>

#include <prometheus/metric_family.h>

namespace obsctl::stacks {

/// What cannot be read is left out.
std::vector<prometheus::MetricFamily> process_metrics();

}  // namespace obsctl::stacks
