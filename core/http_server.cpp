// Takes connections in, sweeps for what has taken too long, and drains. One thread, one epoll; what happens
// on a connection is in http_connection.cpp.
#include "core/http_server.hpp"

#include <algorithm>
#include <thread>

#include <netinet/in.h>
#include <sys/epoll.h>

#include "core/event_loop.hpp"
#include "core/http_connection.hpp"
#include "core/population.hpp"

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
              .closed = [this](HttpConnection& connection) { connections_.remove(connection); }},
        connections_(*loop_, std::min(options_.read_timeout, options_.idle_timeout)) {}

  ~EpollServer() override {
    loop_->mailbox()->post([this] {
      connections_.cut_all();
      loop_->stop();
    });
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

  const HttpServerOptions options_;
  const HttpHandler handler_;
  const std::unique_ptr<EventLoop> loop_;
  Acceptor acceptor_;
  ConnectionHost host_;
  Population<HttpConnection> connections_;
  std::thread thread_;
};

void EpollServer::take_in(Descriptor socket, const sockaddr_in6& peer) {
  if (connections_.size() >= options_.max_connections) return;
  const int descriptor = socket.get();
  auto connection = std::make_shared<HttpConnection>(host_, std::move(socket), peer);
  if (!loop_->watch(descriptor, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, *connection)) return;
  connections_.add(std::move(connection));
}

bool EpollServer::drain(Nanoseconds deadline, const std::stop_token& urgent) {
  const auto take_no_more = [this] {
    host_.draining = true;
    acceptor_.stop();
  };
  return connections_.drain(take_no_more, deadline, urgent);
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
