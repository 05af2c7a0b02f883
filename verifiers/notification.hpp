// One received notification: what Alertmanager's integrations send (webhook version 4, Slack, Discord,
// PagerDuty, Microsoft Teams, email) and any other JSON or text, read into one shape, with the body kept as
// it came. All but the webhook carry text: names, labels and states are read from it as far as it tells them.
//
// Formats: https://prometheus.io/docs/alerting/latest/configuration/#webhook_config,
// https://api.slack.com/reference/messaging/payload, https://discord.com/developers/docs/resources/webhook,
// https://developer.pagerduty.com/docs/events-api-v2/trigger-events/,
// https://learn.microsoft.com/outlook/actionable-messages/message-card-reference (Teams' connectors),
// https://adaptivecards.io/explorer/ (Teams' workflows), RFC 5322 and RFC 2045 (email).
// Unknown keys are accepted: newer Alertmanagers add some, and Grafana sends a superset.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/clock.hpp"
#include "verifiers/labels.hpp"

namespace obsctl::verifiers {

enum class NotificationKind { webhook, slack, discord, pagerduty, msteams, generic, email };
inline constexpr std::array kNotificationKinds = {NotificationKind::webhook, NotificationKind::slack,
                                                  NotificationKind::discord, NotificationKind::pagerduty,
                                                  NotificationKind::msteams, NotificationKind::generic,
                                                  NotificationKind::email};
std::string_view to_string(NotificationKind kind);
/// Errors: invalid_input.
Result<NotificationKind> parse_notification_kind(std::string_view text);

/// `unknown` only in messages of text that say neither.
enum class NotifiedStatus { unknown, firing, resolved };
std::string_view to_string(NotifiedStatus status);

/// How a notification relates to what the same receiver got before. Two say the same when kind, receiver,
/// group and alerts (labels, status, start) are the same, and the text as well where a text is all there is.
enum class Recurrence {
  first,      ///< says something new
  retry,      ///< says what the delivery said that was refused last
  duplicate,  ///< says what the last one of its group said, so soon after it that nobody meant to say it
              ///< twice
  repeat      ///< the same, later: a reminder (Alertmanager's repeat_interval)
};
std::string_view to_string(Recurrence recurrence);

/// An alert in a notification. From a text only name and status are known, unless it lists labels as
/// Alertmanager's default templates do.
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
  /// Counts what one receiver has recorded, accepted or refused, from 1.
  std::uint64_t sequence = 0;
  NotificationKind kind = NotificationKind::webhook;
  /// The last part of the path it was sent to; of an email the local part of its first recipient.
  std::string receiver;
  core::WallTime received_at;
  /// Of the whole group: firing if any alert is. Judge each alert by its own status.
  NotifiedStatus status = NotifiedStatus::unknown;
  std::vector<NotifiedAlert> alerts;

  Recurrence recurrence = Recurrence::first;
  /// The sequence of the one it recurs; 0: none.
  std::uint64_t recurrence_of = 0;
  /// What the receiver did to it because it was told to: "500", "slow:2s", "hang". Empty: nothing.
  std::string misbehaviour;
  /// On request its sender was told that it has not arrived, or nothing: nobody has been notified.
  bool refused = false;
  /// What the sender of a refused one was told: an HTTP status or an SMTP reply code; 0: nothing.
  int answer = 0;

  // Of the webhook only.
  std::string declared_receiver;  ///< Alertmanager's name of the receiver
  std::string group_key;
  Labels group_labels;
  Labels common_labels;
  Labels common_annotations;
  std::string external_url;
  std::string version;
  std::int64_t truncated_alerts = 0;

  // Of PagerDuty only.
  std::string dedup_key;
  std::string action;  ///< "trigger", "acknowledge" or "resolve"

  // Of email only. From the envelope where there is one, else from the message.
  std::string sender;
  std::vector<std::string> recipients;

  // Of all but the webhook.
  std::string
      title;  ///< of the first attachment, embed or card; summary; subject; else the first line of text
  std::string channel;         ///< Slack's
  std::int64_t announced = 0;  ///< the number in "[FIRING:2]"; 0 when there is none
  std::string text;            ///< every readable part, one a line, title first

  std::string raw;  ///< the body, byte for byte
};

/// Reads a body. `sequence` stays 0. Errors: invalid_input, naming the key: "alerts[0].labels is a list, not
/// an object". A generic body and an email are never refused: whatever it is, it is text.
Result<Notification> parse_notification(NotificationKind kind, std::string receiver, std::string body,
                                        core::WallTime received_at);

/// What a notification says about an alert: exactly, where it carries alerts (firing if any instance is),
/// else, but for the webhook, the whole message's status if its text has the name as a word. Nothing when it
/// is not about that alert, or was refused: then nobody was told. (`alerts` has what a refused one would have
/// said.)
std::optional<NotifiedStatus> status_of(const Notification& notification, std::string_view alert);

/// The body as it may be shown: PagerDuty's routing key, which is a secret, is replaced by <secret>.
std::string shown_body(const Notification& notification);

/// What a person can read in a body: of JSON its texts, members as "name: value", one a line; anything else
/// as it is. (Of a mail, Notification::text has it.)
std::string readable_body(const std::string& body);

/// A notification as receivers answer it and journals keep it: one JSON object, `schema` 1, lossless. A body
/// that is not UTF-8 is in `raw_base64` instead of `raw`.
std::string notification_to_json(const Notification& notification);
/// Errors: protocol, naming the key.
Result<Notification> notification_from_json(std::string_view text);

}  // namespace obsctl::verifiers
