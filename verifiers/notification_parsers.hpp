// The parsers of notifications, one a kind or family. Each fills in what the payload tells and notes what is
// wrong with it in the reader's errors. Internal to verifiers/.
#pragma once

#include <string>

#include "verifiers/json_reader.hpp"
#include "verifiers/notification.hpp"

namespace obsctl::verifiers {

void read_webhook(const JsonReader& root, Notification& notification);
void read_slack(const JsonReader& root, Notification& notification);
void read_discord(const JsonReader& root, Notification& notification);
void read_pagerduty(const JsonReader& root, Notification& notification);
/// Both a connector's MessageCard and a workflow's message of adaptive cards.
void read_msteams(const JsonReader& root, Notification& notification);
/// Any bytes: JSON is searched for what it may say, the rest is read as text.
void read_generic(const std::string& body, Notification& notification);
/// A message as RFC 5322 has it.
void read_email(const std::string& body, Notification& notification);

/// What a person can read in any JSON: texts as they are, members as "name: value", one a line.
std::string readable_text(const nlohmann::json& value);

/// Collects the readable parts of a message, in the order a person reads them.
class MessageParts {
 public:
  /// The first one that is not empty is the message's title.
  void add_title(const std::string& text) {
    if (title_.empty()) title_ = text;
    add(text);
  }
  void add(const std::string& text) {
    if (text.empty()) return;
    if (!text_.empty()) text_ += '\n';
    text_ += text;
  }
  /// What a colour says, which counts when the text says nothing. The first that is known counts.
  void add_status(NotifiedStatus status) {
    if (fallback_ == NotifiedStatus::unknown) fallback_ = status;
  }
  /// Reads the text for alerts and states and moves all into the notification.
  void fill(Notification& notification) &&;

 private:
  std::string title_;
  std::string text_;
  NotifiedStatus fallback_ = NotifiedStatus::unknown;
};

}  // namespace obsctl::verifiers
