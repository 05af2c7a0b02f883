// Mails as notifications: what the SMTP server does with each. Internal to verifiers/.
#pragma once

#include "verifiers/receiver_inbox.hpp"
#include "verifiers/receiver_misbehaviour.hpp"
#include "verifiers/smtp_server.hpp"

namespace obsctl::verifiers {

class ReceiverMail {
 public:
  ReceiverMail(ReceiverInbox& inbox, MisbehaviourBoard& board) : inbox_(inbox), board_(board) {}

  /// Records it, or lets its receiver misbehave. On the SMTP server's thread.
  SmtpAnswer take(SmtpMessage message);

 private:
  SmtpAnswer misbehave(Notification notification, Misbehaviour misbehaviour);

  ReceiverInbox& inbox_;
  MisbehaviourBoard& board_;
};

}  // namespace obsctl::verifiers
