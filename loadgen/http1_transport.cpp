// The life of a connection: connecting → idle ⇄ busy → vacant. A slot is used again under a new generation,
// so that an event that was fetched for the connection before does not meet the new one; and not while it is
// being looked at.
#include "loadgen/http1_transport.hpp"

#include <algorithm>

#include "loadgen/http1_connection.hpp"

namespace obsctl::loadgen {

using boost::system::error_code;

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
