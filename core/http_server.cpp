// Listens, accepts, sweeps for what has taken too long, and drains. One thread, one epoll; what happens on a
// connection is in http_connection.cpp.
#include "core/http_server.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <condition_variable>
#include <cstring>
#include <future>
#include <mutex>
#include <thread>
#include <unordered_map>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/event_loop.hpp"
#include "core/http_connection.hpp"

namespace obsctl::core {

namespace {

constexpr std::size_t kReadBuffer = 64u << 10;
constexpr int kBacklog = 4096;
/// Connections accepted before those that are open get their turn.
constexpr int kAcceptsInTurn = 64;
/// Out of descriptors: when to look whether some have come free.
constexpr auto kAcceptPause = std::chrono::milliseconds(100);

Result<sockaddr_in6> parse_address(const HttpServerOptions& options) {
  sockaddr_in6 address{};
  const std::string text = options.address == "localhost" ? "127.0.0.1" : options.address;
  auto& v4 = reinterpret_cast<sockaddr_in&>(address);
  if (inet_pton(AF_INET, text.c_str(), &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    v4.sin_port = htons(options.port);
    return address;
  }
  if (inet_pton(AF_INET6, text.c_str(), &address.sin6_addr) == 1) {
    address.sin6_family = AF_INET6;
    address.sin6_port = htons(options.port);
    return address;
  }
  return make_error(ErrorKind::invalid_input,
                    fmt::format("\"{}\" is not an address to listen on", options.address),
                    "use a numeric address such as 127.0.0.1, 0.0.0.0 or ::1, or localhost");
}

std::string authority(const std::string& address, std::uint16_t port) {
  const bool v6 = address.find(':') != std::string::npos;
  return v6 ? fmt::format("[{}]:{}", address, port) : fmt::format("{}:{}", address, port);
}

Error listen_error(const HttpServerOptions& options, int number) {
  const std::string where = authority(options.address, options.port);
  switch (number) {
    case EADDRINUSE:
      return make_error(
          ErrorKind::unavailable, fmt::format("cannot listen on {}: the port is in use", where),
          fmt::format(
              "choose another port (0 takes a free one), or stop what listens there: ss -ltnp 'sport = :{}'",
              options.port));
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

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&&) = delete;
  int get() const { return number_; }

 private:
  int number_;
};

Result<Descriptor> listen_on(const HttpServerOptions& options) {
  const Result<sockaddr_in6> address = parse_address(options);
  if (!address) return address.error();
  const socklen_t size = address->sin6_family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
  Descriptor listener(::socket(address->sin6_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (listener.get() < 0) return listen_error(options, errno);
  const int on = 1;
  ::setsockopt(listener.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  // Accepted sockets inherit it, which saves a call for each.
  ::setsockopt(listener.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (::bind(listener.get(), reinterpret_cast<const sockaddr*>(&*address), size) != 0 ||
      ::listen(listener.get(), kBacklog) != 0)
    return listen_error(options, errno);
  return listener;
}

std::uint16_t port_of(int descriptor) {
  sockaddr_in6 bound{};
  socklen_t size = sizeof bound;
  ::getsockname(descriptor, reinterpret_cast<sockaddr*>(&bound), &size);
  return ntohs(bound.sin6_port);  // at the same place in a sockaddr_in
}

class EpollServer final : public HttpServer, private EventLoop::Watcher {
 public:
  EpollServer(const HttpServerOptions& options, HttpHandler handler, Descriptor listener,
              std::unique_ptr<EventLoop> loop)
      : options_(options),
        handler_(std::move(handler)),
        listener_(std::move(listener)),
        port_(port_of(listener_.get())),
        loop_(std::move(loop)),
        host_{.options = options_,
              .handler = handler_,
              .loop = *loop_,
              .scratch = std::string(kReadBuffer, '\0'),
              .date = {},
              .closed = [this](HttpConnection& connection) { forget(connection); }} {}

  ~EpollServer() override {
    loop_->mailbox()->post([this] { shut_down(); });
    if (thread_.joinable()) thread_.join();
  }

  void run() {
    loop_->watch(listener_.get(), EPOLLIN, *this);
    // Signals are for the main thread.
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    thread_ = std::thread([this] { loop_->run(); });
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }

  std::uint16_t port() const override { return port_; }
  std::string url() const override { return "http://" + authority(options_.address, port_); }
  bool drain(Nanoseconds deadline, const std::stop_token& urgent) override;

 private:
  void on_events(std::uint32_t) override { accept_some(); }
  void accept_some();
  bool accept_one();
  void stop_accepting();
  void forget(HttpConnection& connection);
  void keep_sweeping();
  void sweep();
  bool cut_all();
  void shut_down();
  std::vector<std::shared_ptr<HttpConnection>> snapshot() const;

  const HttpServerOptions options_;
  const HttpHandler handler_;
  const Descriptor listener_;
  const std::uint16_t port_;
  const std::unique_ptr<EventLoop> loop_;
  ConnectionHost host_;
  std::unordered_map<HttpConnection*, std::shared_ptr<HttpConnection>> connections_;
  bool accepting_ = true;
  bool sweeping_ = false;
  std::function<void()> when_empty_;
  std::thread thread_;
};

void EpollServer::accept_some() {
  for (int i = 0; i < kAcceptsInTurn && accepting_; ++i) {
    if (!accept_one()) return;
  }
}

bool EpollServer::accept_one() {
  sockaddr_in6 peer{};
  socklen_t size = sizeof peer;
  const int descriptor =
      ::accept4(listener_.get(), reinterpret_cast<sockaddr*>(&peer), &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (descriptor < 0) {
    if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
      // The listener stays ready, so without a pause the loop would spin on it.
      loop_->unwatch(listener_.get());
      loop_->at(loop_->now() + kAcceptPause, [this] {
        if (accepting_) loop_->watch(listener_.get(), EPOLLIN, *this);
      });
    }
    return errno == EINTR || errno == ECONNABORTED;
  }
  if (connections_.size() >= options_.max_connections) {
    ::close(descriptor);
    return true;
  }
  auto connection = std::make_shared<HttpConnection>(host_, descriptor, peer);
  if (!loop_->watch(descriptor, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, *connection)) return true;
  connections_.emplace(connection.get(), std::move(connection));
  keep_sweeping();
  return true;
}

void EpollServer::stop_accepting() {
  if (!accepting_) return;
  // Clients that the kernel has connected already would be reset: take them in first.
  while (accept_one()) {
  }
  accepting_ = false;
  loop_->unwatch(listener_.get());
  ::shutdown(listener_.get(), SHUT_RDWR);
}

void EpollServer::forget(HttpConnection& connection) {
  connections_.erase(&connection);
  if (connections_.empty() && when_empty_) std::exchange(when_empty_, nullptr)();
}

/// One timer for all connections; a timeout is late by at most an eighth.
void EpollServer::keep_sweeping() {
  if (sweeping_ || connections_.empty()) return;
  sweeping_ = true;
  const Nanoseconds period =
      std::clamp<Nanoseconds>(std::min(options_.read_timeout, options_.idle_timeout) / 8,
                              std::chrono::milliseconds(2), std::chrono::milliseconds(500));
  loop_->at(std::chrono::steady_clock::now() + period, [this] {
    sweeping_ = false;
    sweep();
    keep_sweeping();
  });
}

void EpollServer::sweep() {
  const SteadyTime now = std::chrono::steady_clock::now();
  for (const auto& connection : snapshot()) connection->sweep(now);
}

std::vector<std::shared_ptr<HttpConnection>> EpollServer::snapshot() const {
  std::vector<std::shared_ptr<HttpConnection>> all;
  all.reserve(connections_.size());
  for (const auto& [key, connection] : connections_) all.push_back(connection);
  return all;
}

bool EpollServer::drain(Nanoseconds deadline, const std::stop_token& urgent) {
  // Shared with the loop, which may come to it only after the deadline.
  struct Progress {
    std::mutex mutex;
    std::condition_variable_any changed;
    bool empty = false;
    void report() {
      const std::lock_guard lock(mutex);
      empty = true;
      changed.notify_all();
    }
  };
  const auto progress = std::make_shared<Progress>();
  loop_->mailbox()->post([this, progress] {
    host_.draining = true;
    stop_accepting();
    for (const auto& connection : snapshot()) connection->drain();
    if (connections_.empty()) {
      progress->report();
    } else {
      when_empty_ = [progress] { progress->report(); };
    }
  });
  {
    std::unique_lock lock(progress->mutex);
    if (progress->changed.wait_for(lock, urgent, deadline, [&] { return progress->empty; })) return true;
  }
  std::promise<bool> cut;
  loop_->mailbox()->post([this, &cut] { cut.set_value(cut_all()); });
  return cut.get_future().get();
}

/// True: nobody was still waiting for an answer.
bool EpollServer::cut_all() {
  bool all_answered = true;
  for (const auto& connection : snapshot()) {
    if (!connection->lingering()) all_answered = false;
    connection->cut();
  }
  return all_answered;
}

void EpollServer::shut_down() {
  accepting_ = false;
  cut_all();
  loop_->stop();
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

Result<std::unique_ptr<HttpServer>> HttpServer::start(const HttpServerOptions& options, HttpHandler handler) {
  Result<Descriptor> listener = listen_on(options);
  if (!listener) return listener.error();
  Result<std::unique_ptr<EventLoop>> loop = EventLoop::create();
  if (!loop) return loop.error();
  auto server =
      std::make_unique<EpollServer>(options, std::move(handler), std::move(*listener), std::move(*loop));
  server->run();
  return std::unique_ptr<HttpServer>(std::move(server));
}

}  // namespace obsctl::core
