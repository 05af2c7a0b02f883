// The sample service's metrics. Whatever counts a request is resolved beforehand: on the hot path there is an
// index into an array, never a look-up by label. Series exist at 0 before their first event, so that rate()
// and alert expressions see the first error too.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include <prometheus/metric_family.h>

#include "core/duration.hpp"
#include "stacks/services/fault.hpp"
#include "stacks/services/routes.hpp"
#include "stacks/services/toggle_kinds.hpp"

namespace obsctl::stacks {

class ServiceMetrics {
 public:
  ServiceMetrics(const std::vector<std::string>& dependencies, const std::string& version);
  ~ServiceMetrics();

  /// http_requests_total and http_request_duration_seconds.
  void count_request(RouteId route, Method method, int status, core::Nanoseconds duration);
  /// http_requests_total alone, for what was refused before it was a request.
  void count_refused(int status);
  /// Makes the counter of a status exist for the methods of a route.
  void expose(RouteId route, int status);
  /// faults_injected_total, for each kind in `kinds` (see FaultPlan).
  void count_faults(std::uint32_t kinds, RouteId route);
  void work_started();
  void work_ended();
  void work_failed();
  void log_lines_dropped(std::uint64_t total);

  /// Everything, and `more`, in Prometheus' text format 0.0.4, with `readiness` as it is now.
  std::string exposition(const Readiness& readiness, std::vector<prometheus::MetricFamily> more);

 private:
  struct Series;
  std::unique_ptr<Series> series_;
};

}  // namespace obsctl::stacks
