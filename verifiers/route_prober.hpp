// Proves routes: fires synthetic alerts at an Alertmanager, asks it what it makes of them, watches for their
// notifications where it can, and takes the alerts back.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "core/clock.hpp"
#include "verifiers/route_check.hpp"
#include "verifiers/route_checks_file.hpp"
#include "verifiers/synthetic_alerts.hpp"

namespace obsctl::verifiers {

struct RouteProberOptions {
  /// Nobody but us hears of what this Alertmanager sends: its groups are empty before each wave, and each
  /// check has a group of its own.
  bool is_private = false;
  /// Notifications with a sequence above `after`, waiting up to `wait` for the first one. Empty: none are
  /// looked at.
  std::function<Result<std::vector<Notification>>(std::uint64_t after, core::Nanoseconds wait,
                                                  const std::stop_token& stop)>
      notifications = {};
  /// Whether Alertmanager has said, since it was asked last, that it does not notify a group because of a
  /// time interval. For those before 0.28, whose API does not tell. May be empty.
  std::function<bool()> has_muted = {};
  /// Silences it has to overlook: they are there so that nobody is told.
  std::vector<std::string> own_silences = {};
};

struct RouteResult {
  RouteObservation seen;
  RouteFinding finding;
};

/// One result for each check, in their order. The alerts are resolved between the waves and at the end;
/// `alerts` takes back what is left when it ends. Errors: the clients'; cancelled.
Result<std::vector<RouteResult>> probe_routes(AlertmanagerClient& alertmanager,
                                              const AlertmanagerConfig& config,
                                              const std::vector<RouteCheck>& checks,
                                              const RouteProberOptions& options, SyntheticAlerts& alerts,
                                              core::Clock& clock, const std::stop_token& stop);

}  // namespace obsctl::verifiers
