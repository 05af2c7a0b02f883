#include "core/listening_socket.hpp"

#include <cerrno>
#include <charconv>
#include <cstring>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

namespace obsctl::core {

namespace {

constexpr int kBacklog = 4096;
/// Connections accepted before those that are open get their turn.
constexpr int kAcceptsInTurn = 64;
/// Out of descriptors: when to look whether some have come free.
constexpr auto kAcceptPause = std::chrono::milliseconds(100);

Result<sockaddr_in6> socket_address(const ListenAddress& listen) {
  sockaddr_in6 address{};
  const std::string text = listen.address == "localhost" ? "127.0.0.1" : listen.address;
  auto& v4 = reinterpret_cast<sockaddr_in&>(address);
  if (inet_pton(AF_INET, text.c_str(), &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    v4.sin_port = htons(listen.port);
    return address;
  }
  if (inet_pton(AF_INET6, text.c_str(), &address.sin6_addr) == 1) {
    address.sin6_family = AF_INET6;
    address.sin6_port = htons(listen.port);
    return address;
  }
  return make_error(ErrorKind::invalid_input,
                    fmt::format("\"{}\" is not an address to listen on", listen.address),
                    "use a numeric address such as 127.0.0.1, 0.0.0.0 or ::1, or localhost");
}

Error listen_error(const ListenAddress& address, int number) {
  const std::string where = to_string(address);
  switch (number) {
    case EADDRINUSE:
      return make_error(
          ErrorKind::unavailable, fmt::format("cannot listen on {}: the port is in use", where),
          fmt::format(
              "choose another port (0 takes a free one), or stop what listens there: ss -ltnp 'sport = :{}'",
              address.port));
    case EACCES:
      return make_error(ErrorKind::unavailable, fmt::format("cannot listen on {}: permission denied", where),
                        "ports below 1024 need a privilege; choose a higher one");
    case EADDRNOTAVAIL:
      return make_error(ErrorKind::unavailable,
                        fmt::format("cannot listen on {}: this machine does not have that address", where),
                        "use 127.0.0.1, or 0.0.0.0 for every address of this machine");
    default:
      return make_error(ErrorKind::unavailable,
                        fmt::format("cannot listen on {}: {}", where, std::strerror(number)));
  }
}

}  // namespace

Result<ListenAddress> parse_listen_address(std::string_view text) {
  const auto wrong = [&](std::string_view what) {
    return make_error(ErrorKind::invalid_input,
                      fmt::format("\"{}\" is not an address to listen on: {}", text, what),
                      "write it as 127.0.0.1:8080, [::1]:8080 or :8080");
  };
  const std::size_t colon = text.rfind(':');
  const std::string_view digits = colon == std::string_view::npos ? text : text.substr(colon + 1);
  std::string_view host = colon == std::string_view::npos ? std::string_view() : text.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    return wrong("an IPv6 address needs brackets");
  }
  ListenAddress address{host.empty() ? "127.0.0.1" : std::string(host), 0};
  const auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), address.port);
  if (problem != std::errc() || end != digits.data() + digits.size())
    return wrong("the port must be a number from 0 to 65535");
  return address;
}

std::string to_string(const ListenAddress& address) {
  const bool v6 = address.address.find(':') != std::string::npos;
  return v6 ? fmt::format("[{}]:{}", address.address, address.port)
            : fmt::format("{}:{}", address.address, address.port);
}

Result<Descriptor> listen_on(const ListenAddress& address) {
  const Result<sockaddr_in6> where = socket_address(address);
  if (!where) return where.error();
  const socklen_t size = where->sin6_family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
  Descriptor listener(::socket(where->sin6_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!listener) return listen_error(address, errno);
  const int on = 1;
  ::setsockopt(listener.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  // Accepted sockets inherit it, which saves a call for each.
  ::setsockopt(listener.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (::bind(listener.get(), reinterpret_cast<const sockaddr*>(&*where), size) != 0 ||
      ::listen(listener.get(), kBacklog) != 0)
    return listen_error(address, errno);
  return listener;
}

std::uint16_t port_of(const Descriptor& socket) {
  sockaddr_in6 bound{};
  socklen_t size = sizeof bound;
  ::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&bound), &size);
  return ntohs(bound.sin6_port);  // at the same place in a sockaddr_in
}

Acceptor::Acceptor(EventLoop& loop, Descriptor listener, OnAccept on_accept)
    : loop_(loop), listener_(std::move(listener)), on_accept_(std::move(on_accept)) {}

void Acceptor::start() {
  accepting_ = loop_.watch(listener_.get(), EPOLLIN, *this);
}

void Acceptor::stop() {
  if (!accepting_) return;
  while (accept_one()) {
  }
  accepting_ = false;
  loop_.unwatch(listener_.get());
  ::shutdown(listener_.get(), SHUT_RDWR);
}

void Acceptor::on_events(std::uint32_t) {
  for (int i = 0; i < kAcceptsInTurn && accepting_; ++i) {
    if (!accept_one()) return;
  }
}

bool Acceptor::accept_one() {
  sockaddr_in6 peer{};
  socklen_t size = sizeof peer;
  Descriptor accepted(
      ::accept4(listener_.get(), reinterpret_cast<sockaddr*>(&peer), &size, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (!accepted) {
    if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
      // The listener stays ready, so without a pause the loop would spin on it.
      loop_.unwatch(listener_.get());
      loop_.at(loop_.now() + kAcceptPause, [this] {
        if (accepting_) loop_.watch(listener_.get(), EPOLLIN, *this);
      });
    }
    return errno == EINTR || errno == ECONNABORTED;
  }
  on_accept_(std::move(accepted), peer);
  return true;
}

}  // namespace obsctl::core
