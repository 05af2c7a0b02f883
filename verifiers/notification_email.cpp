// An email about alerts: its subject is the title, its plain text is the text, or, where there is only HTML
// (as from Alertmanager's default), what a person would read in that.
#include <algorithm>
#include <array>
#include <utility>

#include "verifiers/html_text.hpp"
#include "verifiers/mail_message.hpp"
#include "verifiers/message_text.hpp"
#include "verifiers/notification_parsers.hpp"

namespace obsctl::verifiers {

namespace {

bool has_labels(const MessageContent& content) {
  return std::any_of(content.alerts.begin(), content.alerts.end(),
                     [](const NotifiedAlert& alert) { return !alert.labels.empty(); });
}

}  // namespace

void read_email(const std::string& body, Notification& notification) {
  const MailMessage mail = read_mail(body);
  const std::string html = html_to_text(mail.html);
  notification.sender = bare_address(mail.from);
  notification.recipients = mail.to;
  const std::string& readable = mail.text.empty() ? html : mail.text;
  notification.title = mail.subject.empty() ? readable.substr(0, readable.find('\n')) : mail.subject;
  notification.text = mail.subject + (mail.subject.empty() || readable.empty() ? "" : "\n") + readable;

  // The part that lists labels knows most; the subject says what the whole is about.
  MessageContent subject = read_message_text(mail.subject);
  std::array<MessageContent, 2> parts = {read_message_text(mail.text), read_message_text(html)};
  MessageContent& best = has_labels(parts[0]) ? parts[0] : has_labels(parts[1]) ? parts[1] : subject;
  notification.announced = subject.announced;
  notification.status = subject.status;
  for (const MessageContent* other :
       {&std::as_const(best), &std::as_const(parts[0]), &std::as_const(parts[1])}) {
    if (notification.status == NotifiedStatus::unknown) notification.status = other->status;
  }
  notification.alerts = best.alerts.empty() ? std::move(parts[0].alerts) : std::move(best.alerts);
  for (NotifiedAlert& alert : notification.alerts) {
    if (alert.status == NotifiedStatus::unknown) alert.status = notification.status;
  }
}

}  // namespace obsctl::verifiers
