// Proving routes from end to end: the checks of verifiers/ at an Alertmanager that runs already, or at a
// private one that stacks/ starts from a configuration file, all of whose messages come to a receiver of our
// own.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "core/clock.hpp"
#include "core/log.hpp"
#include "scenarios/journal.hpp"
#include "verifiers/route_checks_file.hpp"
#include "verifiers/route_prober.hpp"

namespace obsctl::scenarios {

/// Where routes are proven: `config`, or else `alertmanager`.
struct RoutesPlace {
  /// URL of one that runs.
  std::string alertmanager = {};
  /// URL of an obsctl receiver that its notifications arrive at; empty: none are looked at.
  std::string receiver = {};
  /// Let a running Alertmanager tell people. Without it, and without a receiver, the alerts are silenced.
  bool notify = false;
  /// A configuration file, to be tried in a private Alertmanager.
  std::filesystem::path config = {};
};

struct RoutesReport {
  std::string run_id;
  core::WallTime started_at;
  core::Nanoseconds took{};
  std::string alertmanager;  ///< its URL, or the configuration file
  std::string version;
  bool is_private = false;
  bool silenced = false;  ///< nobody was told
  std::vector<verifiers::RouteCheck> checks;
  std::vector<verifiers::RouteResult> results;  ///< one for each check
  /// Receivers of the configuration that no check has reached.
  std::vector<std::string> not_reached;
  std::vector<std::string> notes;

  verifiers::RouteFinding::Outcome verdict() const;
};

/// However it ends, every synthetic alert has been resolved, or the error says that it could not be. Main
/// thread only (a private Alertmanager is a child process). Errors: usage (nothing to check), invalid_input
/// (the file), unavailable, timeout, protocol, cancelled.
core::Result<RoutesReport> verify_routes(const verifiers::RouteChecks& checks, const RoutesPlace& place,
                                         core::Clock& clock, core::Logger& log, const std::stop_token& stop);

/// Schema 1, as docs/reference/verify-routes.md has it.
Json routes_document(const RoutesReport& report);

}  // namespace obsctl::scenarios
