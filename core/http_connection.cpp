#include "core/http_connection.hpp"

#include <array>
#include <cerrno>
#include <ctime>
#include <exception>

#include <fmt/format.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "core/http_exchange.hpp"
#include "core/http_response_text.hpp"

namespace obsctl::core {

namespace {

/// How long a client that has had its last answer may take to close. Closing first, with bytes of the
/// client's unread, would reset the connection and could destroy the answer on its way.
constexpr auto kLinger = std::chrono::seconds(1);
constexpr std::size_t kMaxDiscarded = 4u << 20;
/// How often bytes of a slow body are sent, unless a single byte takes longer.
constexpr auto kSlowStep = std::chrono::milliseconds(20);
/// Reads of one connection before others get their turn.
constexpr int kReadsInTurn = 4;
/// A buffer that a large message made larger than this is given back.
constexpr std::size_t kKeptCapacity = 64u << 10;

}  // namespace

HttpConnection::HttpConnection(ConnectionHost& host, Descriptor descriptor, const sockaddr_in6& peer)
    : host_(host),
      descriptor_(std::move(descriptor)),
      peer_(peer),
      reader_(host.options.max_header, host.options.max_body) {
  enter(Phase::idle);
}

void HttpConnection::enter(Phase phase) {
  phase_ = phase;
  switch (phase) {
    case Phase::idle:
    case Phase::writing:
      deadline_ = host_.loop.now() + host_.options.idle_timeout;
      break;
    case Phase::reading:
      deadline_ = host_.loop.now() + host_.options.read_timeout;
      break;
    case Phase::lingering:
      deadline_ = host_.loop.now() + kLinger;
      break;
    case Phase::answering:
    case Phase::closed:
      deadline_ = SteadyTime::max();
      break;
  }
}

void HttpConnection::on_events(std::uint32_t events) {
  if (phase_ == Phase::closed) return;
  if ((events & (EPOLLERR | EPOLLHUP)) != 0) return close();
  if ((events & EPOLLRDHUP) != 0) peer_closed_ = true;
  if ((events & (EPOLLIN | EPOLLRDHUP)) != 0) readable_ = true;
  if (phase_ == Phase::lingering) return discard_input();
  // A client that has closed its side while it waits for an answer is taken to have left (as nginx and Go
  // do).
  if (current_ && peer_closed_) return close();
  if ((events & EPOLLOUT) != 0 && !output_.empty()) flush();
  read_more();
}

void HttpConnection::sweep(SteadyTime now) {
  if (current_ && !current_->has_other_holders(1))
    return answer(problem_response(500, "the handler gave no answer"));
  if (now < deadline_) return;
  if (phase_ == Phase::reading) {
    refuse({408, "the request took too long to arrive"});
    flush();
  } else {
    close();
  }
}

void HttpConnection::drain() {
  if (phase_ != Phase::idle) return;
  // What the client has sent already is still answered.
  readable_ = true;
  read_more();
  if (phase_ == Phase::idle) close();
}

void HttpConnection::cut() {
  if (phase_ != Phase::closed) close();
}

void HttpConnection::read_more() {
  for (int turn = 0; readable_ && turn < kReadsInTurn; ++turn) {
    // While an answer is due or cannot be written, the client's further requests wait in the socket.
    if (phase_ == Phase::closed || phase_ == Phase::lingering || current_ || !output_.empty()) return;
    const ssize_t got = ::recv(descriptor_.get(), host_.scratch.data(), host_.scratch.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
      readable_ = false;
      return;
    }
    if (got <= 0) return close();
    const auto size = static_cast<std::size_t>(got);
    // A short read has emptied the socket; what comes later makes a new event. (Not so the FIN that is
    // known.)
    if (size < host_.scratch.size() && !peer_closed_) readable_ = false;
    use({host_.scratch.data(), size});
  }
  read_soon();
}

void HttpConnection::read_soon() {
  if (!readable_ || phase_ == Phase::closed) return;
  host_.loop.soon([weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->read_more();
  });
}

void HttpConnection::use(std::string_view bytes) {
  if (input_.empty()) {
    const std::size_t used = process(bytes);
    if (phase_ != Phase::closed) input_.append(bytes.substr(used));
  } else {
    input_ += bytes;
    input_.erase(0, process(input_));
  }
  proceed();
}

std::size_t HttpConnection::process(std::string_view bytes) {
  std::size_t used = 0;
  processing_ = true;
  while (used < bytes.size() && !current_ && !last_answer_ && slow_.bytes_per_second == 0 &&
         phase_ != Phase::closed) {
    used += reader_.read(bytes.substr(used));
    if (reader_.failure().status != 0) {
      refuse(reader_.failure());
    } else if (reader_.complete()) {
      dispatch();
    } else {
      if (reader_.wants_continue()) output_ += "HTTP/1.1 100 Continue\r\n\r\n";
      break;
    }
  }
  processing_ = false;
  return used;
}

void HttpConnection::dispatch() {
  enter(Phase::answering);
  const auto exchange = std::make_shared<ConnectionExchange>(*this, reader_.take(), peer_);
  current_ = exchange;
  try {
    host_.handler(exchange);
  } catch (const std::exception& error) {
    if (current_ == exchange)
      answer(problem_response(500, fmt::format("the handler failed: {}", error.what())));
  }
  if (current_ == exchange && !exchange->has_other_holders(2))
    answer(problem_response(500, "the handler gave no answer"));
}

void HttpConnection::refuse(const RequestFailure& failure) {
  write_response(problem_response(failure.status, failure.reason), false, false, false);
  if (host_.options.on_refused) host_.options.on_refused(failure.status);
}

void HttpConnection::write_response(const HttpResponse& response, bool keep_alive, bool head_only,
                                    bool http_1_0) {
  const std::int64_t second = std::time(nullptr);
  if (second != host_.date_second) {
    host_.date_second = second;
    host_.date = http_date(second);
  }
  std::size_t body =
      append_response(output_, response, host_.date,
                      {.keep_alive = keep_alive, .head_only = head_only, .http_1_0 = http_1_0});
  last_answer_ = !keep_alive;
  if (response.truncate_after && *response.truncate_after < body) {
    output_.resize(output_.size() - body + *response.truncate_after);
    body = *response.truncate_after;
    last_answer_ = true;
  }
  if (response.bytes_per_second > 0 && body > 0)
    slow_ = {.bytes_per_second = response.bytes_per_second,
             .from = output_.size() - body,
             .started = std::chrono::steady_clock::now()};
}

void HttpConnection::answer(HttpResponse&& response) {
  const auto exchange = current_;
  const bool keep_alive = exchange->request().keep_alive() && !host_.draining;
  write_response(response, keep_alive, exchange->method() == "HEAD", exchange->request().is_http_1_0());
  end_exchange(false);
  if (processing_) return;
  // An answer that came later: requests that wait behind it have their turn now.
  if (!input_.empty()) input_.erase(0, process(input_));
  proceed();
  // Not at once: another connection's handler may have given this answer, and its own bytes be in the shared
  // buffer.
  read_soon();
}

void HttpConnection::reset() {
  struct linger linger_zero {
    .l_onoff = 1, .l_linger = 0
  };
  ::setsockopt(descriptor_.get(), SOL_SOCKET, SO_LINGER, &linger_zero, sizeof linger_zero);
  // The handler asked for it, so nobody has to be told that the client is gone.
  end_exchange(false);
  close();
}

void HttpConnection::abort() {
  last_answer_ = true;
  end_exchange(false);
  if (!processing_) proceed();
}

void HttpConnection::end_exchange(bool gone) {
  if (!current_) return;
  const auto exchange = std::move(current_);
  current_.reset();
  exchange->end(gone);
}

void HttpConnection::proceed() {
  if (phase_ == Phase::closed || phase_ == Phase::lingering) return;
  if (!output_.empty()) {
    flush();
  } else if (last_answer_) {
    linger();
  }
  if (phase_ == Phase::closed || phase_ == Phase::lingering || phase_ == Phase::writing) return;
  if (current_) {
    if (peer_closed_) return close();
  } else if (reader_.midway() || !input_.empty()) {
    // The time for a request runs from its first byte.
    if (phase_ != Phase::reading) enter(Phase::reading);
  } else {
    enter(Phase::idle);
  }
}

void HttpConnection::flush() {
  const std::size_t end = sendable();
  while (written_ < end) {
    const ssize_t sent =
        ::send(descriptor_.get(), output_.data() + written_, end - written_, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
      if (!current_) enter(Phase::writing);
      return;
    }
    if (sent <= 0) return close();
    written_ += static_cast<std::size_t>(sent);
  }
  if (end < output_.size()) return send_more_later();
  output_.clear();
  written_ = 0;
  slow_ = {};
  if (output_.capacity() > kKeptCapacity) output_.shrink_to_fit();
  // A drain that began meanwhile has left this connection alone until now.
  if (last_answer_ || (phase_ == Phase::writing && host_.draining)) return linger();
  if (phase_ == Phase::writing) {
    enter(Phase::idle);
    if (!input_.empty()) {
      input_.erase(0, process(input_));
      proceed();
    }
  }
}

/// The end of what may go out now.
std::size_t HttpConnection::sendable() const {
  if (slow_.bytes_per_second == 0) return output_.size();
  const double due = to_seconds(std::chrono::steady_clock::now() - slow_.started) *
                     static_cast<double>(slow_.bytes_per_second);
  const std::size_t body = output_.size() - slow_.from;
  return slow_.from + (due < static_cast<double>(body) ? static_cast<std::size_t>(due) : body);
}

void HttpConnection::send_more_later() {
  enter(Phase::writing);
  if (std::exchange(slow_.waiting, true)) return;
  const Nanoseconds byte = from_seconds(1 / static_cast<double>(slow_.bytes_per_second));
  host_.loop.at(host_.loop.now() + std::max<Nanoseconds>(kSlowStep, byte), [weak = weak_from_this()] {
    const auto self = weak.lock();
    if (!self || self->phase_ != Phase::writing) return;
    self->slow_.waiting = false;
    self->flush();
    self->read_soon();
  });
}

void HttpConnection::linger() {
  ::shutdown(descriptor_.get(), SHUT_WR);
  enter(Phase::lingering);
  input_.clear();
  discard_input();
}

void HttpConnection::discard_input() {
  std::array<char, 4096> nowhere{};  // not the shared buffer, for the same reason as in answer()
  for (;;) {
    const ssize_t got = ::recv(descriptor_.get(), nowhere.data(), nowhere.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
    if (got <= 0) return close();
    discarded_ += static_cast<std::size_t>(got);
    if (discarded_ > kMaxDiscarded) return close();
  }
}

void HttpConnection::close() {
  if (phase_ == Phase::closed) return;
  enter(Phase::closed);
  descriptor_.reset();
  host_.loop.keep_for_now(shared_from_this());
  end_exchange(true);
  host_.closed(*this);
}

}  // namespace obsctl::core
