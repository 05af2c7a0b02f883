// Listening on TCP and accepting on an event loop: what the HTTP server and the fault proxy have in common.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include <netinet/in.h>

#include "core/descriptor.hpp"
#include "core/error.hpp"
#include "core/event_loop.hpp"

namespace obsctl::core {

struct ListenAddress {
  std::string address;
  std::uint16_t port = 0;
};

/// Reads "127.0.0.1:8080", "[::1]:8080", "localhost:0"; ":8080" and "8080" are on 127.0.0.1, so that nothing
/// is open to the network unless it is said (0.0.0.0:8080). Errors: invalid_input.
Result<ListenAddress> parse_listen_address(std::string_view text);

/// "127.0.0.1:8080", "[::1]:8080".
std::string to_string(const ListenAddress& address);

/// A non-blocking socket that listens, whose accepted sockets have TCP_NODELAY. Errors: unavailable (a busy
/// port is named as such, with a hint), invalid_input (the address).
Result<Descriptor> listen_on(const ListenAddress& address);

/// The port a socket is bound to.
std::uint16_t port_of(const Descriptor& socket);

/// Accepts on a loop, whose thread it belongs to.
class Acceptor final : private EventLoop::Watcher {
 public:
  /// The accepted socket does not block. An IPv4 peer is a sockaddr_in in the place of the sockaddr_in6.
  using OnAccept = std::function<void(Descriptor socket, const sockaddr_in6& peer)>;

  Acceptor(EventLoop& loop, Descriptor listener, OnAccept on_accept);
  Acceptor(const Acceptor&) = delete;
  Acceptor& operator=(const Acceptor&) = delete;

  void start();
  /// Takes in what the kernel has connected already, which would be reset otherwise, then no more.
  void stop();
  std::uint16_t port() const { return port_of(listener_); }

 private:
  void on_events(std::uint32_t) override;
  bool accept_one();

  EventLoop& loop_;
  const Descriptor listener_;
  const OnAccept on_accept_;
  bool accepting_ = false;
};

}  // namespace obsctl::core
