// Alertmanager's webhook, version 4: the one payload that says everything about every alert.
#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "verifiers/notification_parsers.hpp"

namespace obsctl::verifiers {

namespace {

NotifiedStatus read_status(const JsonReader& at) {
  const std::string text = at.text("status");
  if (text == "firing") return NotifiedStatus::firing;
  if (text == "resolved") return NotifiedStatus::resolved;
  at.refuse(fmt::format("has status = \"{}\", not firing or resolved", text.substr(0, 40)));
  return NotifiedStatus::unknown;
}

NotifiedAlert read_alert(const JsonReader& item) {
  NotifiedAlert alert;
  alert.status = read_status(item);
  alert.labels = item.labels("labels");
  alert.name = label_of(alert.labels, "alertname");
  alert.annotations = item.labels_or_empty("annotations");
  alert.starts_at = item.time_or("startsAt", core::WallTime::min());
  alert.ends_at = item.time_or("endsAt", core::WallTime::min());
  alert.fingerprint = item.text_or("fingerprint", "");
  alert.generator_url = item.text_or("generatorURL", "");
  return alert;
}

}  // namespace

void read_webhook(const JsonReader& root, Notification& notification) {
  notification.status = read_status(root);
  for (const JsonReader& item : root.list("alerts")) notification.alerts.push_back(read_alert(item));
  notification.declared_receiver = root.text_or("receiver", "");
  notification.group_key = root.text_or("groupKey", "");
  notification.group_labels = root.labels_or_empty("groupLabels");
  notification.common_labels = root.labels_or_empty("commonLabels");
  notification.common_annotations = root.labels_or_empty("commonAnnotations");
  notification.external_url = root.text_or("externalURL", "");
  notification.version = root.text_or("version", "");
  // A count that no message can have is cut rather than cast into something undefined.
  notification.truncated_alerts =
      static_cast<std::int64_t>(std::clamp(root.number_or("truncatedAlerts", 0), 0.0, 1e15));
}

}  // namespace obsctl::verifiers
