// One client's connection to an HttpServer. Everything here lives on the server's I/O thread; the exchange of
// the request that is being answered (http_exchange.hpp) brings calls from other threads there.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <netinet/in.h>

#include "core/descriptor.hpp"
#include "core/event_loop.hpp"
#include "core/http_request.hpp"
#include "core/http_server.hpp"

namespace obsctl::core {

class HttpConnection;

/// What the connections of a server share.
struct ConnectionHost {
  const HttpServerOptions& options;
  const HttpHandler& handler;
  EventLoop& loop;
  /// Where every connection reads to, as the first thing of its turn; what it cannot use at once it copies.
  std::string scratch;
  /// The value of the Date field, made once a second.
  std::string date;
  std::int64_t date_second = 0;
  /// No new requests: every answer is the last one on its connection.
  bool draining = false;
  /// Takes a connection that has closed its descriptor out of the server's list.
  std::function<void(HttpConnection&)> closed;
};

class ConnectionExchange;

class HttpConnection final : public EventLoop::Watcher, public std::enable_shared_from_this<HttpConnection> {
 public:
  HttpConnection(ConnectionHost& host, Descriptor descriptor, const sockaddr_in6& peer);
  HttpConnection(const HttpConnection&) = delete;
  HttpConnection& operator=(const HttpConnection&) = delete;

  void on_events(std::uint32_t events) override;
  /// Closes or answers with 408 what has taken too long.
  void sweep(SteadyTime now);
  /// Closes the connection unless it has a request to finish.
  void drain();
  /// Closes it as it stands; whoever is working on an answer is told that the client is gone.
  void cut();
  /// The peer has had its last answer and only has to close.
  bool lingering() const { return phase_ == Phase::lingering; }

  // For the exchange.
  void answer(HttpResponse&& response);
  void reset();
  void abort();
  EventLoop& loop() { return host_.loop; }

 private:
  enum class Phase { idle, reading, answering, writing, lingering, closed };

  void enter(Phase phase);
  void read_more();
  void read_soon();
  void use(std::string_view bytes);
  std::size_t process(std::string_view bytes);
  void dispatch();
  void refuse(const RequestFailure& failure);
  void write_response(const HttpResponse& response, bool keep_alive, bool head_only, bool http_1_0);
  void proceed();
  void flush();
  std::size_t sendable() const;
  void send_more_later();
  void linger();
  void discard_input();
  void end_exchange(bool gone);
  void close();

  ConnectionHost& host_;
  Descriptor descriptor_;
  const sockaddr_in6 peer_;
  RequestReader reader_;
  std::string input_;   ///< read from the socket, not used yet
  std::string output_;  ///< to be written
  std::size_t written_ = 0;
  /// Of a body that goes out slowly, the last thing in output_.
  struct SlowBody {
    std::uint64_t bytes_per_second = 0;  ///< 0: there is none
    std::size_t from = 0;                ///< where it begins in output_
    SteadyTime started;
    bool waiting = false;  ///< a timer is running
  } slow_;
  std::shared_ptr<ConnectionExchange> current_;  ///< the request that waits for its answer
  SteadyTime deadline_ = SteadyTime::max();
  Phase phase_ = Phase::idle;
  bool processing_ = false;   ///< process() is on the stack
  bool readable_ = true;      ///< the socket may hold bytes that have not been read
  bool peer_closed_ = false;  ///< the peer has sent its FIN
  bool last_answer_ = false;  ///< nothing follows what is in output_
  std::size_t discarded_ = 0;
};

}  // namespace obsctl::core
