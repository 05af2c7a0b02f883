#include "stacks/ports.hpp"

#include <set>
#include <vector>

#include <arpa/inet.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/catch.hpp"

using obsctl::core::to_string;
using obsctl::stacks::kFirstPort;
using obsctl::stacks::kLastPort;
using obsctl::stacks::PortReservation;

namespace {

/// A listening socket, closed with the object.
struct Listener {
  explicit Listener(std::uint16_t port, std::uint32_t host = INADDR_LOOPBACK) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(host);
    const int on = 1;
    ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    REQUIRE(::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(::listen(fd, 1) == 0);
  }
  ~Listener() { ::close(fd); }
  int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
};

}  // namespace

TEST_CASE("reserved ports are distinct, in range and free to listen on") {
  std::vector<PortReservation> held;
  std::set<std::uint16_t> ports;
  for (int i = 0; i < 100; ++i) {
    auto reservation = PortReservation::any();
    REQUIRE(reservation);
    CHECK(reservation->port() >= kFirstPort);
    CHECK(reservation->port() <= kLastPort);
    ports.insert(reservation->port());
    held.push_back(std::move(*reservation));
  }
  CHECK(ports.size() == 100);
  const Listener service(held.front().port());
}

TEST_CASE("a port that is reserved or in use is not given out") {
  auto reservation = PortReservation::any();
  REQUIRE(reservation);
  const std::uint16_t port = reservation->port();
  CHECK(to_string(PortReservation::of(port).error()) ==
        "port " + std::to_string(port) +
            " is used by another obsctl stack\n  hint: obsctl stack list shows what is up");
  { const PortReservation gone = std::move(*reservation); }
  const auto host = GENERATE(INADDR_LOOPBACK, INADDR_ANY);
  {
    const Listener other(port, host);
    CHECK(to_string(PortReservation::of(port).error()) ==
          "port " + std::to_string(port) + " is in use\n  hint: ss -ltnp 'sport = :" + std::to_string(port) +
              "' shows by what");
  }
  CHECK(PortReservation::of(port));
}

TEST_CASE("a reservation ends with its process, however that ends") {
  auto probe = PortReservation::any();
  REQUIRE(probe);
  const std::uint16_t port = probe->port();
  { const PortReservation gone = std::move(*probe); }
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const auto held = PortReservation::of(port);
    const char ok = held ? 'y' : 'n';
    [[maybe_unused]] const ssize_t n = ::write(ends[1], &ok, 1);
    while (true) ::pause();
  }
  char ok = 0;
  REQUIRE(::read(ends[0], &ok, 1) == 1);
  CHECK(ok == 'y');
  CHECK_FALSE(PortReservation::of(port));
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  CHECK(PortReservation::of(port));
  ::close(ends[0]);
  ::close(ends[1]);
}
