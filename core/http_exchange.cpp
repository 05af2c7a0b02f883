#include "core/http_exchange.hpp"

#include <array>

#include <arpa/inet.h>

#include "core/http_connection.hpp"
#include "core/http_response_text.hpp"

namespace obsctl::core {

namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/// application/x-www-form-urlencoded: %XX and "+"; a broken escape stands for itself.
std::string percent_decoded(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && hex_digit(text[i + 1]) >= 0 && hex_digit(text[i + 2]) >= 0) {
      out += static_cast<char>(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2]));
      i += 2;
    } else {
      out += text[i] == '+' ? ' ' : text[i];
    }
  }
  return out;
}

}  // namespace

ConnectionExchange::ConnectionExchange(HttpConnection& connection, HttpRequest&& request,
                                       const sockaddr_in6& peer)
    : request_(std::move(request)),
      peer_(peer),
      received_at_(std::chrono::steady_clock::now()),
      mailbox_(connection.loop().mailbox()),
      connection_(&connection) {}

template <class Action>
void ConnectionExchange::on_loop(Action action) {
  if (mailbox_->on_loop_thread()) {
    if (connection_ != nullptr) action(*this);
    return;
  }
  mailbox_->post([self = shared_from_this(), action = std::move(action)]() mutable {
    if (self->connection_ != nullptr) action(*self);
  });
}

void ConnectionExchange::respond(HttpResponse response) {
  if (mailbox_->on_loop_thread()) {
    if (connection_ != nullptr) connection_->answer(std::move(response));
    return;
  }
  mailbox_->post([self = shared_from_this(), response = std::move(response)]() mutable {
    if (self->connection_ != nullptr) self->connection_->answer(std::move(response));
  });
}

void ConnectionExchange::reset() {
  on_loop([](ConnectionExchange& self) { self.connection_->reset(); });
}

void ConnectionExchange::abort() {
  on_loop([](ConnectionExchange& self) { self.connection_->abort(); });
}

void ConnectionExchange::after(Nanoseconds delay, std::function<void()> action) {
  const SteadyTime time = std::chrono::steady_clock::now() + delay;
  on_loop([time, action = std::move(action)](ConnectionExchange& self) mutable {
    self.start_timer(time, std::move(action));
  });
}

void ConnectionExchange::on_gone(std::function<void()> action) {
  if (mailbox_->on_loop_thread()) {
    if (connection_ != nullptr) gone_.push_back(std::move(action));
    return;
  }
  // From another thread the client may have left meanwhile: then it is told at once, unless there was an
  // answer.
  const bool posted = mailbox_->post([self = shared_from_this(), action]() mutable {
    if (self->connection_ != nullptr) {
      self->gone_.push_back(std::move(action));
    } else if (self->left_) {
      action();
    }
  });
  // The loop has ended, and with it every exchange: what it left behind can be read from here.
  if (!posted && left_) action();
}

void ConnectionExchange::end(bool gone) {
  HttpConnection& connection = *connection_;
  connection_ = nullptr;
  left_ = gone;
  for (const EventLoop::TimerId timer : timers_) connection.loop().cancel(timer);
  timers_.clear();
  const std::vector<std::function<void()>> actions = std::move(gone_);
  gone_.clear();
  if (!gone) return;
  for (const auto& action : actions) action();
}

void ConnectionExchange::start_timer(SteadyTime time, std::function<void()> action) {
  // The timer finds itself in the list by its slot, which is filled once the loop has given the id.
  const auto slot = std::make_shared<EventLoop::TimerId>();
  *slot = connection_->loop().at(time, [self = shared_from_this(), slot, action = std::move(action)] {
    std::erase(self->timers_, *slot);
    action();
    self->answer_if_abandoned();
  });
  timers_.push_back(*slot);
}

std::optional<std::string> ConnectionExchange::query(std::string_view name) const {
  const std::size_t start = target().find('?');
  if (start == std::string_view::npos) return std::nullopt;
  std::string_view rest = target().substr(start + 1);
  while (!rest.empty()) {
    const std::string_view pair = rest.substr(0, rest.find('&'));
    rest.remove_prefix(std::min(rest.size(), pair.size() + 1));
    const std::size_t equals = pair.find('=');
    if (percent_decoded(pair.substr(0, equals)) != name) continue;
    return equals == std::string_view::npos ? std::string() : percent_decoded(pair.substr(equals + 1));
  }
  return std::nullopt;
}

std::string ConnectionExchange::remote_address() const {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (peer_.sin6_family == AF_INET) {
    inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in&>(peer_).sin_addr, text.data(), text.size());
  } else {
    inet_ntop(AF_INET6, &peer_.sin6_addr, text.data(), text.size());
  }
  return text.data();
}

void ConnectionExchange::answer_if_abandoned() {
  // The timer's action and the connection hold one reference each; see dispatch() for the first chance to
  // notice.
  if (connection_ == nullptr || has_other_holders(2)) return;
  connection_->answer(problem_response(500, "the handler gave no answer"));
}

}  // namespace obsctl::core
