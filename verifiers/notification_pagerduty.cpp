// PagerDuty's Events API, version 2: one event a group, with what the alerts say in its custom details. What
// PagerDuty itself refuses is refused, so that a severity it does not know is found here and not in the
// night.
#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "verifiers/message_text.hpp"
#include "verifiers/notification_parsers.hpp"

namespace obsctl::verifiers {

namespace {

template <std::size_t N>
std::string one_of(const JsonReader& at, const char* key, const std::array<std::string_view, N>& allowed) {
  std::string text = at.text(key);
  if (std::find(allowed.begin(), allowed.end(), text) == allowed.end()) {
    at.refuse(fmt::format("has {} = \"{}\", which is none of {}", key, text.substr(0, 40),
                          fmt::join(allowed, ", ")));
  }
  return text;
}

NotifiedStatus status_of_action(std::string_view action) {
  if (action == "trigger") return NotifiedStatus::firing;
  if (action == "resolve") return NotifiedStatus::resolved;
  return NotifiedStatus::unknown;
}

/// Alertmanager's own details are lists of alerts, "firing" and "resolved".
NotifiedStatus status_of_detail(std::string_view name) {
  if (name == "firing") return NotifiedStatus::firing;
  if (name == "resolved") return NotifiedStatus::resolved;
  return NotifiedStatus::unknown;
}

void read_details(const JsonReader& details, Notification& notification) {
  notification.text += '\n' + readable_text(details.value());
  for (const auto& [name, value] : details.value().items()) {
    const NotifiedStatus status = status_of_detail(name);
    if (status == NotifiedStatus::unknown) continue;
    for (NotifiedAlert& alert : read_message_text(readable_text(value)).alerts) {
      alert.status = status;
      notification.alerts.push_back(std::move(alert));
    }
  }
}

}  // namespace

void read_pagerduty(const JsonReader& root, Notification& notification) {
  root.text("routing_key");
  notification.action =
      one_of(root, "event_action", std::array<std::string_view, 3>{"trigger", "acknowledge", "resolve"});
  notification.status = status_of_action(notification.action);
  const bool triggers = notification.action == "trigger";
  notification.dedup_key = triggers ? root.text_or("dedup_key", "") : root.text("dedup_key");
  const auto payload = triggers ? root.object("payload") : root.optional_object("payload");
  if (!payload) return;
  if (triggers) {
    payload->text("source");
    one_of(*payload, "severity", std::array<std::string_view, 4>{"critical", "warning", "error", "info"});
  }
  notification.title = triggers ? payload->text("summary") : payload->text_or("summary", "");
  notification.text = notification.title;
  MessageContent summary = read_message_text(notification.title);
  notification.announced = summary.announced;
  if (const auto details = payload->optional_object("custom_details")) read_details(*details, notification);
  if (!notification.alerts.empty()) return;
  notification.alerts = std::move(summary.alerts);
  for (NotifiedAlert& alert : notification.alerts) {
    if (alert.status == NotifiedStatus::unknown) alert.status = notification.status;
  }
}

}  // namespace obsctl::verifiers
