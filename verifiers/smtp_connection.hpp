// One client's connection to an SmtpServer: reads, writes and waits for what its session wants. Everything
// here lives on the server's thread. The only header that names Asio, for the two sources that need it.
// Internal to verifiers/.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>

#include "verifiers/smtp_server.hpp"

namespace obsctl::verifiers {

class SmtpConnection;

/// What the connections of a server share.
struct SmtpHost {
  SmtpServerOptions options;
  SmtpHandler handler;
  std::optional<boost::asio::ssl::context> tls;
  std::set<std::shared_ptr<SmtpConnection>> connections;
  bool draining = false;
  /// Called after each connection that has ended.
  std::function<void()> ended;

  SmtpSettings settings() const {
    return {.max_message = options.max_message, .starttls = tls.has_value(), .auth = options.auth};
  }
};

class SmtpConnection final : public std::enable_shared_from_this<SmtpConnection> {
 public:
  SmtpConnection(SmtpHost& host, boost::asio::ip::tcp::socket socket)
      : host_(host),
        socket_(std::move(socket)),
        silence_(socket_.get_executor()),
        lifetime_(socket_.get_executor()),
        delay_(socket_.get_executor()),
        session_(host.settings()) {}

  void begin();
  void refuse();
  /// Says goodbye unless a mail is under way.
  void drain();
  /// True: a mail in flight was cut off.
  bool cut();

 private:
  enum class State { talking, writing, answering, hanging, shaking_hands, closed };

  void read();
  void on_read(boost::system::error_code error, std::size_t size);
  void process();
  void take();
  void finish_answer(const SmtpAnswer& answer);
  void write(bool last);
  void on_written(boost::system::error_code error, bool last);
  void start_tls();
  void shake_hands();
  void watch();
  void close();

  template <class Action>
  void with_stream(Action action) {
    if (tls_) {
      action(*tls_);
    } else {
      action(socket_);
    }
  }

  SmtpHost& host_;
  boost::asio::ip::tcp::socket socket_;
  std::optional<boost::asio::ssl::stream<boost::asio::ip::tcp::socket&>> tls_;
  boost::asio::steady_timer silence_, lifetime_, delay_;
  SmtpSession session_;
  State state_ = State::talking;
  bool reading_ = false;
  bool starts_tls_ = false;  ///< the output ends with the invitation to shake hands
  bool takes_ = false;       ///< a message is to be taken once the output has been sent
  std::array<char, 16u << 10> buffer_{};
  std::string input_, output_;
  std::function<void(bool)> done_;  ///< of the answer that is being delayed
};

}  // namespace obsctl::verifiers
