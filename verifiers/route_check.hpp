// What is asked about the route of one label set, what was seen of it, and the pure judgement of the one by
// the other. How it is seen is route_prober's affair.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "core/regex.hpp"
#include "verifiers/alertmanager_config.hpp"
#include "verifiers/labels.hpp"
#include "verifiers/notification.hpp"

namespace obsctl::verifiers {

/// What keeps an alert from being notified.
enum class Suppression { none, inhibition, silence, time };
/// "none", "inhibition", "silence", "time".
std::string_view to_string(Suppression suppression);

/// What the notifications of one kind have to say.
struct RouteText {
  NotificationKind kind = NotificationKind::webhook;
  std::string pattern;  ///< as it was written
  core::Regex compiled;
};

/// One label set and what is expected of it.
struct RouteCheck {
  std::string name;
  Labels labels;
  Labels annotations = {};
  /// Alerts that fire at the same time: what inhibits it, or shares its group.
  std::vector<Labels> beside = {};
  /// Exactly these, in any order. Absent: at least one that tells somebody.
  std::optional<std::vector<std::string>> receivers = {};
  /// The labels that it is grouped by, in every route; those that it does not have do not count, and "..."
  /// stands for all of them.
  std::optional<std::vector<std::string>> group_by = {};
  Suppression suppressed_by = Suppression::none;
  std::vector<RouteText> text = {};
};

/// A group of Alertmanager's dispatcher that holds the alert.
struct SeenGroup {
  std::string receiver;
  Labels labels;
  bool operator==(const SeenGroup&) const = default;
};

/// How far notifications can be believed to be the whole truth.
enum class NotificationProof {
  none,     ///< nobody looked
  some,     ///< a receiver was watched to which not every integration need lead: one notification will do
  complete  ///< every integration leads to the receiver that was watched
};

/// What was seen of one check's own alert while it fired.
struct RouteObservation {
  bool held = false;  ///< Alertmanager listed it
  Labels sent;        ///< its labels as they were sent, with the one that marks it as synthetic
  std::vector<std::string> receivers;
  std::vector<SeenGroup> groups;
  // Each as a person reads it: an alert's labels, a silence's comment, a time interval's name.
  std::vector<std::string> inhibited_by, silenced_by, muted_by;
  NotificationProof proof = NotificationProof::none;
  core::Nanoseconds waited{};  ///< for notifications
  std::vector<Notification> notifications;
};

struct RouteFinding {
  enum class Outcome { passed, failed, inconclusive };
  Outcome outcome = Outcome::passed;
  std::vector<std::string> problems;
  /// What could not be proven although nothing contradicts it.
  std::vector<std::string> remarks;
};
std::string_view to_string(RouteFinding::Outcome outcome);

/// Pure. `config` is Alertmanager's own: it says which receivers tell anybody, and by what.
RouteFinding judge_route(const RouteCheck& check, const RouteObservation& seen,
                         const AlertmanagerConfig& config);

/// The routes an alert ends in that have time intervals, which may mute it.
std::vector<const Route*> timed_routes(const AlertmanagerConfig& config, const Labels& labels);

/// The integrations of the receivers that are reached whose notification has not arrived: "slack at pager".
std::vector<std::string> missing_arrivals(const RouteObservation& seen, const AlertmanagerConfig& config);

/// Whether a notification has not arrived (yet) that would have to: by `seen.proof`, of every integration of
/// every receiver that is reached, or any at all.
bool any_arrival_missing(const RouteObservation& seen, const AlertmanagerConfig& config);

/// Whether the notification was sent for that receiver: a webhook says so, of the others the path they came
/// by (or an email's recipient) does.
bool is_for_receiver(const Notification& notification, std::string_view receiver);

/// What a person reads of it; of a webhook, which nobody reads, the body.
const std::string& readable(const Notification& notification);

/// Whether it is about the alert that was sent with these labels: it lists them, or it is a text that
/// contains the synthetic label's value, or its name.
bool is_about(const Notification& notification, const Labels& sent);

}  // namespace obsctl::verifiers
