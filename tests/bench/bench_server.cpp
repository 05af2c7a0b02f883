// The benchmarks' server: an epoll loop that answers every request with the same 200 and does as little as
// can be, so that the client is what is measured. It can stamp the arrival of every request, be slow with
// some of them, and stand still at set times. Plain requests without a body only; one thread; loopback only.
//
//   bench_server [--port N] [--stamps FILE] [--answers FILE] [--slow-every N --slow-ms M]
//                [--stall AT_MS:LENGTH_MS]...
//
// Prints its port. Times of stalls count from the first request. SIGTERM ends it; the stamps (one
// steady-clock nanosecond a line) are written then, and the answers: for "GET /N", N and when it was
// answered.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

namespace {

constexpr std::string_view kAnswer =
    "HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Type: text/plain\r\nContent-Length: "
    "5\r\n\r\npong\n";

std::int64_t now_ns() {
  timespec t{};
  clock_gettime(CLOCK_MONOTONIC, &t);
  return std::int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec;
}

struct Stall {
  std::int64_t at;
  std::int64_t length;
};

struct Options {
  int port = 0;
  std::string stamps;
  std::string answers;
  long slow_every = 0;
  std::int64_t slow = 0;
  std::vector<Stall> stalls;
};

struct Delayed {
  std::int64_t at;
  int socket;
  std::uint32_t generation;
  std::int64_t index;
};

class Server {
 public:
  explicit Server(Options options) : options_(std::move(options)) {}

  bool listen() {
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    const int on = 1;
    setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<std::uint16_t>(options_.port));
    if (bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) return false;
    if (::listen(listener_, 16384) != 0) return false;
    socklen_t length = sizeof address;
    getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &length);
    std::printf("%d\n", ntohs(address.sin_port));
    std::fflush(stdout);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigprocmask(SIG_BLOCK, &set, nullptr);
    signals_ = signalfd(-1, &set, SFD_NONBLOCK);
    epoll_ = epoll_create1(0);
    watch(listener_);
    watch(signals_);
    return true;
  }

  void run() {
    std::vector<epoll_event> events(1024);
    while (true) {
      const int timeout = delayed_.empty() ? -1 : 1;
      const int n = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), timeout);
      const std::int64_t at = now_ns();
      for (int i = 0; i < n; ++i) {
        const int fd = events[static_cast<std::size_t>(i)].data.fd;
        if (fd == signals_) return finish();
        if (fd == listener_) {
          accept_all();
        } else {
          serve(fd, at);
        }
      }
      while (!delayed_.empty() && delayed_.front().at <= now_ns()) {
        const Delayed d = delayed_.front();
        delayed_.pop_front();
        if (generation(d.socket) == d.generation) answer(d.socket, d.index);
      }
    }
  }

 private:
  void watch(int fd) const {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = fd;
    epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
  }

  void accept_all() {
    while (true) {
      const int fd = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK);
      if (fd < 0) return;
      const int on = 1;
      setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      ++generation(fd);
      watch(fd);
    }
  }

  std::uint32_t& generation(int fd) {
    if (static_cast<std::size_t>(fd) >= generations_.size())
      generations_.resize(static_cast<std::size_t>(fd) + 1024);
    return generations_[static_cast<std::size_t>(fd)];
  }

  void answer(int fd, std::int64_t index) {
    if (!options_.answers.empty()) answers_.push_back({index, now_ns()});
    (void)!write(fd, kAnswer.data(), kAnswer.size());
  }

  /// N of "GET /N"; 0 without one.
  static std::int64_t index_of(const char* request, ssize_t size) {
    std::int64_t index = 0;
    for (ssize_t i = 5; i < size && request[i] >= '0' && request[i] <= '9'; ++i)
      index = index * 10 + request[i] - '0';
    return index;
  }

  /// A client of the benchmark sends each request whole and waits for its answer, so one read is one request.
  void serve(int fd, std::int64_t at) {
    char buffer[4096];
    const ssize_t n = read(fd, buffer, sizeof buffer);
    if (n <= 0) {
      ++generation(fd);
      close(fd);
      return;
    }
    ++requests_;
    if (!options_.stamps.empty()) stamps_.push_back(requests_ == 1 ? at : now_ns());
    if (!options_.stalls.empty()) stand_still();
    if (options_.slow_every > 0 && requests_ % options_.slow_every == 0) {
      delayed_.push_back({now_ns() + options_.slow, fd, generation(fd), index_of(buffer, n)});
      return;
    }
    answer(fd, options_.answers.empty() ? 0 : index_of(buffer, n));
  }

  void stand_still() {
    if (started_ == 0) started_ = now_ns();
    while (!options_.stalls.empty() && now_ns() >= started_ + options_.stalls.front().at) {
      const std::int64_t until = started_ + options_.stalls.front().at + options_.stalls.front().length;
      options_.stalls.erase(options_.stalls.begin());
      while (now_ns() < until) usleep(200);
    }
  }

  void finish() const {
    if (!options_.stamps.empty()) {
      std::FILE* file = std::fopen(options_.stamps.c_str(), "w");
      for (const std::int64_t stamp : stamps_) std::fprintf(file, "%lld\n", static_cast<long long>(stamp));
      std::fclose(file);
    }
    if (!options_.answers.empty()) {
      std::FILE* file = std::fopen(options_.answers.c_str(), "w");
      for (const auto& [index, at] : answers_)
        std::fprintf(file, "%lld %lld\n", static_cast<long long>(index), static_cast<long long>(at));
      std::fclose(file);
    }
    std::fprintf(stderr, "%ld requests\n", requests_);
  }

  Options options_;
  int listener_ = -1;
  int signals_ = -1;
  int epoll_ = -1;
  long requests_ = 0;
  std::int64_t started_ = 0;
  std::vector<std::uint32_t> generations_;
  std::deque<Delayed> delayed_;
  std::vector<std::int64_t> stamps_;
  std::vector<std::pair<std::int64_t, std::int64_t>> answers_;
};

}  // namespace

int main(int argc, char** argv) {
  Options options;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string_view name = argv[i];
    const char* value = argv[i + 1];
    if (name == "--port") options.port = std::atoi(value);
    if (name == "--stamps") options.stamps = value;
    if (name == "--answers") options.answers = value;
    if (name == "--slow-every") options.slow_every = std::atol(value);
    if (name == "--slow-ms") options.slow = std::atol(value) * 1'000'000;
    if (name == "--stall") {
      const char* colon = std::strchr(value, ':');
      if (colon == nullptr) return 2;
      options.stalls.push_back({std::atol(value) * 1'000'000, std::atol(colon + 1) * 1'000'000});
    }
  }
  signal(SIGPIPE, SIG_IGN);
  rlimit files{65536, 65536};
  if (setrlimit(RLIMIT_NOFILE, &files) != 0) {
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
  }
  Server server(options);
  if (!server.listen()) {
    std::perror("bench_server");
    return 1;
  }
  server.run();
}
