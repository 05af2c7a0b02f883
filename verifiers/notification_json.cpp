// A notification as JSON, lossless, and back. The same document is the receiver's answer and the journal's
// record.
#include "verifiers/notification_json.hpp"

#include <algorithm>

#include <fmt/chrono.h>
#include <fmt/format.h>

namespace obsctl::verifiers {

using nlohmann::ordered_json;

namespace {

constexpr int kSchema = 1;

/// RFC 3339 with nanoseconds; null for "never".
ordered_json time_value(core::WallTime time) {
  if (time == core::WallTime::min()) return nullptr;
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:09}Z",
                     fmt::gmtime(std::chrono::system_clock::to_time_t(seconds)), (time - seconds).count());
}

ordered_json alert_value(const NotifiedAlert& alert) {
  return {{"name", alert.name},
          {"status", to_string(alert.status)},
          {"labels", alert.labels},
          {"annotations", alert.annotations},
          {"starts_at", time_value(alert.starts_at)},
          {"ends_at", time_value(alert.ends_at)},
          {"fingerprint", alert.fingerprint},
          {"generator_url", alert.generator_url}};
}

NotifiedStatus read_status(const JsonReader& at) {
  const std::string text = at.text("status");
  for (const auto status : {NotifiedStatus::unknown, NotifiedStatus::firing, NotifiedStatus::resolved}) {
    if (text == to_string(status)) return status;
  }
  at.refuse(fmt::format("has status = \"{}\", not unknown, firing or resolved", text.substr(0, 40)));
  return NotifiedStatus::unknown;
}

std::int64_t read_count(const JsonReader& at, std::string_view key) {
  return static_cast<std::int64_t>(std::clamp(at.number_or(key, 0), 0.0, 1e15));
}

NotifiedAlert read_alert(const JsonReader& at) {
  NotifiedAlert alert;
  alert.name = at.text("name");
  alert.status = read_status(at);
  alert.labels = at.labels_or_empty("labels");
  alert.annotations = at.labels_or_empty("annotations");
  alert.starts_at = at.time_or("starts_at", core::WallTime::min());
  alert.ends_at = at.time_or("ends_at", core::WallTime::min());
  alert.fingerprint = at.text_or("fingerprint", "");
  alert.generator_url = at.text_or("generator_url", "");
  return alert;
}

}  // namespace

std::string notification_to_json(const Notification& notification) {
  ordered_json alerts = ordered_json::array();
  for (const NotifiedAlert& alert : notification.alerts) alerts.push_back(alert_value(alert));
  ordered_json document = {{"schema", kSchema},
                           {"sequence", notification.sequence},
                           {"kind", to_string(notification.kind)},
                           {"receiver", notification.receiver},
                           {"received_at", time_value(notification.received_at)},
                           {"status", to_string(notification.status)},
                           {"alerts", std::move(alerts)}};
  if (notification.kind == NotificationKind::webhook) {
    document["declared_receiver"] = notification.declared_receiver;
    document["group_key"] = notification.group_key;
    document["group_labels"] = notification.group_labels;
    document["common_labels"] = notification.common_labels;
    document["common_annotations"] = notification.common_annotations;
    document["external_url"] = notification.external_url;
    document["version"] = notification.version;
    document["truncated_alerts"] = notification.truncated_alerts;
  } else {
    document["title"] = notification.title;
    document["channel"] = notification.channel;
    document["announced"] = notification.announced;
    document["text"] = notification.text;
  }
  document["raw"] = notification.raw;
  // What was accepted is valid UTF-8; `receiver` comes from a path and may be anything.
  return document.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

Notification read_notification(const JsonReader& root) {
  if (const double schema = root.number("schema"); schema != kSchema) {
    root.refuse(fmt::format("has schema {}, and only {} is understood", schema, kSchema));
  }
  Notification notification;
  notification.sequence = static_cast<std::uint64_t>(std::clamp(root.number("sequence"), 0.0, 1e15));
  const auto kind = parse_notification_kind(root.text("kind"));
  if (kind) {
    notification.kind = *kind;
  } else {
    root.refuse("has a kind that is not understood");
  }
  notification.receiver = root.text("receiver");
  notification.received_at = root.time("received_at");
  notification.status = read_status(root);
  for (const JsonReader& alert : root.list("alerts")) notification.alerts.push_back(read_alert(alert));
  notification.declared_receiver = root.text_or("declared_receiver", "");
  notification.group_key = root.text_or("group_key", "");
  notification.group_labels = root.labels_or_empty("group_labels");
  notification.common_labels = root.labels_or_empty("common_labels");
  notification.common_annotations = root.labels_or_empty("common_annotations");
  notification.external_url = root.text_or("external_url", "");
  notification.version = root.text_or("version", "");
  notification.truncated_alerts = read_count(root, "truncated_alerts");
  notification.title = root.text_or("title", "");
  notification.channel = root.text_or("channel", "");
  notification.announced = read_count(root, "announced");
  notification.text = root.text_or("text", "");
  notification.raw = root.text("raw");
  return notification;
}

Result<Notification> notification_from_json(std::string_view text) {
  JsonErrors errors(core::ErrorKind::protocol, "notification");
  const auto document = parse_json(text, errors);
  if (!document) return *errors.first();
  Notification notification = read_notification(JsonReader(*document, "", errors));
  if (errors.first()) return *errors.first();
  return notification;
}

}  // namespace obsctl::verifiers
