// One received notification: the payloads of Alertmanager's webhook (version 4), Slack and Discord, read into
// one shape, with the body kept as it came. Slack's and Discord's carry text only: names and states are read
// from their titles.
//
// Formats: https://prometheus.io/docs/alerting/latest/configuration/#webhook_config,
// https://api.slack.com/reference/messaging/payload, https://discord.com/developers/docs/resources/webhook.
// Unknown keys are accepted: newer Alertmanagers add some, and Grafana sends a superset.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/clock.hpp"
#include "verifiers/labels.hpp"

namespace obsctl::verifiers {

enum class NotificationKind { webhook, slack, discord };
std::string_view to_string(NotificationKind kind);
/// Errors: invalid_input.
Result<NotificationKind> parse_notification_kind(std::string_view text);

/// `unknown` only in Slack and Discord messages that say neither.
enum class NotifiedStatus { unknown, firing, resolved };
std::string_view to_string(NotifiedStatus status);

/// An alert in a notification. From Slack and Discord only name and status are known, unless the text lists
/// labels as Alertmanager's default templates do.
struct NotifiedAlert {
  std::string name;
  NotifiedStatus status = NotifiedStatus::unknown;
  Labels labels = {};
  Labels annotations = {};
  core::WallTime starts_at = core::WallTime::min();
  core::WallTime ends_at = core::WallTime::min();  ///< min() while it fires
  std::string fingerprint = {};
  std::string generator_url = {};
};

struct Notification {
  /// Counts what one receiver has accepted, from 1.
  std::uint64_t sequence = 0;
  NotificationKind kind = NotificationKind::webhook;
  /// The last part of the path it was sent to.
  std::string receiver;
  core::WallTime received_at;
  /// Of the whole group: firing if any alert is. Judge each alert by its own status.
  NotifiedStatus status = NotifiedStatus::unknown;
  std::vector<NotifiedAlert> alerts;

  // Of the webhook only.
  std::string declared_receiver;  ///< Alertmanager's name of the receiver
  std::string group_key;
  Labels group_labels;
  Labels common_labels;
  Labels common_annotations;
  std::string external_url;
  std::string version;
  std::int64_t truncated_alerts = 0;

  // Of Slack and Discord only.
  std::string title;  ///< of the first attachment or embed, else the first line of the text
  std::string channel;
  std::int64_t announced = 0;  ///< the number in "[FIRING:2]"; 0 when there is none
  std::string text;            ///< every readable part, one a line, title first

  std::string raw;  ///< the body, byte for byte
};

/// Reads a body. `sequence` stays 0. Errors: invalid_input, naming the key: "alerts[0].labels is a list, not
/// an object".
Result<Notification> parse_notification(NotificationKind kind, std::string receiver, std::string body,
                                        core::WallTime received_at);

/// What a notification says about an alert: exactly, where it carries alerts (firing if any instance is),
/// else, for Slack and Discord, the whole message's status if its text has the name as a word. Nothing when
/// it is not about that alert.
std::optional<NotifiedStatus> status_of(const Notification& notification, std::string_view alert);

/// A notification as receivers answer it and journals keep it: one JSON object, `schema` 1.
std::string notification_to_json(const Notification& notification);
/// Errors: protocol, naming the key.
Result<Notification> notification_from_json(std::string_view text);

}  // namespace obsctl::verifiers
