// Why a notification has not come: the causes that Prometheus, Alertmanager and the receiver can tell apart,
// in the order in which an alert passes them. Semantics: docs/explanation/alert-timing.md.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "verifiers/alertmanager_client.hpp"
#include "verifiers/alertmanager_config.hpp"

namespace obsctl::verifiers {

enum class MissingCause {
  not_firing,             ///< Prometheus does not fire the alert
  resolved_before_flush,  ///< it ended before its group's first flush
  not_routed,             ///< no route leads it to the receiver
  no_integration,         ///< the receiver tells nobody
  not_sent,               ///< Prometheus fires it, Alertmanager does not hold it
  silenced,
  inhibited,
  muted,              ///< by a time interval
  delivery_failed,    ///< the receiver refused it or could not be reached
  still_firing,       ///< no resolved notification: the alert is not inactive
  send_resolved_off,  ///< the receiver is not told of resolved alerts
  never_notified,     ///< no resolved notification, because none that it fires was sent
  fired_again,        ///< before the flush that would have said that it is resolved
  waiting,            ///< for group_wait or group_interval
  unknown,
};
std::string_view to_string(MissingCause cause);

struct Explanation {
  MissingCause cause = MissingCause::unknown;
  std::string text;  ///< evidence, for people; no full stop
};

/// An instance of the alert, by Prometheus.
struct FiredInstance {
  Labels labels;
  core::WallTime fired_at;
  std::optional<core::WallTime> inactive_at;
};

/// What was to come.
struct MissingNotification {
  std::string alert;
  std::string receiver;  ///< as scenarios name it: see route_to
  bool resolved = false;
  core::WallTime now;
  std::vector<FiredInstance> instances;  ///< in the order of `fired_at`; those since the fault began
  bool notified_firing = false;          ///< a firing notification has come
};

/// A delivery that our receiver has refused.
struct RefusedDelivery {
  std::string receiver;
  int answer = 0;  ///< 0: none
};

/// What is known at that moment. What is absent could not be asked.
struct DeliveryEvidence {
  std::optional<AlertmanagerConfig> config;
  std::vector<HeldAlert> held;
  std::vector<Silence> silences;
  std::optional<std::size_t> alertmanagers;       ///< that Prometheus sends to
  std::vector<RefusedDelivery> refused;           ///< since the fault began
  std::map<std::string, double> failed_requests;  ///< of Alertmanager since the run began, by integration
  std::optional<std::vector<std::string>> log;    ///< Alertmanager's lines since then that tell of an error
};

/// The first cause that the evidence shows. Pure.
Explanation explain(const MissingNotification& missing, const DeliveryEvidence& evidence);

}  // namespace obsctl::verifiers
