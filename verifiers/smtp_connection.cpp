// What happens on a connection, one step at a time: a step ends by asking for the next one.
#include "verifiers/smtp_connection.hpp"

#include <utility>

#include <boost/asio/write.hpp>

namespace obsctl::verifiers {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

/// Input that has come while an answer is being given is kept up to this size; then the client has to wait.
constexpr std::size_t kMostAhead = 64u << 10;

}  // namespace

void SmtpConnection::begin() {
  error_code ignored;
  socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
  lifetime_.expires_after(host_.options.timeout * 10);
  lifetime_.async_wait([self = shared_from_this()](error_code error) {
    if (!error) self->close();
  });
  output_ = SmtpSession::greeting();
  write(false);
}

void SmtpConnection::refuse() {
  output_ = "421 4.3.2 too many connections, or the receiver is being stopped\r\n";
  write(true);
}

/// Restarts the clock that ends a connection without a sign of life.
void SmtpConnection::watch() {
  silence_.expires_after(host_.options.timeout);
  silence_.async_wait([self = shared_from_this()](error_code error) {
    if (error || self->state_ == State::answering || self->state_ == State::hanging) return;
    self->close();
  });
}

void SmtpConnection::read() {
  if (reading_ || state_ == State::closed || input_.size() > kMostAhead) return;
  reading_ = true;
  with_stream([this](auto& stream) {
    stream.async_read_some(
        asio::buffer(buffer_),
        [self = shared_from_this()](error_code error, std::size_t size) { self->on_read(error, size); });
  });
}

void SmtpConnection::on_read(error_code error, std::size_t size) {
  reading_ = false;
  if (state_ == State::closed) return;
  if (state_ == State::shaking_hands) {
    // The read that was under way when STARTTLS came has been cancelled. A client that has sent something in
    // the clear behind it is not one to go on with.
    if (error == asio::error::operation_aborted) return shake_hands();
    return close();
  }
  if (error) return close();
  watch();
  input_.append(buffer_.data(), size);
  if (state_ == State::talking) return process();
  read();
}

void SmtpConnection::process() {
  std::string_view rest = input_;
  const SmtpSession::Next next = session_.feed(rest, output_);
  input_.erase(0, input_.size() - rest.size());
  switch (next) {
    case SmtpSession::Next::message:
      if (output_.empty()) return take();
      // A client that did not wait for the invitation gets it all the same, however long the answer takes.
      takes_ = true;
      return write(false);
    case SmtpSession::Next::close:
      return write(true);
    case SmtpSession::Next::start_tls:
      starts_tls_ = true;
      return write(false);
    case SmtpSession::Next::read:
      break;
  }
  if (!output_.empty()) return write(false);
  read();
}

void SmtpConnection::take() {
  SmtpAnswer answer = host_.handler(session_.take_message());
  if (answer.close) {
    error_code ignored;
    socket_.set_option(asio::socket_base::linger(true, 0), ignored);
    return close();
  }
  state_ = answer.hang ? State::hanging : State::answering;
  if (answer.hang) {
    if (host_.draining) return close();
    return read();  // only to notice that the client has left
  }
  if (answer.delay <= core::Nanoseconds::zero()) return finish_answer(answer);
  done_ = answer.done;
  delay_.expires_after(answer.delay);
  delay_.async_wait([self = shared_from_this(), answer = std::move(answer)](error_code error) {
    if (error || self->state_ == State::closed) return;
    self->done_ = nullptr;
    self->finish_answer(answer);
  });
  read();
}

void SmtpConnection::finish_answer(const SmtpAnswer& answer) {
  if (answer.done) answer.done(true);
  session_.answer(answer.code, answer.text, output_);
  write(host_.draining);
}

void SmtpConnection::write(bool last) {
  state_ = State::writing;
  watch();
  with_stream([this, last](auto& stream) {
    asio::async_write(
        stream, asio::buffer(output_),
        [self = shared_from_this(), last](error_code error, std::size_t) { self->on_written(error, last); });
  });
}

void SmtpConnection::on_written(error_code error, bool last) {
  if (state_ == State::closed) return;
  output_.clear();
  if (error || last) return close();
  if (std::exchange(starts_tls_, false)) return start_tls();
  if (std::exchange(takes_, false)) return take();
  state_ = State::talking;
  if (host_.draining && session_.idle() && input_.empty()) return drain();
  if (!input_.empty()) return process();
  read();
}

void SmtpConnection::start_tls() {
  state_ = State::shaking_hands;
  // What came behind STARTTLS in the clear could be anybody's.
  if (!input_.empty()) return close();
  if (!reading_) return shake_hands();
  error_code ignored;
  socket_.cancel(ignored);
}

void SmtpConnection::shake_hands() {
  watch();
  tls_.emplace(socket_, *host_.tls);
  tls_->async_handshake(asio::ssl::stream_base::server, [self = shared_from_this()](error_code error) {
    if (self->state_ == State::closed) return;
    if (error) return self->close();
    self->session_.tls_started();
    self->state_ = State::talking;
    self->read();
  });
}

void SmtpConnection::drain() {
  if (state_ == State::hanging) return close();
  if (state_ != State::talking || !session_.idle()) return;
  output_ = "421 4.3.2 the receiver is being stopped\r\n";
  write(true);
}

bool SmtpConnection::cut() {
  const bool in_flight = state_ != State::hanging && state_ != State::closed && !session_.idle();
  close();
  return in_flight;
}

void SmtpConnection::close() {
  if (state_ == State::closed) return;
  state_ = State::closed;
  if (done_) std::exchange(done_, nullptr)(false);
  error_code ignored;
  silence_.cancel();
  lifetime_.cancel();
  delay_.cancel();
  socket_.close(ignored);
  // The server's list may hold the last reference but the caller's.
  const auto self = shared_from_this();
  host_.connections.erase(self);
  if (host_.ended) host_.ended();
}

}  // namespace obsctl::verifiers
