// What happens on a connection: it is opened (TLS included), a request goes out, an answer comes in.
#include "loadgen/http1_connection.hpp"

#include <algorithm>

#include <boost/asio/buffer.hpp>
#include <netinet/tcp.h>
#include <sys/socket.h>

namespace obsctl::loadgen {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

/// A kept connection that was idle for so long may have been closed by the peer at the moment it was used
/// again, which says nothing about the peer's health: an idempotent request is then sent once more, on a new
/// connection.
constexpr RunTime kMayBeStale = 500'000'000;

}  // namespace

const char* failure_name(const error_code& error) {
  if (error == asio::error::connection_refused) return "connection refused";
  if (error == asio::error::connection_reset) return "connection reset";
  if (error == asio::error::broken_pipe) return "connection reset";
  if (error == asio::error::timed_out) return "connect timed out";
  if (error == asio::error::host_unreachable || error == asio::error::network_unreachable)
    return "unreachable";
  if (error.value() == ENOENT) return "no such socket";
  if (error.value() == EACCES) return "permission denied";
  if (error.value() == EADDRNOTAVAIL) return "no local port left";
  if (error.value() == EMFILE || error.value() == ENFILE) return "too many open files";
  return "socket error";
}

void Http1Transport::start_connect(Connection& connection) {
  connection.state = Connection::State::connecting;
  connection.endpoint = preferred_;
  connection.endpoints_tried = 0;
  connection.used = false;
  connection.connect_started = events_.now();
  connection.deadline = connection.connect_started + plan_.connect_timeout.count();
  connecting_.append(connection);
  ++opening_;
  try_connect(connection);
}

void Http1Transport::try_connect(Connection& connection) {
  const Endpoint& endpoint = endpoints_[connection.endpoint];
  error_code error;
  connection.socket.open(endpoint.protocol(), error);
  if (!error) connection.socket.non_blocking(true, error);
  if (error) {
    on_connect(connection, error);
    return;
  }
  const int socket = connection.socket.native_handle();
  if (endpoint.protocol().family() != AF_UNIX) {
    const int on = 1;
    ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  ++connection.generation;
  // Asio's own connect would wait for the end; begun here, the poller reports it.
  const bool begun = ::connect(socket, endpoint.data(), static_cast<socklen_t>(endpoint.size())) == 0;
  if (!begun && errno != EINPROGRESS) {
    on_connect(connection, error_code(errno, boost::system::system_category()));
    return;
  }
  poller_.add(socket, (std::uint64_t{connection.generation} << 32) | connection.slot);
}

void Http1Transport::on_connecting(Connection& connection) {
  int code = 0;
  socklen_t length = sizeof code;
  ::getsockopt(connection.socket.native_handle(), SOL_SOCKET, SO_ERROR, &code, &length);
  on_connect(connection, error_code(code, boost::system::system_category()));
}

void Http1Transport::on_connect(Connection& connection, const error_code& error) {
  if (error) {
    error_code ignored;
    connection.socket.close(ignored);
    if (++connection.endpoints_tried < endpoints_.size()) {
      connection.endpoint = (connection.endpoint + 1) % endpoints_.size();
      try_connect(connection);
      return;
    }
    fail(connection, Delivery::connection_error, failure_name(error));
    return;
  }
  preferred_ = connection.endpoint;
  if (tls_ != nullptr) {
    connection.tls.emplace(*tls_);
    flush_tls(connection);
    return;
  }
  on_usable(connection);
}

void Http1Transport::on_usable(Connection& connection) {
  connecting_.remove(connection);
  --opening_;
  ++open_;
  connection.deadline = kNever;
  events_.on_connected(events_.now() - connection.connect_started);
  if (connection.has_request) {
    start_request(connection);
    return;
  }
  connection.state = Connection::State::idle;
  connection.idle_since = events_.now();
  idle_.push_back(&connection);
}

void Http1Transport::start_request(Connection& connection) {
  Exchange& exchange = connection.exchange;
  const MixEntry& entry = mix_.entry(exchange.entry);
  const std::string_view bytes = mix_.render(exchange.entry, exchange.index, connection.text);
  connection.state = Connection::State::busy;
  connection.parser.reset(
      entry.head, {!entry.checks.headers.empty(), entry.checks.wants_body() ? plan_.max_checked_body : 0});
  if (exchange.sent == 0) exchange.sent = events_.now();  // it had to wait for the connection to be opened
  connection.deadline = exchange.sent + plan_.request_timeout.count();
  waiting_.append(connection);
  if (connection.tls) {
    connection.tls->write(bytes);
    flush_tls(connection);
  } else {
    write(connection, bytes);
  }
}

void Http1Transport::write(Connection& connection, std::string_view bytes) {
  if (!connection.unsent.empty()) {
    connection.unsent.append(bytes);
    return;
  }
  error_code error;
  const std::size_t written = connection.socket.write_some(asio::buffer(bytes.data(), bytes.size()), error);
  events_.on_bytes(written, 0);
  if (error && error != asio::error::would_block) {
    on_closed_by_peer(connection, failure_name(error));
    return;
  }
  if (written < bytes.size()) connection.unsent.assign(bytes.substr(written));
}

void Http1Transport::write_rest(Connection& connection) {
  error_code error;
  std::size_t written = 0;
  while (!error && written < connection.unsent.size()) {
    written += connection.socket.write_some(
        asio::buffer(connection.unsent.data() + written, connection.unsent.size() - written), error);
  }
  events_.on_bytes(written, 0);
  connection.unsent.erase(0, written);
  if (error && error != asio::error::would_block) on_closed_by_peer(connection, failure_name(error));
}

void Http1Transport::flush_tls(Connection& connection) {
  if (connection.tls->output().empty()) return;
  // Swapped out first: a write that fails ends the connection and its TLS with it.
  std::swap(connection.tls->output(), encrypted_);
  write(connection, encrypted_);
  encrypted_.clear();
}

void Http1Transport::on_event(std::uint64_t key, std::uint32_t events) {
  Connection& connection = *all_[key & 0xffffffff];
  if (connection.generation != key >> 32 || connection.state == Connection::State::vacant) return;
  connection.held = true;
  handle(connection, events);
  connection.held = false;
  reclaim(connection);
}

void Http1Transport::handle(Connection& connection, std::uint32_t events) {
  if (connection.state == Connection::State::connecting && !connection.tls) {
    if ((events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) == 0) return;
    on_connecting(connection);
    if (connection.state == Connection::State::vacant || connection.state == Connection::State::connecting)
      return;
  }
  if (!connection.unsent.empty() && (events & EPOLLOUT) != 0) write_rest(connection);
  if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) == 0) return;
  const std::uint32_t generation = connection.generation;
  while (connection.state != Connection::State::vacant && connection.generation == generation) {
    if (!read_all(connection)) return;
    // A hang-up comes only once; what it announces lies behind the bytes that were read.
    if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) == 0) return;
  }
}

/// Reads what there is. False when nothing more is to be had for now, or the connection is gone.
bool Http1Transport::read_all(Connection& connection) {
  while (true) {
    error_code error;
    const std::size_t bytes = connection.socket.read_some(asio::buffer(read_), error);
    if (error == asio::error::would_block) return false;
    if (error) {
      on_closed_by_peer(connection, error == asio::error::eof ? nullptr : failure_name(error));
      return false;
    }
    if (!take_encrypted(connection, std::string_view(read_.data(), bytes))) return false;
    if (bytes < read_.size()) return true;  // edge-triggered: what comes now is reported anew
  }
}

/// False when the connection is gone afterwards, as for take_bytes.
bool Http1Transport::take_encrypted(Connection& connection, std::string_view bytes) {
  events_.on_bytes(0, bytes.size());
  if (!connection.tls) return take_bytes(connection, bytes);
  const bool was_open = connection.tls->state() == TlsSession::State::open;
  connection.tls->receive(bytes);
  flush_tls(connection);
  if (connection.state == Connection::State::vacant) return false;
  if (!was_open && connection.tls->state() == TlsSession::State::open) on_usable(connection);
  while (connection.state != Connection::State::vacant) {
    const std::size_t length = connection.tls->read(plain_.data(), plain_.size());
    if (length == 0) break;
    if (!take_bytes(connection, std::string_view(plain_.data(), length))) return false;
  }
  if (connection.state == Connection::State::vacant) return false;
  if (connection.tls->state() == TlsSession::State::failed) {
    const std::string failure = connection.tls->failure();
    fail(connection, Delivery::connection_error, failure);
    return false;
  }
  if (connection.tls->state() == TlsSession::State::closed) {
    on_closed_by_peer(connection, nullptr);
    return false;
  }
  return true;
}

/// False when the connection is gone afterwards.
bool Http1Transport::take_bytes(Connection& connection, std::string_view bytes) {
  while (!bytes.empty()) {
    if (connection.state != Connection::State::busy) {  // bytes nobody asked for
      fail(connection, Delivery::connection_error, "bytes without a request");
      return false;
    }
    switch (connection.parser.feed(bytes)) {
      case ResponseParser::State::more:
        return true;
      case ResponseParser::State::failed:
        fail(connection, Delivery::connection_error, connection.parser.failure());
        return false;
      case ResponseParser::State::done: {
        // What follows an answer that nobody has asked for makes the connection useless, not the answer
        // wrong.
        const bool keep =
            connection.parser.keep_alive() && bytes.empty() && plan_.keep_alive && connection.unsent.empty();
        finish(connection,
               {Delivery::answered,
                connection.parser.status(),
                connection.parser.headers(),
                connection.parser.body(),
                connection.parser.body_bytes(),
                {}},
               keep);
        return connection.state != Connection::State::vacant;
      }
    }
  }
  return true;
}

void Http1Transport::on_closed_by_peer(Connection& connection, const char* how) {
  if (connection.state == Connection::State::busy) {
    if (how == nullptr) {
      if (connection.parser.end_of_stream() == ResponseParser::State::done) {
        finish(connection,
               {Delivery::answered,
                connection.parser.status(),
                connection.parser.headers(),
                connection.parser.body(),
                connection.parser.body_bytes(),
                {}},
               false);
        return;
      }
      how = connection.parser.failure();
    }
    const bool stale = connection.used && !connection.retried && !connection.parser.started() &&
                       mix_.entry(connection.exchange.entry).repeatable &&
                       connection.exchange.sent - connection.idle_since >= kMayBeStale;
    if (stale) {
      const Exchange exchange = connection.exchange;
      shut(connection);
      Connection& fresh = new_connection();
      fresh.exchange = exchange;
      fresh.exchange.sent = 0;
      fresh.has_request = true;
      fresh.retried = true;
      start_connect(fresh);
      return;
    }
  }
  fail(connection, Delivery::connection_error, how == nullptr ? "closed while connecting" : how);
}

}  // namespace obsctl::loadgen
