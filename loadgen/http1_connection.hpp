// One connection of Http1Transport, and what its two files share: http1_transport.cpp keeps the pool,
// http1_connection.cpp connects, writes and reads.
#pragma once

#include <optional>
#include <string>

#include "loadgen/http1_transport.hpp"

namespace obsctl::loadgen {

struct Http1Transport::Connection {
  enum class State { vacant, connecting, idle, busy };

  Connection(boost::asio::io_context& io, std::uint32_t slot_number) : socket(io), slot(slot_number) {}

  boost::asio::generic::stream_protocol::socket socket;
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

/// A text for counting: what went wrong with a socket.
const char* failure_name(const boost::system::error_code& error);

}  // namespace obsctl::loadgen
