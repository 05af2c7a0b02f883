// What a run of load measured, as plain values: counts, latencies, one-second windows, the summary.
// Everything that judges or prints load (thresholds, scenarios, reports) reads these and nothing else.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "core/clock.hpp"
#include "core/duration.hpp"
#include "loadgen/histogram.hpp"

namespace obsctl::loadgen {

/// Every arrival is in exactly one of these. The invariants of a run:
///     scheduled = sent + dropped + shed + unsent_at_end
///     sent      = ok + http_error + check_failed + timeout + connection_error + in_flight_at_end
/// While a run is going on, unsent_at_end is what waits for a connection and in_flight_at_end what is in
/// flight.
struct Counts {
  std::int64_t scheduled = 0;
  std::int64_t sent = 0;
  std::int64_t dropped = 0;
  std::int64_t shed = 0;
  std::int64_t unsent_at_end = 0;
  std::int64_t ok = 0;
  std::int64_t http_error = 0;    ///< status 400 or above, or not among the statuses a check allows
  std::int64_t check_failed = 0;  ///< the status was right, another check was not
  std::int64_t timeout = 0;
  std::int64_t connection_error = 0;  ///< refused, reset, closed early, TLS, or an answer that is not HTTP
  std::int64_t in_flight_at_end = 0;

  std::int64_t errors() const { return http_error + check_failed + timeout + connection_error; }
  std::int64_t completed() const { return ok + errors(); }
  /// errors ÷ completed; 0 when nothing is completed.
  double error_ratio() const;
  Counts& operator+=(const Counts& other);
};

/// The figures of one distribution. All zero when `count` is.
struct Quantiles {
  std::int64_t count = 0;
  core::Nanoseconds mean{};
  core::Nanoseconds min{};
  core::Nanoseconds p50{};
  core::Nanoseconds p90{};
  core::Nanoseconds p95{};
  core::Nanoseconds p99{};
  core::Nanoseconds p999{};
  core::Nanoseconds max{};
};
Quantiles quantiles_of(const Histogram& histogram);

/// One phase of a run, or all of it.
struct Statistics {
  Counts counts;
  core::Nanoseconds length{};  ///< of the phase so far, in due time
  Quantiles response_time;     ///< done − due
  Quantiles service_time;      ///< done − sent
  Quantiles schedule_lag;      ///< dispatched − due: the tool's fault
  Quantiles pool_wait;         ///< sent − dispatched: waiting for a connection, the target's fault

  double error_ratio() const { return counts.error_ratio(); }
};

/// One second of arrivals, by the time they were due.
struct Window {
  std::int64_t index = 0;      ///< from 0; the window covers [index, index + 1) seconds after the start
  core::Nanoseconds length{};  ///< a second, but for the last window of a run
  Counts counts;               ///< counts.scheduled is what was asked for
  core::Nanoseconds p50{};     ///< of response time
  core::Nanoseconds p95{};
  core::Nanoseconds p99{};
  core::Nanoseconds max{};
  core::Nanoseconds lag_p99{};
  std::int64_t in_flight = 0;  ///< at the end of the second
  std::int64_t bytes_received = 0;

  double start_s() const { return static_cast<double>(index); }
};

/// A look at a run that goes on, for a live display.
struct Snapshot {
  core::Nanoseconds elapsed{};  ///< since the start; negative while connections are being opened
  double asked_rate = 0;        ///< per second, now
  Counts counts;                ///< of the whole run so far
  std::int64_t connections = 0;
  bool finished = false;  ///< nothing more will be sent and nothing is in flight
};

/// Why figures of a run are not to be trusted as the target's.
struct GeneratorLimited {
  bool limited = false;
  std::string reason;  ///< one sentence with the figures; empty when not limited
};

struct EndpointSummary {
  std::string name;
  Counts counts;  ///< without scheduled, dropped, shed and unsent: an unsent arrival has no endpoint yet
  Histogram response_time;
  Histogram service_time;
};

struct PhaseSummary {
  std::string name;
  Statistics statistics;
};

struct Summary {
  std::string target;
  std::string arrivals;  ///< in words: "constant 200/s"
  std::uint64_t seed = 0;
  std::int64_t stripe_index = 0;
  std::int64_t stripe_count = 1;
  int threads = 1;
  std::string pacing;
  bool closed_loop = false;
  core::WallTime started_at{};
  core::Nanoseconds elapsed{};  ///< the measured part: how long arrivals were due
  core::Nanoseconds drained{};  ///< afterwards, waiting for what was in flight
  bool stopped_early = false;

  Counts counts;
  double asked_rate = 0;     ///< scheduled ÷ elapsed, per second
  double achieved_rate = 0;  ///< sent within elapsed ÷ elapsed
  Histogram response_time;
  Histogram service_time;
  Histogram schedule_lag;
  Histogram pool_wait;
  Histogram connect_time;  ///< TCP and TLS, of every connection opened
  std::int64_t bytes_sent = 0;
  std::int64_t bytes_received = 0;
  std::int64_t connections_opened = 0;
  core::Nanoseconds cpu{};  ///< user and system time of the sending threads
  std::map<int, std::int64_t> statuses;
  std::map<std::string, std::int64_t> failures;  ///< first words of what went wrong → how often; bounded
  std::vector<PhaseSummary> phases;
  std::vector<Window> windows;
  std::vector<EndpointSummary> endpoints;
  GeneratorLimited generator_limited;
  std::string broken_invariant;  ///< empty, as it must be

  Statistics statistics() const;
};

/// JSON as docs/reference/load.md describes it: durations as integer `…_ns`, counts under the names above.
void to_json(nlohmann::json& json, const Counts& counts);
void to_json(nlohmann::json& json, const Quantiles& quantiles);
void to_json(nlohmann::json& json, const Statistics& statistics);
void to_json(nlohmann::json& json, const Window& window);
void to_json(nlohmann::json& json, const Summary& summary);

/// Reads what to_json wrote. Errors: invalid_input, naming the key that is missing or wrong.
core::Result<Summary> summary_from_json(const nlohmann::json& json);

}  // namespace obsctl::loadgen
