// A notification as JSON, lossless, and back. The same document is the receiver's answer and the journal's
// record.
#include "verifiers/notification_json.hpp"

#include <algorithm>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "verifiers/text_encodings.hpp"

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

Recurrence read_recurrence(const JsonReader& at) {
  const std::string text = at.text_or("recurrence", "first");
  for (const auto recurrence :
       {Recurrence::first, Recurrence::retry, Recurrence::duplicate, Recurrence::repeat}) {
    if (text == to_string(recurrence)) return recurrence;
  }
  at.refuse(
      fmt::format("has recurrence = \"{}\", not first, retry, duplicate or repeat", text.substr(0, 40)));
  return Recurrence::first;
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

namespace {

void write_outcome(const Notification& notification, ordered_json& document) {
  document["recurrence"] = to_string(notification.recurrence);
  if (notification.recurrence_of != 0) document["recurrence_of"] = notification.recurrence_of;
  if (!notification.misbehaviour.empty()) document["misbehaviour"] = notification.misbehaviour;
  document["refused"] = notification.refused;
  if (notification.answer != 0) document["answer"] = notification.answer;
}

void write_webhook(const Notification& notification, ordered_json& document) {
  document["declared_receiver"] = notification.declared_receiver;
  document["group_key"] = notification.group_key;
  document["group_labels"] = notification.group_labels;
  document["common_labels"] = notification.common_labels;
  document["common_annotations"] = notification.common_annotations;
  document["external_url"] = notification.external_url;
  document["version"] = notification.version;
  document["truncated_alerts"] = notification.truncated_alerts;
}

void write_message(const Notification& notification, ordered_json& document) {
  if (notification.kind == NotificationKind::pagerduty) {
    document["dedup_key"] = notification.dedup_key;
    document["action"] = notification.action;
  }
  if (notification.kind == NotificationKind::email) {
    document["sender"] = notification.sender;
    document["recipients"] = notification.recipients;
  }
  document["title"] = notification.title;
  if (notification.kind == NotificationKind::slack) document["channel"] = notification.channel;
  document["announced"] = notification.announced;
  document["text"] = notification.text;
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
  write_outcome(notification, document);
  if (notification.kind == NotificationKind::webhook) {
    write_webhook(notification, document);
  } else {
    write_message(notification, document);
  }
  if (is_utf8(notification.raw)) {
    document["raw"] = notification.raw;
  } else {
    document["raw_base64"] = base64_encoded(notification.raw);
  }
  // `receiver` and an email's addresses come from outside as bytes and may be anything.
  return document.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

namespace {

void read_rest(const JsonReader& root, Notification& notification) {
  notification.recurrence = read_recurrence(root);
  notification.recurrence_of = static_cast<std::uint64_t>(read_count(root, "recurrence_of"));
  notification.misbehaviour = root.text_or("misbehaviour", "");
  notification.refused = root.has("refused") && root.boolean("refused");
  notification.answer = static_cast<int>(std::clamp(root.number_or("answer", 0), 0.0, 999.0));
  notification.declared_receiver = root.text_or("declared_receiver", "");
  notification.group_key = root.text_or("group_key", "");
  notification.group_labels = root.labels_or_empty("group_labels");
  notification.common_labels = root.labels_or_empty("common_labels");
  notification.common_annotations = root.labels_or_empty("common_annotations");
  notification.external_url = root.text_or("external_url", "");
  notification.version = root.text_or("version", "");
  notification.truncated_alerts = read_count(root, "truncated_alerts");
  notification.dedup_key = root.text_or("dedup_key", "");
  notification.action = root.text_or("action", "");
  notification.sender = root.text_or("sender", "");
  notification.recipients = root.texts_or_empty("recipients");
  notification.title = root.text_or("title", "");
  notification.channel = root.text_or("channel", "");
  notification.announced = read_count(root, "announced");
  notification.text = root.text_or("text", "");
}

std::string read_raw(const JsonReader& root) {
  if (!root.has("raw_base64")) return root.text("raw");
  auto bytes = base64_decoded(root.text("raw_base64"));
  if (!bytes) root.refuse("has a raw_base64 that is not base64");
  return bytes ? std::move(*bytes) : std::string();
}

}  // namespace

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
  read_rest(root, notification);
  notification.raw = read_raw(root);
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
