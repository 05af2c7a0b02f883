// Takes connections in, gives them to sessions, and answers on the admin address. Everything but the admin
// server's own reading and writing, and looking up the upstream's name, happens on one event loop, so that
// nothing here needs a lock.
#include "stacks/proxy/fault_proxy.hpp"

#include <algorithm>
#include <cstring>
#include <random>
#include <thread>

#include <fmt/format.h>

#include "core/population.hpp"
#include "stacks/proxy/proxy_kinds.hpp"
#include "stacks/proxy/session.hpp"
#include "stacks/proxy/stream.hpp"
#include "stacks/services/problem.hpp"
#include "stacks/services/toggles_api.hpp"

namespace obsctl::stacks {

namespace {

using Exchange = std::shared_ptr<core::HttpExchange>;

constexpr std::size_t kReadBuffer = 64u << 10;
constexpr std::string_view kTokenVariable = "OBSCTL_PROXY_TOKEN";
constexpr std::string_view kTextFormat = "text/plain; version=0.0.4; charset=utf-8";
/// For the upstream to take the connection that /readyz tries.
constexpr auto kProbeTimeout = std::chrono::seconds(1);

std::uint64_t new_seed() {
  std::random_device device;
  return (std::uint64_t{device()} << 32) | device();
}

std::optional<core::Error> contradiction(const FaultProxyOptions& options) {
  if (options.toggle_ttl > core::Nanoseconds(0) && options.toggle_ttl <= options.toggle_ttl_max)
    return std::nullopt;
  return core::make_error(
      core::ErrorKind::invalid_input,
      fmt::format("the toggles' default TTL ({}) must be above 0 and at most the longest ({})",
                  core::format_duration(options.toggle_ttl), core::format_duration(options.toggle_ttl_max)),
      "change --toggle-ttl or --toggle-ttl-max");
}

class Proxy final : public FaultProxy {
 public:
  Proxy(const FaultProxyOptions& options, std::uint64_t seed, const sockaddr_in6& upstream,
        std::unique_ptr<core::EventLoop> loop, core::Descriptor listener, const core::Clock& clock,
        core::Logger& log)
      : options_(options),
        loop_(std::move(loop)),
        acceptor_(*loop_, std::move(listener),
                  [this](core::Descriptor socket, const sockaddr_in6&) { take_in(std::move(socket)); }),
        metrics_(kinds(), options.version),
        board_(kinds(),
               {.ttl_default = options.toggle_ttl,
                .ttl_max = options.toggle_ttl_max,
                .longest_delay = options.delay_max,
                .routes = is_tcp() ? std::vector{std::string(kConnections)} : std::vector<std::string>(),
                .seed = seed,
                .changed = [this](std::size_t kind) { toggle_changed(kind); }},
               clock),
        toggles_(board_, {.token = options.token, .token_variable = kTokenVariable}, clock, log),
        host_{.options = options_,
              .loop = *loop_,
              .metrics = metrics_,
              .board = board_,
              .upstream = upstream,
              .scratch = std::string(kReadBuffer, '\0'),
              .assembly = {},
              .upstream_failed = [this](UpstreamError error) { upstream_failed(error); },
              .closed = [this](Session& session) { forget(session); }},
        sessions_(*loop_, std::min({options.connect_timeout, options.answer_timeout, options.read_timeout,
                                    options.idle_timeout})),
        expiry_(*loop_,
                [this] {
                  toggles_.expire();
                  expire_in_time();
                }),
        probe_deadline_(*loop_, [this] { finish_probe(); }),
        log_(log) {}

  ~Proxy() override {
    admin_.reset();
    loop_->mailbox()->post([this] {
      sessions_.cut_all();
      loop_->stop();
    });
    if (thread_.joinable()) thread_.join();
  }

  core::Result<void> run() {
    core::HttpServerOptions http;
    http.address = options_.admin.address;
    http.port = options_.admin.port;
    // What an admin call is about belongs to the loop, so it is answered there.
    auto admin = core::HttpServer::start(http, [this](const Exchange& exchange) {
      loop_->mailbox()->post([this, exchange] { answer_admin(exchange); });
    });
    if (!admin) return admin.error();
    admin_ = std::move(*admin);
    loop_->busy_poll(options_.busy_poll);
    if (has_name(options_.upstream)) {
      lookup_.emplace(options_.upstream, options_.resolve, [this](const sockaddr_in6& address) {
        loop_->mailbox()->post([this, address] { use_upstream(address); });
      });
    }
    acceptor_.start();
    thread_ = core::run_on_own_thread(*loop_);
    return {};
  }

  std::uint16_t port() const override { return acceptor_.port(); }
  std::string admin_url() const override { return admin_->url(); }
  bool drain(core::Nanoseconds deadline, const std::stop_token& urgent) override;

 private:
  bool is_tcp() const { return options_.upstream.scheme == UpstreamAddress::Scheme::tcp; }
  const ToggleKinds& kinds() const { return proxy_toggle_kinds(options_.upstream.scheme); }
  void take_in(core::Descriptor socket);
  void forget(Session& session);
  void upstream_failed(UpstreamError error);
  void use_upstream(const sockaddr_in6& address);
  void toggle_changed(std::size_t kind);
  void expire_in_time();
  void answer_admin(const Exchange& exchange);
  void probe(const Exchange& exchange);
  void finish_probe();

  const FaultProxyOptions options_;
  const std::unique_ptr<core::EventLoop> loop_;
  core::Acceptor acceptor_;
  ProxyMetrics metrics_;
  ToggleBoard board_;
  TogglesApi toggles_;
  SessionHost host_;
  core::Population<Session> sessions_;
  core::Alarm expiry_;
  std::unique_ptr<Stream> probe_;  ///< the connection that /readyz tries
  core::Alarm probe_deadline_;
  std::vector<Exchange> waiting_for_probe_;
  core::Logger& log_;
  std::unique_ptr<core::HttpServer> admin_;
  std::optional<UpstreamLookup> lookup_;  ///< when there is a name to look up
  std::thread thread_;
};

void Proxy::take_in(core::Descriptor socket) {
  if (sessions_.size() >= options_.max_connections) return metrics_.connection_refused();
  auto session = is_tcp() ? make_tcp_session(host_) : make_http_session(host_);
  metrics_.client_connected();
  sessions_.add(session);
  if (!session->start(std::move(socket))) session->cut();
}

void Proxy::forget(Session& session) {
  if (sessions_.remove(session)) metrics_.client_gone();
}

void Proxy::upstream_failed(UpstreamError error) {
  metrics_.count_upstream_error(error);
  if (lookup_ && (error == UpstreamError::connect || error == UpstreamError::timeout)) lookup_->hurry();
}

/// Connections that are open stay where they are.
void Proxy::use_upstream(const sockaddr_in6& address) {
  if (std::memcmp(&address, &host_.upstream, sizeof address) == 0) return;
  host_.upstream = address;
  log_.info("upstream moved", {{"to", to_string(options_.upstream)}});
}

bool Proxy::drain(core::Nanoseconds deadline, const std::stop_token& urgent) {
  const auto take_no_more = [this] {
    host_.draining = true;
    acceptor_.stop();
  };
  return sessions_.drain(take_no_more, deadline, urgent);
}

void Proxy::toggle_changed(std::size_t kind) {
  sessions_.for_each([kind](Session& session) { session.toggle_changed(kind); });
  expire_in_time();
}

/// TTLs end on time even when nothing passes: connections may be waiting for it.
void Proxy::expire_in_time() {
  core::SteadyTime first = core::SteadyTime::max();
  for (std::size_t kind = 0; kind < kinds().size(); ++kind) {
    if (board_.on(kind)) first = std::min(first, std::chrono::steady_clock::now() + board_.left(kind));
  }
  expiry_.set(first);
}

void Proxy::answer_admin(const Exchange& exchange) {
  const std::string_view path = exchange->path();
  if (TogglesApi::serves(path)) {
    toggles_.expire();
    return exchange->respond(toggles_.answer(*exchange));
  }
  const bool known = path == "/healthz" || path == "/readyz" || path == "/metrics";
  if (!known) return exchange->respond(problem(404, fmt::format("there is nothing at {}", path)));
  if (exchange->method() != "GET" && exchange->method() != "HEAD") {
    core::HttpResponse response =
        problem(405, fmt::format("{} does not know the method {}", path, exchange->method()));
    response.headers.push_back({"Allow", "GET, HEAD"});
    return exchange->respond(std::move(response));
  }
  if (path == "/readyz") return probe(exchange);
  if (path == "/healthz") return exchange->respond(json_answer(200, "{\"status\":\"ok\"}\n"));
  exchange->respond({.body = metrics_.exposition(), .content_type = std::string(kTextFormat)});
}

/// Ready is who takes new connections and could connect to the upstream just now.
void Proxy::probe(const Exchange& exchange) {
  if (host_.draining) return exchange->respond(json_answer(503, "{\"status\":\"draining\"}\n"));
  waiting_for_probe_.push_back(exchange);
  if (probe_) return;
  probe_ = std::make_unique<Stream>(*loop_, [this] {
    if (!probe_->connecting()) finish_probe();
  });
  probe_deadline_.set(std::chrono::steady_clock::now() + kProbeTimeout);
  if (!probe_->connect(host_.upstream) || !probe_->connecting()) finish_probe();
}

void Proxy::finish_probe() {
  probe_deadline_.set(core::SteadyTime::max());
  const bool up = probe_->open();
  probe_->close();
  loop_->keep_for_now(std::move(probe_));
  for (const Exchange& exchange : std::exchange(waiting_for_probe_, {})) {
    exchange->respond(up ? json_answer(200, "{\"status\":\"ready\",\"upstream\":\"reachable\"}\n")
                         : json_answer(503, "{\"status\":\"not ready\",\"upstream\":\"unreachable\"}\n"));
  }
}

}  // namespace

core::Result<std::unique_ptr<FaultProxy>> FaultProxy::start(const FaultProxyOptions& options,
                                                            const core::Clock& clock, core::Logger& log) {
  if (const auto error = contradiction(options)) return *error;
  const auto upstream = options.resolve(options.upstream);
  if (!upstream) return upstream.error();
  auto listener = core::listen_on(options.listen);
  if (!listener) return listener.error();
  auto loop = core::EventLoop::create();
  if (!loop) return loop.error();
  const std::uint64_t seed = options.seed.value_or(new_seed());
  auto proxy =
      std::make_unique<Proxy>(options, seed, *upstream, std::move(*loop), std::move(*listener), clock, log);
  if (auto running = proxy->run(); !running) return running.error();
  if (options.token.empty())
    log.warn(fmt::format("no token: the toggles API is locked (set {})", kTokenVariable));
  log.info("proxying",
           {{"listen", core::to_string(core::ListenAddress{options.listen.address, proxy->port()})},
            {"to", to_string(options.upstream)},
            {"admin", proxy->admin_url()},
            {"seed", std::to_string(seed)}});
  return std::unique_ptr<FaultProxy>(std::move(proxy));
}

}  // namespace obsctl::stacks
