// A small, fast HTTP/1.1 server for the sample service, the receivers and their control APIs. Boost.Beast's
// parser reads the requests; sockets, timers and response heads are our own, on one epoll (see
// core/event_loop.hpp).
//
// A server owns one I/O thread. Handlers run on that thread and must not block: a handler answers at once, or
// keeps the exchange and answers later (after a delay, from another thread, or never when the client leaves).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "core/duration.hpp"
#include "core/error.hpp"
#include "core/http_client.hpp"
#include "core/listening_socket.hpp"

namespace obsctl::core {

struct HttpResponse {
  int status = 200;
  std::string body = {};
  std::string content_type = "text/plain; charset=utf-8";
  std::vector<HttpHeader> headers = {};
  /// How fast the body goes out, in bytes a second; 0: at once.
  std::uint64_t bytes_per_second = 0;
  /// The connection is closed after so many bytes of a longer body, whatever Content-Length has promised.
  std::optional<std::uint64_t> truncate_after = {};
};

/// One request and the place for its answer. Shared between the connection and whoever answers later.
/// All members are safe to call from any thread; callbacks run on the server's I/O thread.
class HttpExchange {
 public:
  virtual ~HttpExchange() = default;

  // The request. Views live as long as the exchange.
  virtual std::string_view method() const = 0;
  /// As sent, with the query.
  virtual std::string_view target() const = 0;
  /// The target without its query, as sent (not percent-decoded).
  virtual std::string_view path() const = 0;
  /// The first value of a query parameter, percent-decoded; nothing when it is absent.
  virtual std::optional<std::string> query(std::string_view name) const = 0;
  /// The first value of a header, name compared without case; empty when it is absent.
  virtual std::string_view header(std::string_view name) const = 0;
  virtual std::string_view body() const = 0;
  /// Address of the peer, without port.
  virtual std::string remote_address() const = 0;
  /// When the request had been read completely.
  virtual std::chrono::steady_clock::time_point received_at() const = 0;

  /// Sends the answer. The first call counts, later ones and calls after the client has left do nothing.
  virtual void respond(HttpResponse response) = 0;
  /// Closes the connection with a reset instead of an answer.
  virtual void reset() = 0;
  /// Closes it in good order instead, once earlier answers have gone out.
  virtual void abort() = 0;
  /// Runs `action` after `delay`, unless the exchange ends before that.
  virtual void after(Nanoseconds delay, std::function<void()> action) = 0;
  /// Runs `action` once if the client goes away (or the server is stopped) before the answer is sent.
  virtual void on_gone(std::function<void()> action) = 0;
};

using HttpHandler = std::function<void(const std::shared_ptr<HttpExchange>&)>;

struct HttpServerOptions {
  std::string address = "127.0.0.1";
  /// 0 takes a free port.
  std::uint16_t port = 0;
  /// A larger body is answered with 413, larger headers with 431, before the handler sees them.
  std::size_t max_body = 1u << 20;
  std::size_t max_header = 16u << 10;
  /// For a whole request to arrive once its first byte has; a slower client gets 408.
  Nanoseconds read_timeout = std::chrono::seconds(10);
  /// For a keep-alive connection without a request, and for a client that does not take its answer.
  Nanoseconds idle_timeout = std::chrono::seconds(60);
  /// Further connections are accepted and closed at once.
  std::size_t max_connections = 10'000;
  /// Told, on the I/O thread, the status of every request that was refused before a handler could see it.
  std::function<void(int status)> on_refused = {};
};

class HttpServer {
 public:
  /// Listens and serves. Errors: unavailable (a busy port is named as such, with a hint), invalid_input (the
  /// address).
  static Result<std::unique_ptr<HttpServer>> start(const HttpServerOptions& options, HttpHandler handler);
  /// Stops at once: open connections are closed.
  virtual ~HttpServer() = default;

  virtual std::uint16_t port() const = 0;
  /// "http://127.0.0.1:8080", with the address as given.
  virtual std::string url() const = 0;
  /// Stops accepting, closes idle connections, lets answers in flight finish until `deadline` has passed or
  /// `urgent` is triggered, then closes the rest. Returns true when nothing had to be cut off. Not to be
  /// called on the I/O thread.
  virtual bool drain(Nanoseconds deadline, const std::stop_token& urgent = {}) = 0;
};

}  // namespace obsctl::core
