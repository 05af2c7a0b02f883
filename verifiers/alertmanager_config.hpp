// Alertmanager's configuration as far as it decides who hears of an alert, and when: the route tree with its
// group timers, what each receiver sends, and inhibition.
// https://prometheus.io/docs/alerting/latest/configuration/
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/duration.hpp"
#include "core/error.hpp"
#include "verifiers/labels.hpp"
#include "verifiers/time_interval.hpp"

namespace obsctl::verifiers {

using core::Nanoseconds;

/// A node of the route tree, with everything inherited filled in.
struct Route {
  std::string receiver;
  std::vector<std::string> group_by;  ///< empty: all alerts of the route in one group
  bool group_by_all = false;          ///< group_by: ['...']
  Nanoseconds group_wait = std::chrono::seconds(30);
  Nanoseconds group_interval = std::chrono::minutes(5);
  Nanoseconds repeat_interval = std::chrono::hours(4);
  std::vector<std::string> mute_time_intervals;    ///< not inherited
  std::vector<std::string> active_time_intervals;  ///< not inherited
  std::vector<LabelMatcher> matchers;
  bool continue_matching = false;
  std::vector<Route> routes;
};

/// One entry of a receiver's *_configs.
struct Integration {
  std::string type;  ///< "webhook", "slack", "pagerduty", …
  bool send_resolved = true;
  std::string url;  ///< of a webhook, Slack or Discord entry, where the file has it
};

struct ReceiverConfig {
  std::string name;
  std::vector<Integration> integrations;  ///< empty: a receiver that tells nobody

  /// True when at least one integration sends resolved notifications.
  bool sends_resolved() const;
};

struct InhibitRule {
  std::vector<LabelMatcher> source;
  std::vector<LabelMatcher> target;
  std::vector<std::string> equal;

  /// Whether an active alert `source_labels` mutes an alert `target_labels` by this rule. An alert that is
  /// both source and target is never muted by another one that is too (Alertmanager's guard against alerts
  /// muting themselves).
  bool inhibits(const Labels& source_labels, const Labels& target_labels) const;
};

struct AlertmanagerConfig {
  Route root;
  std::vector<ReceiverConfig> receivers;
  std::vector<InhibitRule> inhibit_rules;
  std::vector<NamedTimeIntervals> time_intervals;

  const ReceiverConfig* receiver(std::string_view name) const;
};

/// Reads the YAML. `name` is used in errors. Errors: invalid_input with line and column.
Result<AlertmanagerConfig> parse_alertmanager_config(const std::string& yaml, const std::string& name);

/// The routes an alert ends in, in Alertmanager's order; at least one. They live as long as `config`.
std::vector<const Route*> routes_for(const AlertmanagerConfig& config, const Labels& labels);

/// The one of these routes on which an alert reaches a receiver, by Alertmanager's name of it or by the last
/// part of a URL that it posts to. Null: none does.
const Route* route_to(const AlertmanagerConfig& config, const Labels& labels, std::string_view receiver);

/// Why a route tells nobody at a moment: `it is in the time interval "night"`, `it is outside the active time
/// interval "office hours"`. Empty when it does.
std::string muted_because(const AlertmanagerConfig& config, const Route& route, core::WallTime at);

/// The labels by which an alert is grouped in a route.
Labels group_labels(const Route& route, const Labels& labels);

}  // namespace obsctl::verifiers
