// Parsers of the webhook, Slack and Discord payloads. All pure; what comes in is hostile until it has been
// read.
#include "verifiers/notification.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "verifiers/json_reader.hpp"
#include "verifiers/message_text.hpp"

namespace obsctl::verifiers {

std::string_view to_string(NotificationKind kind) {
  switch (kind) {
    case NotificationKind::webhook:
      return "webhook";
    case NotificationKind::slack:
      return "slack";
    case NotificationKind::discord:
      return "discord";
  }
  return "?";
}

Result<NotificationKind> parse_notification_kind(std::string_view text) {
  for (const auto kind : {NotificationKind::webhook, NotificationKind::slack, NotificationKind::discord}) {
    if (text == to_string(kind)) return kind;
  }
  return core::make_error(core::ErrorKind::invalid_input,
                          fmt::format("\"{}\" is not a kind of notification", text.substr(0, 40)),
                          "the kinds are webhook, slack and discord");
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

namespace {

NotifiedStatus read_status(const JsonReader& at) {
  const std::string text = at.text("status");
  if (text == "firing") return NotifiedStatus::firing;
  if (text == "resolved") return NotifiedStatus::resolved;
  at.refuse(fmt::format("has status = \"{}\", not firing or resolved", text.substr(0, 40)));
  return NotifiedStatus::unknown;
}

void read_webhook(const JsonReader& root, Notification& notification) {
  notification.status = read_status(root);
  for (const JsonReader& item : root.list("alerts")) {
    NotifiedAlert alert;
    alert.status = read_status(item);
    alert.labels = item.labels("labels");
    alert.name = label_of(alert.labels, "alertname");
    alert.annotations = item.labels_or_empty("annotations");
    alert.starts_at = item.time_or("startsAt", core::WallTime::min());
    alert.ends_at = item.time_or("endsAt", core::WallTime::min());
    alert.fingerprint = item.text_or("fingerprint", "");
    alert.generator_url = item.text_or("generatorURL", "");
    notification.alerts.push_back(std::move(alert));
  }
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

/// Collects the readable parts of a message, in the order a person reads them.
class MessageParts {
 public:
  void add_title(const std::string& text) {
    if (title_.empty()) title_ = text;
    add(text);
  }
  void add(const std::string& text) {
    if (text.empty()) return;
    if (!text_.empty()) text_ += '\n';
    text_ += text;
  }
  void add_colour(NotifiedStatus status) {
    if (colour_ == NotifiedStatus::unknown) colour_ = status;
  }
  void fill(Notification& notification) &&;

 private:
  std::string title_;
  std::string text_;
  NotifiedStatus colour_ = NotifiedStatus::unknown;
};

void MessageParts::fill(Notification& notification) && {
  MessageContent content = read_message_text(text_);
  notification.alerts = std::move(content.alerts);
  notification.announced = content.announced;
  notification.status = content.status == NotifiedStatus::unknown ? colour_ : content.status;
  for (NotifiedAlert& alert : notification.alerts) {
    if (alert.status == NotifiedStatus::unknown) alert.status = notification.status;
  }
  notification.title = title_.empty() ? text_.substr(0, text_.find('\n')) : title_;
  notification.text = std::move(text_);
}

void read_slack(const JsonReader& root, Notification& notification) {
  MessageParts parts;
  if (!root.has("text") && !root.has("attachments") && !root.has("blocks")) {
    root.refuse("has neither text nor attachments nor blocks");
  }
  notification.channel = root.text_or("channel", "");
  std::string text = root.text_or("text", "");
  for (const JsonReader& attachment : root.list_or_empty("attachments")) {
    parts.add(attachment.text_or("pretext", ""));
    std::string title = attachment.text_or("title", "");
    // The fallback repeats the rest for clients that show nothing else.
    if (title.empty() && !attachment.has("text")) title = attachment.text_or("fallback", "");
    parts.add_title(title);
    parts.add(attachment.text_or("text", ""));
    for (const JsonReader& field : attachment.list_or_empty("fields")) {
      parts.add(field.text_or("title", ""));
      parts.add(field.text_or("value", ""));
    }
    parts.add_colour(status_of_colour_name(attachment.text_or("color", "")));
  }
  parts.add(text);
  for (const JsonReader& block : root.list_or_empty("blocks")) {
    if (const auto inner = block.optional_object("text")) parts.add(inner->text_or("text", ""));
  }
  std::move(parts).fill(notification);
}

void read_discord(const JsonReader& root, Notification& notification) {
  MessageParts parts;
  if (!root.has("content") && !root.has("embeds")) root.refuse("has neither content nor embeds");
  std::string content = root.text_or("content", "");
  for (const JsonReader& embed : root.list_or_empty("embeds")) {
    parts.add_title(embed.text_or("title", ""));
    parts.add(embed.text_or("description", ""));
    for (const JsonReader& field : embed.list_or_empty("fields")) {
      parts.add(field.text_or("name", ""));
      parts.add(field.text_or("value", ""));
    }
    parts.add_colour(status_of_colour(embed.number_or("color", -1)));
  }
  parts.add(content);
  std::move(parts).fill(notification);
}

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

Result<Notification> parse_notification(NotificationKind kind, std::string receiver, std::string body,
                                        core::WallTime received_at) {
  JsonErrors errors(core::ErrorKind::invalid_input, "");
  const auto document = parse_json(body, errors);
  if (!document) return *errors.first();
  Notification notification;
  notification.kind = kind;
  notification.receiver = std::move(receiver);
  notification.received_at = received_at;
  const JsonReader root(*document, "", errors);
  switch (kind) {
    case NotificationKind::webhook:
      read_webhook(root, notification);
      break;
    case NotificationKind::slack:
      read_slack(root, notification);
      break;
    case NotificationKind::discord:
      read_discord(root, notification);
      break;
  }
  if (errors.first()) return *errors.first();
  notification.raw = std::move(body);
  return notification;
}

std::optional<NotifiedStatus> status_of(const Notification& notification, std::string_view alert) {
  std::optional<NotifiedStatus> found;
  for (const NotifiedAlert& item : notification.alerts) {
    if (item.name != alert) continue;
    if (!found || item.status == NotifiedStatus::firing) found = item.status;
  }
  if (found || notification.kind == NotificationKind::webhook) return found;
  if (has_word(notification.text, alert)) return notification.status;
  return std::nullopt;
}

}  // namespace obsctl::verifiers
