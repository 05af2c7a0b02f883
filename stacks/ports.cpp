// The lock of a port is an abstract Unix socket with the port in its name. Such names live in the network
// namespace, as ports do; they are shared by all users, leave no file behind, and are free again the moment
// their owner dies.
#include "stacks/ports.hpp"

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <random>
#include <string>

#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace obsctl::stacks {

using core::ErrorKind;
using core::Result;

namespace {

constexpr int kAttempts = 200;

/// The lock's descriptor, or -1 when somebody else holds it.
int lock_port(std::uint16_t port) {
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  const std::string text = fmt::format("obsctl-port-{}", port);
  std::memcpy(name.sun_path + 1, text.data(), text.size());
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + text.size());
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&name), length) == 0) return fd;
  ::close(fd);
  return -1;
}

/// Whether a service could listen on the port now. As servers do, with SO_REUSEADDR: connections of a former
/// listener that linger in TIME_WAIT do not count.
bool is_free(std::uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const bool free =
      ::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 && ::listen(fd, 1) == 0;
  ::close(fd);
  return free;
}

}  // namespace

Result<PortReservation> PortReservation::of(std::uint16_t port) {
  const int lock = lock_port(port);
  if (lock < 0) {
    return core::make_error(ErrorKind::unavailable,
                            fmt::format("port {} is used by another obsctl stack", port),
                            "obsctl stack list shows what is up");
  }
  PortReservation reservation(lock, port);
  if (is_free(port)) return reservation;
  return core::make_error(ErrorKind::unavailable, fmt::format("port {} is in use", port),
                          fmt::format("ss -ltnp 'sport = :{}' shows by what", port));
}

Result<PortReservation> PortReservation::any() {
  std::random_device random;
  std::uniform_int_distribution<int> ports(kFirstPort, kLastPort);
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    auto reservation = of(static_cast<std::uint16_t>(ports(random)));
    if (reservation) return reservation;
  }
  return core::make_error(ErrorKind::unavailable,
                          fmt::format("no free port was found between {} and {}", kFirstPort, kLastPort),
                          "is 127.0.0.1 up, and may this process open sockets (ulimit -n)?");
}

PortReservation::~PortReservation() {
  if (lock_ >= 0) ::close(lock_);
}

}  // namespace obsctl::stacks
