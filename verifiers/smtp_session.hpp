// The server's side of one SMTP conversation (RFC 5321, with PIPELINING, SIZE, 8BITMIME, SMTPUTF8, STARTTLS
// by RFC 3207 and AUTH by RFC 4954) as a state machine: bytes in, replies out, no sockets. The limits are
// here, so that they hold however the bytes arrive. Internal to verifiers/.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "verifiers/smtp_data.hpp"

namespace obsctl::verifiers {

/// Credentials are taken whatever they are, and are not kept.
enum class SmtpAuth {
  off,      ///< not offered
  offered,  ///< AUTH PLAIN and LOGIN are offered
  required  ///< and no mail is taken without
};

struct SmtpSettings {
  std::size_t max_message = 8u << 20;
  std::size_t max_recipients = 100;
  bool starttls = false;
  SmtpAuth auth = SmtpAuth::off;
};

/// A message that has arrived, without the dots that transport adds.
struct SmtpMessage {
  std::string sender;  ///< may be empty
  std::vector<std::string> recipients;
  std::string data;
};

class SmtpSession {
 public:
  explicit SmtpSession(const SmtpSettings& settings) : settings_(settings) {}

  static std::string greeting() { return "220 obsctl ESMTP\r\n"; }

  enum class Next {
    read,       ///< everything has been used: read more
    message,    ///< take_message(), then answer()
    start_tls,  ///< send the output, drop the rest of the input, shake hands, then tls_started()
    close       ///< send the output and close
  };
  /// Uses bytes from the front of `input` and appends replies to `output`. Stops early for everything but
  /// `read`.
  Next feed(std::string_view& input, std::string& output);

  SmtpMessage take_message();
  /// The reply to the message: "250 2.0.0 taken". A new transaction can begin.
  void answer(int code, std::string_view text, std::string& output);
  /// Forgets everything that came in the clear.
  void tls_started();
  /// Between transactions: nothing is lost when the server says goodbye.
  bool idle() const { return mode_ == Mode::command && sender_state_ == Sender::none && line_.empty(); }

 private:
  enum class Mode { command, auth_plain, auth_user, auth_password, data, answering, closed };
  enum class Sender { none, given };

  Next feed_line(std::string_view& input, std::string& output);
  Next feed_data(std::string_view& input, std::string& output);
  Next command(std::string_view line, std::string& output);
  Next command_out_of_mail(std::string_view verb, std::string_view rest, std::string& output);
  void hello(std::string_view verb, std::string& output);
  void mail(std::string_view rest, std::string& output);
  std::string_view refused_parameter(std::string_view parameters) const;
  void rcpt(std::string_view rest, std::string& output);
  void data(std::string& output);
  Next start_tls(std::string& output);
  void auth(std::string_view rest, std::string& output);
  void auth_line(std::string_view line, std::string& output);
  Next wrong(std::string_view reply, std::string& output);
  void end_transaction();

  const SmtpSettings settings_;
  Mode mode_ = Mode::command;
  bool greeted_ = false;
  bool secured_ = false;
  bool authenticated_ = false;
  int mistakes_ = 0;
  std::string line_;  ///< the beginning of a line whose end has not come
  bool line_too_long_ = false;
  Sender sender_state_ = Sender::none;
  SmtpMessage message_;
  SmtpDataReader data_{0};
};

}  // namespace obsctl::verifiers
