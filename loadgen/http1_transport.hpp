// HTTP/1.1 over Asio sockets, plain or TLS, TCP or Unix: a pool of kept connections, the one used last first.
// Requests go out with a direct non-blocking write; a read is always pending, so that a peer that closes an
// idle connection is noticed and a completed read frees the memory that the next one takes.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>

#include "loadgen/plan.hpp"
#include "loadgen/request_mix.hpp"
#include "loadgen/response_parser.hpp"
#include "loadgen/tls.hpp"
#include "loadgen/transport.hpp"

namespace obsctl::loadgen {

using Endpoint = boost::asio::generic::stream_protocol::endpoint;

/// Where the plan's connections go, resolved: at least one. Errors: unavailable, invalid_input.
core::Result<std::vector<Endpoint>> resolve_target(const LoadPlan& plan);

class Http1Transport final : public Transport {
 public:
  /// Everything given by reference outlives the transport. `tls` is null for plain connections.
  Http1Transport(boost::asio::io_context& io, const LoadPlan& plan, const RequestMix& mix,
                 const std::vector<Endpoint>& endpoints, const TlsContext* tls, Limits limits,
                 TransportEvents& events);
  ~Http1Transport() override;

  void open(int count) override;
  int opening() const override { return opening_; }
  bool ready() const override;
  void send(const Exchange& exchange) override;
  int in_flight() const override { return in_flight_; }
  int connections() const override { return open_; }
  void check_deadlines(RunTime now) override;
  RunTime next_deadline() const override;
  void close() override;

 private:
  struct Connection;
  struct ReadHandler;
  struct WriteHandler;
  struct ConnectHandler;
  /// Connections in the order in which they run out of time; all of a list have the same timeout.
  struct DeadlineList {
    Connection* first = nullptr;
    Connection* last = nullptr;
    void append(Connection& connection);
    void remove(Connection& connection);
  };

  Connection* take_free();
  Connection& new_connection();
  void start_connect(Connection& connection);
  void try_connect(Connection& connection);
  void on_connect(Connection& connection, const boost::system::error_code& error);
  void on_usable(Connection& connection);
  void start_request(Connection& connection);
  void write(Connection& connection, std::string_view bytes);
  void write_rest(Connection& connection);
  void on_written(Connection& connection, const boost::system::error_code& error, std::size_t bytes);
  void flush_tls(Connection& connection);
  void arm_read(Connection& connection);
  void on_read(Connection& connection, const boost::system::error_code& error, std::size_t bytes);
  bool read_all(Connection& connection, const boost::system::error_code& error, std::size_t bytes);
  bool take_bytes(Connection& connection, std::string_view bytes);
  bool take_encrypted(Connection& connection, std::string_view bytes);
  void on_closed_by_peer(Connection& connection, const char* how);
  void finish(Connection& connection, const Outcome& outcome, bool keep);
  void fail(Connection& connection, Delivery delivery, std::string_view failure);
  void shut(Connection& connection);
  void reclaim(Connection& connection);

  boost::asio::io_context& io_;
  const LoadPlan& plan_;
  const RequestMix& mix_;
  const std::vector<Endpoint>& endpoints_;
  const TlsContext* tls_;
  const Limits limits_;
  TransportEvents& events_;
  std::vector<std::unique_ptr<Connection>> all_;
  std::vector<Connection*> idle_;    ///< open and free; the back is used next
  std::vector<Connection*> vacant_;  ///< closed and reusable
  DeadlineList connecting_;
  DeadlineList waiting_;  ///< for an answer
  std::array<char, 64 * 1024>
      scratch_;  ///< for reading on when an answer is longer than a connection's own buffer
  std::array<char, 16 * 1024> plain_;  ///< decrypted
  std::string encrypted_;              ///< on its way from TLS to the socket
  std::size_t preferred_ = 0;          ///< the endpoint that connected last
  int opening_ = 0;
  int open_ = 0;
  int in_flight_ = 0;
  bool closing_ = false;
};

}  // namespace obsctl::loadgen
