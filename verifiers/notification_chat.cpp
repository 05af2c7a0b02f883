// Chat messages: Slack, Discord and Microsoft Teams. They are texts that a template has made, so what they
// say about alerts is read from the text, and from its colour where the text says nothing.
#include <utility>

#include "verifiers/message_text.hpp"
#include "verifiers/notification_parsers.hpp"

namespace obsctl::verifiers {

void MessageParts::fill(Notification& notification) && {
  MessageContent content = read_message_text(text_);
  notification.alerts = std::move(content.alerts);
  notification.announced = content.announced;
  notification.status = content.status == NotifiedStatus::unknown ? fallback_ : content.status;
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
  const std::string text = root.text_or("text", "");
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
    parts.add_status(status_of_colour_name(attachment.text_or("color", "")));
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
  const std::string content = root.text_or("content", "");
  for (const JsonReader& embed : root.list_or_empty("embeds")) {
    parts.add_title(embed.text_or("title", ""));
    parts.add(embed.text_or("description", ""));
    for (const JsonReader& field : embed.list_or_empty("fields")) {
      parts.add(field.text_or("name", ""));
      parts.add(field.text_or("value", ""));
    }
    parts.add_status(status_of_colour(embed.number_or("color", -1)));
  }
  parts.add(content);
  std::move(parts).fill(notification);
}

namespace {

void read_message_card(const JsonReader& root, MessageParts& parts) {
  parts.add_title(root.text_or("title", ""));
  // The summary repeats the title for lists of messages.
  if (!root.has("title")) parts.add_title(root.text_or("summary", ""));
  parts.add(root.text_or("text", ""));
  for (const JsonReader& section : root.list_or_empty("sections")) {
    parts.add(section.text_or("activityTitle", ""));
    parts.add(section.text_or("activitySubtitle", ""));
    parts.add(section.text_or("text", ""));
    for (const JsonReader& fact : section.list_or_empty("facts")) {
      parts.add(fact.text_or("name", ""));
      parts.add(fact.text_or("value", ""));
    }
  }
  parts.add_status(status_of_colour_name(root.text_or("themeColor", "")));
}

/// A card's elements nest without a limit of their own.
constexpr int kDeepestElement = 8;

void read_card_elements(const JsonReader& parent, const char* key, int depth, MessageParts& parts) {
  if (depth > kDeepestElement) return;
  for (const JsonReader& element : parent.list_or_empty(key)) {
    parts.add_title(element.text_or("text", ""));
    parts.add_status(status_of_colour_name(element.text_or("color", "")));
    for (const JsonReader& fact : element.list_or_empty("facts")) {
      parts.add(fact.text_or("title", ""));
      parts.add(fact.text_or("value", ""));
    }
    read_card_elements(element, "items", depth + 1, parts);
    read_card_elements(element, "columns", depth + 1, parts);
  }
}

}  // namespace

void read_msteams(const JsonReader& root, Notification& notification) {
  MessageParts parts;
  const bool workflow = root.has("attachments");
  if (!workflow && !root.has("text") && !root.has("title") && !root.has("summary") && !root.has("sections")) {
    root.refuse(
        "has neither attachments (a workflow's message) nor title, summary, text or sections (a "
        "MessageCard)");
  }
  for (const JsonReader& attachment : root.list_or_empty("attachments")) {
    if (const auto card = attachment.optional_object("content")) read_card_elements(*card, "body", 0, parts);
  }
  if (!workflow) read_message_card(root, parts);
  std::move(parts).fill(notification);
}

}  // namespace obsctl::verifiers
