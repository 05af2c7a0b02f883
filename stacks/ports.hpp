// Ports for services that choose no port themselves. A port is reserved for as long as the reservation lives,
// so that several obsctl at once never pick the same one and a restarted service finds its port free.
#pragma once

#include <cstdint>
#include <utility>

#include "core/error.hpp"

namespace obsctl::stacks {

/// Ports are taken from here: below Linux' ephemeral range (32768 and up by default), so that no outgoing
/// connection of any program can be given one between the reservation and the service's listen.
inline constexpr std::uint16_t kFirstPort = 20000;
inline constexpr std::uint16_t kLastPort = 32000;

class PortReservation {
 public:
  /// A random port of 127.0.0.1 that nobody listens on and no other obsctl has reserved. Errors: unavailable.
  static core::Result<PortReservation> any();
  /// A given port. Errors: unavailable, saying whether another obsctl or another program has it.
  static core::Result<PortReservation> of(std::uint16_t port);

  /// No port at all, to be assigned to.
  static PortReservation none() { return PortReservation(-1, 0); }

  PortReservation(PortReservation&& other) noexcept
      : lock_(std::exchange(other.lock_, -1)), port_(std::exchange(other.port_, std::uint16_t{0})) {}
  PortReservation& operator=(PortReservation&& other) noexcept {
    std::swap(lock_, other.lock_);
    std::swap(port_, other.port_);
    return *this;
  }
  ~PortReservation();

  std::uint16_t port() const { return port_; }

 private:
  PortReservation(int lock, std::uint16_t port) : lock_(lock), port_(port) {}
  int lock_;
  std::uint16_t port_;
};

}  // namespace obsctl::stacks
