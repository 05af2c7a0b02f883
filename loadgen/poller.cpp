// Epoll.
#include "loadgen/poller.hpp"

#include <errno.h>
#include <time.h>
#include <unistd.h>

namespace obsctl::loadgen {

Poller::Poller() : epoll_(epoll_create1(EPOLL_CLOEXEC)) {}

Poller::~Poller() {
  ::close(epoll_);
}

void Poller::add(int socket, std::uint64_t key, std::uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.u64 = key;
  epoll_ctl(epoll_, EPOLL_CTL_ADD, socket, &event);
}

std::span<const epoll_event> Poller::wait(core::Nanoseconds timeout) {
  const auto room = static_cast<int>(events_.size());
  int n = 0;
  if (timeout.count() <= 0) {
    n = epoll_wait(epoll_, events_.data(), room, 0);
  } else if (exact_) {
    const timespec until{timeout.count() / 1'000'000'000, timeout.count() % 1'000'000'000};
    n = epoll_pwait2(epoll_, events_.data(), room, &until, nullptr);
    exact_ = !(n < 0 && errno == ENOSYS);
  } else {  // whole milliseconds, rounded down: the loop polls for the rest
    n = epoll_wait(epoll_, events_.data(), room, static_cast<int>(timeout.count() / 1'000'000));
  }
  return {events_.data(), n > 0 ? static_cast<std::size_t>(n) : 0};
}

}  // namespace obsctl::loadgen
