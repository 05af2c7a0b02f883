// What notifications have in common: names, which parser reads which kind, and what one says about an alert.
// All pure; what comes in is hostile until it has been read.
#include "verifiers/notification.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "verifiers/notification_parsers.hpp"

namespace obsctl::verifiers {

std::string_view to_string(NotificationKind kind) {
  switch (kind) {
    case NotificationKind::webhook:
      return "webhook";
    case NotificationKind::slack:
      return "slack";
    case NotificationKind::discord:
      return "discord";
    case NotificationKind::pagerduty:
      return "pagerduty";
    case NotificationKind::msteams:
      return "msteams";
    case NotificationKind::generic:
      return "generic";
    case NotificationKind::email:
      return "email";
  }
  return "?";
}

Result<NotificationKind> parse_notification_kind(std::string_view text) {
  for (const auto kind : kNotificationKinds) {
    if (text == to_string(kind)) return kind;
  }
  return core::make_error(core::ErrorKind::invalid_input,
                          fmt::format("\"{}\" is not a kind of notification", text.substr(0, 40)),
                          "the kinds are webhook, slack, discord, pagerduty, msteams, generic and email");
}

std::string_view to_string(NotifiedStatus status) {
  switch (status) {
    case NotifiedStatus::unknown:
      return "unknown";
    case NotifiedStatus::firing:
      return "firing";
    case NotifiedStatus::resolved:
      return "resolved";
  }
  return "?";
}

std::string_view to_string(Recurrence recurrence) {
  switch (recurrence) {
    case Recurrence::first:
      return "first";
    case Recurrence::retry:
      return "retry";
    case Recurrence::duplicate:
      return "duplicate";
    case Recurrence::repeat:
      return "repeat";
  }
  return "?";
}

namespace {

bool is_word_byte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

bool has_word(std::string_view text, std::string_view word) {
  if (word.empty()) return false;
  for (std::size_t at = text.find(word); at != std::string_view::npos; at = text.find(word, at + 1)) {
    const std::size_t end = at + word.size();
    if ((at == 0 || !is_word_byte(text[at - 1])) && (end == text.size() || !is_word_byte(text[end])))
      return true;
  }
  return false;
}

}  // namespace

namespace {

void read_document(const JsonReader& root, Notification& notification) {
  switch (notification.kind) {
    case NotificationKind::webhook:
      return read_webhook(root, notification);
    case NotificationKind::slack:
      return read_slack(root, notification);
    case NotificationKind::discord:
      return read_discord(root, notification);
    case NotificationKind::pagerduty:
      return read_pagerduty(root, notification);
    case NotificationKind::msteams:
      return read_msteams(root, notification);
    case NotificationKind::generic:
    case NotificationKind::email:
      return;
  }
}

}  // namespace

Result<Notification> parse_notification(NotificationKind kind, std::string receiver, std::string body,
                                        core::WallTime received_at) {
  Notification notification;
  notification.kind = kind;
  notification.receiver = std::move(receiver);
  notification.received_at = received_at;
  if (kind == NotificationKind::generic) {
    read_generic(body, notification);
  } else if (kind == NotificationKind::email) {
    read_email(body, notification);
  } else {
    JsonErrors errors(core::ErrorKind::invalid_input, "");
    const auto document = parse_json(body, errors);
    if (!document) return *errors.first();
    read_document(JsonReader(*document, "", errors), notification);
    if (errors.first()) return *errors.first();
  }
  notification.raw = std::move(body);
  return notification;
}

std::optional<NotifiedStatus> status_of(const Notification& notification, std::string_view alert) {
  if (notification.refused) return std::nullopt;
  std::optional<NotifiedStatus> found;
  for (const NotifiedAlert& item : notification.alerts) {
    if (item.name != alert) continue;
    if (!found || item.status == NotifiedStatus::firing) found = item.status;
  }
  if (found || notification.kind == NotificationKind::webhook) return found;
  if (has_word(notification.text, alert)) return notification.status;
  return std::nullopt;
}

std::string shown_body(const Notification& notification) {
  constexpr std::string_view key = "\"routing_key\"";
  std::string shown = notification.raw;
  if (notification.kind != NotificationKind::pagerduty) return shown;
  for (std::size_t at = shown.find(key); at != std::string::npos; at = shown.find(key, at)) {
    at = shown.find_first_not_of(" \t\r\n:", at + key.size());
    if (at == std::string::npos || shown[at] != '"') continue;
    std::size_t end = at + 1;
    while (end < shown.size() && shown[end] != '"') end += shown[end] == '\\' ? 2 : 1;
    shown.replace(at, std::min(end + 1, shown.size()) - at, "\"<secret>\"");
  }
  return shown;
}

}  // namespace obsctl::verifiers
