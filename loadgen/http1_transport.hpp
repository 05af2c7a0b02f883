// HTTP/1.1 over Asio sockets, plain or TLS, TCP or Unix: a pool of kept connections, the one used last first.
// Sockets are non-blocking and are written and read directly; the sending thread's Poller says which of them
// is worth a look.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>

#include "loadgen/plan.hpp"
#include "loadgen/poller.hpp"
#include "loadgen/request_mix.hpp"
#include "loadgen/response_parser.hpp"
#include "loadgen/target_address.hpp"
#include "loadgen/tls.hpp"
#include "loadgen/transport.hpp"

namespace obsctl::loadgen {

class Http1Transport final : public Transport {
 public:
  /// Everything given by reference outlives the transport. `tls` is null for plain connections.
  Http1Transport(Poller& poller, const LoadPlan& plan, const RequestMix& mix,
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
  void on_event(std::uint64_t key, std::uint32_t events) override;
  void close() override;

 private:
  struct Connection;
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
  void flush_tls(Connection& connection);
  void handle(Connection& connection, std::uint32_t events);
  void on_connecting(Connection& connection);
  bool read_all(Connection& connection);
  bool take_bytes(Connection& connection, std::string_view bytes);
  bool take_encrypted(Connection& connection, std::string_view bytes);
  void on_closed_by_peer(Connection& connection, const char* how);
  void finish(Connection& connection, const Outcome& outcome, bool keep);
  void fail(Connection& connection, Delivery delivery, std::string_view failure);
  void shut(Connection& connection);
  void reclaim(Connection& connection);

  boost::asio::io_context io_;  ///< what an Asio socket must belong to; never run
  Poller& poller_;
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
  DeadlineList waiting_;                 ///< for an answer
  std::array<char, 64 * 1024> read_{};   ///< what has just been read, of any connection
  std::array<char, 16 * 1024> plain_{};  ///< decrypted
  std::string encrypted_;                ///< on its way from TLS to the socket
  std::size_t preferred_ = 0;            ///< the endpoint that connected last
  int opening_ = 0;
  int open_ = 0;
  int in_flight_ = 0;
};

}  // namespace obsctl::loadgen
