// Whatever else sends JSON or text: Opsgenie's, Telegram's, Google Chat's messages, a script's curl. Alerts
// in a list named "alerts" are read as the webhook's are; else the text is searched as a chat message's is.
#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "verifiers/message_text.hpp"
#include "verifiers/notification_parsers.hpp"
#include "verifiers/text_encodings.hpp"

namespace obsctl::verifiers {

using nlohmann::json;

namespace {

/// Deeper values are not looked at: nobody reads them, and recursion is bounded.
constexpr int kDeepest = 16;

void append_readable(const json& value, int depth, std::string_view name, std::string& out) {
  if (value.is_structured()) {
    if (depth >= kDeepest) return;
    for (const auto& [key, item] : value.items()) {
      append_readable(item, depth + 1, value.is_object() ? std::string_view(key) : name, out);
    }
    return;
  }
  if (value.is_null()) return;
  const std::string text = value.is_string() ? value.get_ref<const std::string&>() : value.dump();
  if (!out.empty()) out += '\n';
  // A text of several lines keeps its first one whole, which may be a heading.
  if (!name.empty()) out.append(name).append(text.find('\n') == std::string::npos ? ": " : ":\n");
  out += text;
}

/// The first of these members that is a text.
template <std::size_t N>
std::string first_text(const json& object, const std::array<const char*, N>& names) {
  for (const char* name : names) {
    const auto found = object.find(name);
    if (found != object.end() && found->is_string()) return found->get<std::string>();
  }
  return {};
}

/// The words that the well-known senders use.
NotifiedStatus read_state(const json& object) {
  std::string word = first_text(object, std::array{"status", "state", "event_action", "action"});
  std::transform(word.begin(), word.end(), word.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  for (const char* firing : {"firing", "alerting", "trigger", "triggered", "critical", "problem"}) {
    if (word == firing) return NotifiedStatus::firing;
  }
  for (const char* resolved : {"resolved", "resolve", "ok", "recovery", "recovered"}) {
    if (word == resolved) return NotifiedStatus::resolved;
  }
  return NotifiedStatus::unknown;
}

Labels texts_in(const json& object, const char* key) {
  Labels labels;
  const auto found = object.find(key);
  if (found == object.end() || !found->is_object()) return labels;
  for (const auto& [name, value] : found->items()) {
    if (!value.is_null() && !value.is_structured()) {
      labels[name] = value.is_string() ? value.get<std::string>() : value.dump();
    }
  }
  return labels;
}

NotifiedAlert read_alert(const json& object) {
  NotifiedAlert alert;
  alert.status = read_state(object);
  alert.labels = texts_in(object, "labels");
  alert.annotations = texts_in(object, "annotations");
  alert.name = label_of(alert.labels, "alertname");
  if (alert.name.empty()) alert.name = first_text(object, std::array{"alertname", "name", "title"});
  alert.fingerprint = first_text(object, std::array{"fingerprint"});
  alert.generator_url = first_text(object, std::array{"generatorURL"});
  const auto time_of = [&object](const char* key) {
    const auto time = core::parse_rfc3339(first_text(object, std::array{key}));
    return time ? *time : core::WallTime::min();
  };
  alert.starts_at = time_of("startsAt");
  alert.ends_at = time_of("endsAt");
  return alert;
}

void read_object(const json& object, Notification& notification) {
  MessageParts parts;
  parts.add(readable_text(object));
  std::move(parts).fill(notification);
  const std::string title =
      first_text(object, std::array{"title", "subject", "summary", "message", "text", "content"});
  if (!title.empty()) notification.title = title.substr(0, title.find('\n'));
  // What a member says is surer than what a text says.
  const NotifiedStatus state = read_state(object);
  if (state != NotifiedStatus::unknown) notification.status = state;
  const auto alerts = object.find("alerts");
  if (alerts == object.end() || !alerts->is_array()) return;
  std::vector<NotifiedAlert> listed;
  for (const json& item : *alerts) {
    if (!item.is_object()) continue;
    NotifiedAlert alert = read_alert(item);
    if (alert.status == NotifiedStatus::unknown) alert.status = notification.status;
    if (!alert.name.empty() || !alert.labels.empty()) listed.push_back(std::move(alert));
  }
  if (listed.empty()) return;
  notification.alerts = std::move(listed);
  if (state != NotifiedStatus::unknown) return;
  for (const NotifiedAlert& alert : notification.alerts) {
    if (notification.status != NotifiedStatus::firing) notification.status = alert.status;
  }
}

}  // namespace

std::string readable_text(const json& value) {
  std::string text;
  append_readable(value, 0, "", text);
  return text;
}

std::string readable_body(const std::string& body) {
  const json document = json::parse(body, nullptr, false);
  return document.is_discarded() ? to_utf8("utf-8", body) : readable_text(document);
}

void read_generic(const std::string& body, Notification& notification) {
  const json document = json::parse(body, nullptr, false);
  if (document.is_object()) return read_object(document, notification);
  MessageParts parts;
  parts.add(readable_body(body));
  std::move(parts).fill(notification);
}

}  // namespace obsctl::verifiers
