// Takes connections in, sweeps for what has taken too long, and drains. One thread, one epoll; what happens
// on a connection is in http_connection.cpp.
#include "core/http_server.hpp"

#include <algorithm>
#include <future>
#include <thread>
#include <unordered_map>

#include <netinet/in.h>
#include <sys/epoll.h>

#include "core/event_loop.hpp"
#include "core/http_connection.hpp"

namespace obsctl::core {

namespace {

constexpr std::size_t kReadBuffer = 64u << 10;

class EpollServer final : public HttpServer {
 public:
  EpollServer(const HttpServerOptions& options, HttpHandler handler, Descriptor listener,
              std::unique_ptr<EventLoop> loop)
      : options_(options),
        handler_(std::move(handler)),
        loop_(std::move(loop)),
        acceptor_(*loop_, std::move(listener),
                  [this](Descriptor socket, const sockaddr_in6& peer) { take_in(std::move(socket), peer); }),
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
    acceptor_.start();
    thread_ = run_on_own_thread(*loop_);
  }

  std::uint16_t port() const override { return acceptor_.port(); }
  std::string url() const override { return "http://" + to_string({options_.address, port()}); }
  bool drain(Nanoseconds deadline, const std::stop_token& urgent) override;

 private:
  void take_in(Descriptor socket, const sockaddr_in6& peer);
  void forget(HttpConnection& connection);
  void keep_sweeping();
  void sweep();
  bool cut_all();
  void shut_down();
  std::vector<std::shared_ptr<HttpConnection>> snapshot() const;

  const HttpServerOptions options_;
  const HttpHandler handler_;
  const std::unique_ptr<EventLoop> loop_;
  Acceptor acceptor_;
  ConnectionHost host_;
  std::unordered_map<HttpConnection*, std::shared_ptr<HttpConnection>> connections_;
  bool sweeping_ = false;
  std::function<void()> when_empty_;
  std::thread thread_;
};

void EpollServer::take_in(Descriptor socket, const sockaddr_in6& peer) {
  if (connections_.size() >= options_.max_connections) return;
  const int descriptor = socket.get();
  auto connection = std::make_shared<HttpConnection>(host_, std::move(socket), peer);
  if (!loop_->watch(descriptor, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, *connection)) return;
  connections_.emplace(connection.get(), std::move(connection));
  keep_sweeping();
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
  const auto progress = std::make_shared<Completion>();
  loop_->mailbox()->post([this, progress] {
    host_.draining = true;
    acceptor_.stop();
    for (const auto& connection : snapshot()) connection->drain();
    if (connections_.empty()) {
      progress->report();
    } else {
      when_empty_ = [progress] { progress->report(); };
    }
  });
  if (progress->wait_for(deadline, urgent)) return true;
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
  cut_all();
  loop_->stop();
}

}  // namespace

Result<std::unique_ptr<HttpServer>> HttpServer::start(const HttpServerOptions& options, HttpHandler handler) {
  Result<Descriptor> listener = listen_on({options.address, options.port});
  if (!listener) return listener.error();
  Result<std::unique_ptr<EventLoop>> loop = EventLoop::create();
  if (!loop) return loop.error();
  auto server =
      std::make_unique<EpollServer>(options, std::move(handler), std::move(*listener), std::move(*loop));
  server->run();
  return std::unique_ptr<HttpServer>(std::move(server));
}

}  // namespace obsctl::core
