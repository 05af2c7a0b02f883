// Takes mail over SMTP and hands each message to a handler, which says how it is answered: at once, late,
// never, or by hanging up. On Boost.Asio and a thread of its own: unlike the HTTP server it is never the
// bottleneck, and Asio brings STARTTLS. The conversation itself is SmtpSession's. Internal to verifiers/.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "core/duration.hpp"
#include "core/error.hpp"
#include "verifiers/smtp_session.hpp"

namespace obsctl::verifiers {

struct SmtpServerOptions {
  std::string address = "127.0.0.1";
  std::uint16_t port = 0;  ///< 0: a free one
  std::size_t max_message = 8u << 20;
  SmtpAuth auth = SmtpAuth::off;
  /// PEM files; STARTTLS is offered when there is a certificate.
  std::string certificate = {};
  std::string key = {};
  /// Without a byte from the client the connection ends; it ends in any case after ten times as long.
  core::Nanoseconds timeout = std::chrono::seconds(60);
  /// Further connections are told 421.
  std::size_t max_connections = 1000;
};

/// How a message is answered.
struct SmtpAnswer {
  int code = 250;
  std::string text = "2.0.0 taken";
  core::Nanoseconds delay{};
  bool hang = false;   ///< no answer; the connection stays until the client or its time is gone
  bool close = false;  ///< a reset instead of an answer
  /// Told once, on the server's thread, when the delay is over (true), or when the client left before
  /// (false).
  std::function<void(bool waited)> done = {};
};

/// Called on the server's thread; must not block.
using SmtpHandler = std::function<SmtpAnswer(SmtpMessage)>;

class SmtpServer {
 public:
  /// Errors: unavailable (the port), invalid_input (the address, the certificate, the key).
  static core::Result<std::unique_ptr<SmtpServer>> start(const SmtpServerOptions& options,
                                                         SmtpHandler handler);
  /// Stops at once: open connections are closed.
  virtual ~SmtpServer() = default;

  virtual std::uint16_t port() const = 0;
  /// "127.0.0.1:2525", what Alertmanager calls the smarthost.
  virtual std::string authority() const = 0;
  /// Stops accepting, says goodbye to clients between two mails, lets mails in flight finish until `deadline`
  /// has passed, then closes the rest. Hanging answers are cut at once. True: no mail in flight was cut off.
  virtual bool drain(core::Nanoseconds deadline) = 0;
};

}  // namespace obsctl::verifiers
