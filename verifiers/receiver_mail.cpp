// A mail is one notification, however many recipients it has; the first one names the receiver.
#include "verifiers/receiver_mail.hpp"

#include <memory>
#include <utility>

#include "verifiers/smtp_path.hpp"

namespace obsctl::verifiers {

SmtpAnswer ReceiverMail::take(SmtpMessage message) {
  const std::string receiver = local_part(message.recipients.at(0));
  auto notification = parse_notification(NotificationKind::email, receiver, std::move(message.data),
                                         inbox_.clock().wall_now());
  if (!notification) {
    inbox_.reject(NotificationKind::email, receiver, notification.error().message);
    return {.code = 554, .text = "5.6.0 " + notification.error().message};
  }
  notification->sender = std::move(message.sender);
  notification->recipients = std::move(message.recipients);
  if (const auto misbehaviour = board_.take(receiver)) {
    return misbehave(std::move(*notification), *misbehaviour);
  }
  inbox_.record(std::move(*notification));
  return {};
}

SmtpAnswer ReceiverMail::misbehave(Notification notification, Misbehaviour misbehaviour) {
  misbehaviour.times.reset();
  notification.misbehaviour = to_string(misbehaviour);
  if (misbehaviour.kind == Misbehaviour::Kind::slow) {
    // Whether it has arrived is known when the answer has been given.
    const auto waiting = std::make_shared<Notification>(std::move(notification));
    return {.delay = misbehaviour.delay, .done = [this, waiting](bool waited) {
              waiting->refused = !waited;
              inbox_.record(std::move(*waiting));
            }};
  }
  SmtpAnswer answer;
  notification.refused = true;
  if (misbehaviour.kind == Misbehaviour::Kind::status) {
    notification.answer = answer.code = misbehaviour.status;
    answer.text = misbehaviour.status < 500 ? "4.3.0 refused as told, try again" : "5.3.0 refused as told";
  }
  answer.hang = misbehaviour.kind == Misbehaviour::Kind::hang;
  answer.close = misbehaviour.kind == Misbehaviour::Kind::close;
  inbox_.record(std::move(notification));
  return answer;
}

}  // namespace obsctl::verifiers
