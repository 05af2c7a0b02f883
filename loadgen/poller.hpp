// Readiness of sockets: edge-triggered epoll, asked once for each turn of the sending loop. Asio's own
// reactor is not used on the way of a request: it tries to read before it waits, which fails for two of three
// answers, and its timers take two system calls where epoll_pwait2 takes none
// (docs/explanation/performance.md has the figures).
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include <sys/epoll.h>

#include "core/duration.hpp"

namespace obsctl::loadgen {

class Poller {
 public:
  Poller();
  ~Poller();
  Poller(const Poller&) = delete;
  Poller& operator=(const Poller&) = delete;

  /// Reports readability, writability and hang-up of `socket` with `key`, each time they come anew, until it
  /// is closed.
  void add(int socket, std::uint64_t key, std::uint32_t events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET);
  /// Waits for events, at most `timeout` (to the nanosecond where the kernel can); zero or less: not at all.
  /// The events are valid until the next call.
  std::span<const epoll_event> wait(core::Nanoseconds timeout);

 private:
  int epoll_;
  bool exact_ = true;  ///< the kernel has epoll_pwait2 (Linux 5.11)
  std::array<epoll_event, 128> events_{};
};

}  // namespace obsctl::loadgen
