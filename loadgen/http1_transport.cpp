// The life of a connection: connecting → idle ⇄ busy → vacant. A slot is used again under a new generation,
// so that an event that was fetched for the connection before does not meet the new one; and not while it is
// being looked at.
#include "loadgen/http1_transport.hpp"

#include <algorithm>

#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <fmt/format.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

namespace obsctl::loadgen {

namespace asio = boost::asio;
using boost::system::error_code;
using Socket = asio::generic::stream_protocol::socket;

namespace {

/// A kept connection that was idle for so long may have been closed by the peer at the moment it was used
/// again, which says nothing about the peer's health: an idempotent request is then sent once more, on a new
/// connection.
constexpr RunTime kMayBeStale = 500'000'000;

const char* failure_name(const error_code& error) {
  if (error == asio::error::connection_refused) return "connection refused";
  if (error == asio::error::connection_reset) return "connection reset";
  if (error == asio::error::broken_pipe) return "connection reset";
  if (error == asio::error::timed_out) return "connect timed out";
  if (error == asio::error::host_unreachable || error == asio::error::network_unreachable)
    return "unreachable";
  if (error.value() == EADDRNOTAVAIL) return "no local port left";
  if (error.value() == EMFILE || error.value() == ENFILE) return "too many open files";
  return "socket error";
}

struct HostPort {
  std::string host;
  std::string port;
};

core::Result<HostPort> host_and_port(const LoadPlan& plan) {
  if (plan.connect_to.empty()) return HostPort{plan.target.host, std::to_string(plan.target.port)};
  const auto url = core::parse_url("http://" + plan.connect_to);
  if (!url || url->target != "/") {
    return core::make_error(core::ErrorKind::invalid_input,
                            fmt::format("\"{}\" is not an address to connect to", plan.connect_to),
                            "write it as host:port");
  }
  return HostPort{url->host, std::to_string(url->port)};
}

}  // namespace

core::Result<std::vector<Endpoint>> resolve_target(const LoadPlan& plan) {
  if (!plan.unix_socket.empty()) {
    if (plan.unix_socket.size() >= 108) {  // sockaddr_un::sun_path
      return core::make_error(core::ErrorKind::invalid_input,
                              fmt::format("the socket's path {} is too long", plan.unix_socket),
                              "a Unix socket's path has at most 107 bytes");
    }
    return std::vector<Endpoint>{asio::local::stream_protocol::endpoint(plan.unix_socket)};
  }
  const auto where = host_and_port(plan);
  if (!where) return where.error();
  asio::io_context io;
  asio::ip::tcp::resolver resolver(io);
  error_code error;
  const auto found =
      resolver.resolve(where->host, where->port, asio::ip::resolver_base::numeric_service, error);
  std::vector<Endpoint> endpoints;
  if (!error) {
    for (const auto& result : found) {
      const asio::ip::tcp::endpoint endpoint = result.endpoint();
      if (plan.address_family == 4 && !endpoint.address().is_v4()) continue;
      if (plan.address_family == 6 && !endpoint.address().is_v6()) continue;
      endpoints.emplace_back(endpoint);
    }
  }
  if (endpoints.empty()) {
    return core::make_error(core::ErrorKind::unavailable,
                            fmt::format("cannot resolve {}: {}", where->host,
                                        error ? error.message() : "it has no address of the wanted family"));
  }
  return endpoints;
}

struct Http1Transport::Connection {
  enum class State { vacant, connecting, idle, busy };

  Connection(asio::io_context& io, std::uint32_t slot_number) : socket(io), slot(slot_number) {}

  Socket socket;
  std::uint32_t slot;
  std::uint32_t generation = 0;
  State state = State::vacant;
  bool held = false;  ///< is being looked at
  bool has_request = false;
  bool retried = false;   ///< the request is on its second connection
  bool used = false;      ///< has carried a request before
  bool reusable = false;  ///< is in vacant_
  std::size_t endpoint = 0;
  std::size_t endpoints_tried = 0;
  RunTime connect_started = 0;
  RunTime idle_since = 0;
  RunTime deadline = kNever;
  Connection* earlier = nullptr;
  Connection* later = nullptr;
  Exchange exchange;
  ResponseParser parser;
  std::optional<TlsSession> tls;
  std::string text;    ///< a rendered request; keeps its capacity
  std::string unsent;  ///< what the socket would not take at once
};

void Http1Transport::DeadlineList::append(Connection& connection) {
  connection.earlier = last;
  connection.later = nullptr;
  (last != nullptr ? last->later : first) = &connection;
  last = &connection;
}

void Http1Transport::DeadlineList::remove(Connection& connection) {
  (connection.earlier != nullptr ? connection.earlier->later : first) = connection.later;
  (connection.later != nullptr ? connection.later->earlier : last) = connection.earlier;
  connection.earlier = connection.later = nullptr;
}

Http1Transport::Http1Transport(Poller& poller, const LoadPlan& plan, const RequestMix& mix,
                               const std::vector<Endpoint>& endpoints, const TlsContext* tls, Limits limits,
                               TransportEvents& events)
    : poller_(poller),
      plan_(plan),
      mix_(mix),
      endpoints_(endpoints),
      tls_(tls),
      limits_(limits),
      events_(events) {}

Http1Transport::~Http1Transport() = default;

bool Http1Transport::ready() const {
  if (limits_.in_flight > 0 && in_flight_ >= limits_.in_flight) return false;
  return !idle_.empty() || open_ + opening_ < limits_.connections;
}

void Http1Transport::open(int count) {
  for (int i = 0; i < count && open_ + opening_ < limits_.connections; ++i) start_connect(new_connection());
}

Http1Transport::Connection* Http1Transport::take_free() {
  if (idle_.empty()) return nullptr;
  Connection* connection = idle_.back();
  idle_.pop_back();
  return connection;
}

Http1Transport::Connection& Http1Transport::new_connection() {
  if (!vacant_.empty()) {
    Connection* connection = vacant_.back();
    vacant_.pop_back();
    connection->reusable = false;
    return *connection;
  }
  all_.push_back(std::make_unique<Connection>(io_, static_cast<std::uint32_t>(all_.size())));
  return *all_.back();
}

void Http1Transport::send(const Exchange& exchange) {
  ++in_flight_;
  if (Connection* free = take_free()) {
    free->exchange = exchange;
    free->has_request = true;
    free->retried = false;
    start_request(*free);
    return;
  }
  Connection& connection = new_connection();
  connection.exchange = exchange;
  connection.exchange.sent = 0;
  connection.has_request = true;
  connection.retried = false;
  start_connect(connection);
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

void Http1Transport::fail(Connection& connection, Delivery delivery, std::string_view failure) {
  if (!connection.has_request) {
    shut(connection);
    return;
  }
  if (connection.state == Connection::State::connecting)
    connection.exchange.sent = connection.exchange.dispatched;
  finish(connection, {delivery, 0, {}, {}, 0, failure}, false);
}

/// Frees the connection (or closes it) and only then reports, since the report may send the next request on
/// it.
void Http1Transport::finish(Connection& connection, const Outcome& outcome, bool keep) {
  const Exchange exchange = connection.exchange;
  connection.has_request = false;
  --in_flight_;
  if (!keep) {
    shut(connection);
    events_.on_done(exchange, outcome);
    return;
  }
  waiting_.remove(connection);
  connection.deadline = kNever;
  connection.state = Connection::State::idle;
  connection.used = true;
  connection.idle_since = events_.now();
  idle_.push_back(&connection);
  events_.on_done(exchange, outcome);
}

void Http1Transport::shut(Connection& connection) {
  switch (connection.state) {
    case Connection::State::vacant:
      return;
    case Connection::State::connecting:
      connecting_.remove(connection);
      --opening_;
      break;
    case Connection::State::idle:
      idle_.erase(std::find(idle_.begin(), idle_.end(), &connection));
      --open_;
      break;
    case Connection::State::busy:
      waiting_.remove(connection);
      --open_;
      break;
  }
  connection.state = Connection::State::vacant;
  connection.has_request = false;
  connection.deadline = kNever;
  error_code ignored;
  connection.socket.close(ignored);
  reclaim(connection);
}

/// Makes the slot of a closed connection usable again.
void Http1Transport::reclaim(Connection& connection) {
  if (connection.state != Connection::State::vacant || connection.held || connection.reusable) return;
  connection.reusable = true;
  connection.tls.reset();
  connection.unsent.clear();
  vacant_.push_back(&connection);
}

void Http1Transport::check_deadlines(RunTime now) {
  while (connecting_.first != nullptr && connecting_.first->deadline <= now) {
    fail(*connecting_.first, Delivery::timeout, "connect timed out");
  }
  while (waiting_.first != nullptr && waiting_.first->deadline <= now) {
    fail(*waiting_.first, Delivery::timeout, "request timed out");
  }
}

RunTime Http1Transport::next_deadline() const {
  const RunTime connect = connecting_.first == nullptr ? kNever : connecting_.first->deadline;
  return std::min(connect, waiting_.first == nullptr ? kNever : waiting_.first->deadline);
}

void Http1Transport::close() {
  error_code ignored;
  for (const auto& connection : all_) connection->socket.close(ignored);
}

}  // namespace obsctl::loadgen
