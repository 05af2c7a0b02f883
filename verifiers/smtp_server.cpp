// Listens, accepts and drains. Everything but start, drain and the destructor runs on one thread, so nothing
// is locked but what drain waits for.
#include "verifiers/smtp_server.hpp"

#include <condition_variable>
#include <mutex>
#include <set>
#include <thread>

#include <boost/asio/post.hpp>
#include <fmt/format.h>
#include <signal.h>

#include "verifiers/smtp_connection.hpp"

namespace obsctl::verifiers {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

class AsioSmtpServer final : public SmtpServer {
 public:
  AsioSmtpServer(const SmtpServerOptions& options, SmtpHandler handler) : acceptor_(io_) {
    host_.options = options;
    host_.handler = std::move(handler);
  }
  ~AsioSmtpServer() override;

  core::Result<void> prepare();
  void run();

  std::uint16_t port() const override { return port_; }
  std::string authority() const override {
    const std::string& address = host_.options.address;
    const bool v6 = address.find(':') != std::string::npos;
    return v6 ? fmt::format("[{}]:{}", address, port_) : fmt::format("{}:{}", address, port_);
  }
  bool drain(core::Nanoseconds deadline) override;

 private:
  core::Result<void> load_certificate();
  core::Result<void> listen();
  void accept();

  asio::io_context io_{1};
  tcp::acceptor acceptor_;
  SmtpHost host_;
  std::uint16_t port_ = 0;
  std::thread thread_;
};

AsioSmtpServer::~AsioSmtpServer() {
  asio::post(io_, [this] {
    error_code ignored;
    acceptor_.close(ignored);
    host_.ended = nullptr;
    for (const auto& connection : std::set(host_.connections)) connection->cut();
    io_.stop();
  });
  if (thread_.joinable()) thread_.join();
}

core::Result<void> AsioSmtpServer::load_certificate() {
  const SmtpServerOptions& options = host_.options;
  if (options.certificate.empty() && options.key.empty()) return {};
  const auto refuse = [](std::string_view what, const std::string& file, const error_code& error) {
    return core::make_error(core::ErrorKind::invalid_input,
                            fmt::format("cannot use the {} {}: {}", what, file, error.message()),
                            "STARTTLS needs a certificate chain and its private key, both as PEM");
  };
  if (options.certificate.empty() || options.key.empty()) {
    return core::make_error(core::ErrorKind::invalid_input, "STARTTLS needs both a certificate and a key");
  }
  host_.tls.emplace(asio::ssl::context::tls_server);
  error_code error;
  host_.tls->set_options(
      asio::ssl::context::default_workarounds | asio::ssl::context::no_tlsv1 | asio::ssl::context::no_tlsv1_1,
      error);
  host_.tls->use_certificate_chain_file(options.certificate, error);
  if (error) return refuse("certificate", options.certificate, error);
  host_.tls->use_private_key_file(options.key, asio::ssl::context::pem, error);
  if (error) return refuse("key", options.key, error);
  return {};
}

core::Result<void> AsioSmtpServer::listen() {
  const SmtpServerOptions& options = host_.options;
  error_code error;
  const auto address =
      asio::ip::make_address(options.address == "localhost" ? "127.0.0.1" : options.address, error);
  if (error) {
    return core::make_error(core::ErrorKind::invalid_input,
                            fmt::format("\"{}\" is not an address to listen on", options.address),
                            "use a numeric address such as 127.0.0.1, 0.0.0.0 or ::1, or localhost");
  }
  const tcp::endpoint endpoint(address, options.port);
  acceptor_.open(endpoint.protocol(), error);
  if (!error) acceptor_.set_option(asio::socket_base::reuse_address(true), error);
  if (!error) acceptor_.bind(endpoint, error);
  if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
  if (error) {
    return core::make_error(
        core::ErrorKind::unavailable,
        fmt::format("cannot listen on {}:{} for mail: {}", options.address, options.port, error.message()),
        "choose another port (0 takes a free one)");
  }
  port_ = acceptor_.local_endpoint(error).port();
  return {};
}

core::Result<void> AsioSmtpServer::prepare() {
  if (auto loaded = load_certificate(); !loaded) return loaded.error();
  return listen();
}

void AsioSmtpServer::run() {
  accept();
  // Signals are for the main thread.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([this] { io_.run(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void AsioSmtpServer::accept() {
  acceptor_.async_accept([this](error_code error, tcp::socket socket) {
    if (!acceptor_.is_open()) return;
    if (error) {
      // Out of descriptors, most likely: some will come free.
      const auto pause = std::make_shared<asio::steady_timer>(io_, std::chrono::milliseconds(100));
      pause->async_wait([this, pause](error_code) {
        if (acceptor_.is_open()) accept();
      });
      return;
    }
    const auto connection = std::make_shared<SmtpConnection>(host_, std::move(socket));
    const bool room = host_.connections.size() < host_.options.max_connections;
    host_.connections.insert(connection);
    if (room && !host_.draining) {
      connection->begin();
    } else {
      connection->refuse();
    }
    accept();
  });
}

bool AsioSmtpServer::drain(core::Nanoseconds deadline) {
  // Shared with the thread, which may come to it only after the deadline.
  struct Progress {
    std::mutex mutex;
    std::condition_variable changed;
    bool empty = false, cut = false, cut_off = false;
  };
  const auto progress = std::make_shared<Progress>();
  const auto report = [this, progress] {
    if (!host_.connections.empty()) return;
    const std::lock_guard lock(progress->mutex);
    progress->empty = true;
    progress->changed.notify_all();
  };
  asio::post(io_, [this, report] {
    host_.draining = true;
    error_code ignored;
    acceptor_.close(ignored);
    host_.ended = report;
    for (const auto& connection : std::set(host_.connections)) connection->drain();
    report();
  });
  std::unique_lock lock(progress->mutex);
  if (progress->changed.wait_for(lock, deadline, [&] { return progress->empty; })) return true;
  asio::post(io_, [this, progress] {
    bool cut_off = false;
    for (const auto& connection : std::set(host_.connections)) cut_off = connection->cut() || cut_off;
    const std::lock_guard inner(progress->mutex);
    progress->cut = true;
    progress->cut_off = cut_off;
    progress->changed.notify_all();
  });
  progress->changed.wait_for(lock, std::chrono::seconds(5), [&] { return progress->cut; });
  return progress->cut && !progress->cut_off;
}

}  // namespace

core::Result<std::unique_ptr<SmtpServer>> SmtpServer::start(const SmtpServerOptions& options,
                                                            SmtpHandler handler) {
  try {
    auto server = std::make_unique<AsioSmtpServer>(options, std::move(handler));
    if (auto prepared = server->prepare(); !prepared) return prepared.error();
    server->run();
    return std::unique_ptr<SmtpServer>(std::move(server));
  } catch (const boost::system::system_error& error) {
    return core::make_error(core::ErrorKind::unavailable,
                            fmt::format("cannot start the mail server: {}", error.code().message()));
  }
}

}  // namespace obsctl::verifiers
