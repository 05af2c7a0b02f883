// The yardstick: the least that an HTTP/1.1 load client can do. One epoll loop, blocking on nothing, no
// histogram, an answer is complete when its Content-Length has arrived (looked for once, as all answers are
// alike). Closed loop, or a constant rate in the same pacing modes as obsctl. Nobody should use it for
// measuring anything but other clients.
//
//   raw_client PORT CONNECTIONS SECONDS [RATE timer|precise|coalesce]
//
// Prints: requests, requests/s, CPU µs a request.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <vector>

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

namespace {

constexpr std::string_view kRequest =
    "GET / HTTP/1.1\r\nUser-Agent: raw\r\nAccept: */*\r\nHost: 127.0.0.1\r\n\r\n";

std::int64_t now_ns() {
  timespec t{};
  clock_gettime(CLOCK_MONOTONIC, &t);
  return std::int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec;
}

int wait_ns(int epoll, epoll_event* events, int size, std::int64_t ns) {
  timespec timeout{ns / 1'000'000'000, ns % 1'000'000'000};
  return static_cast<int>(syscall(SYS_epoll_pwait2, epoll, events, size, &timeout, nullptr, 0));
}

bool complete(int fd) {
  char buffer[4096];
  const ssize_t n = read(fd, buffer, sizeof buffer);
  if (n <= 0) std::exit(1);
  const auto* end = static_cast<const char*>(memmem(buffer, static_cast<std::size_t>(n), "\r\n\r\n", 4));
  return end != nullptr;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) return 2;
  const int connections = std::atoi(argv[2]);
  const double seconds = std::atof(argv[3]);
  const std::int64_t rate = argc > 4 ? std::atoll(argv[4]) : 0;
  const std::string_view pacing = argc > 5 ? argv[5] : "timer";
  prctl(PR_SET_TIMERSLACK, 1);
  const int epoll = epoll_create1(0);
  std::vector<int> idle;
  for (int i = 0; i < connections; ++i) {
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(std::atoi(argv[1])));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) return 1;
    const int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = fd;
    epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
    idle.push_back(fd);
  }
  const std::int64_t start = now_ns();
  const auto end = start + static_cast<std::int64_t>(seconds * 1e9);
  std::int64_t sent = 0;
  std::int64_t done = 0;
  const auto send_one = [&](int fd) {
    if (write(fd, kRequest.data(), kRequest.size()) < 0) std::exit(1);
    ++sent;
  };
  if (rate == 0) {
    for (const int fd : idle) send_one(fd);
  }
  std::vector<epoll_event> events(1024);
  while (now_ns() < end) {
    std::int64_t timeout = 10'000'000;
    if (rate > 0) {
      std::int64_t at = now_ns() - start;
      const std::int64_t grid = pacing == "coalesce" ? 1'000'000 : 1;
      while (!idle.empty() && sent * 1'000'000'000 / rate <= at / grid * grid) {
        const int fd = idle.back();
        idle.pop_back();
        send_one(fd);
        at = now_ns() - start;
      }
      const std::int64_t due = (sent * 1'000'000'000 / rate + grid - 1) / grid * grid;
      timeout = idle.empty() ? 1'000'000 : due - (now_ns() - start);
      if (pacing == "precise") timeout = timeout <= 60'000 ? 0 : timeout - 60'000;
      if (pacing == "timer" && timeout < 20'000) timeout = 0;
      if (timeout < 0) timeout = 0;
    }
    const int n = wait_ns(epoll, events.data(), static_cast<int>(events.size()), timeout);
    for (int i = 0; i < n; ++i) {
      const int fd = events[static_cast<std::size_t>(i)].data.fd;
      if (!complete(fd)) continue;
      ++done;
      if (rate == 0) {
        send_one(fd);
      } else {
        idle.push_back(fd);
      }
    }
  }
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const double cpu = static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                     static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
  std::printf("%lld %.1f %.2f\n", static_cast<long long>(done), static_cast<double>(done) / seconds,
              cpu * 1e6 / static_cast<double>(done));
}
