// The fault proxy: stands in front of any HTTP or TCP service and breaks what passes through, on request and
// for a while, without the service knowing anything of it. `obsctl serve proxy` runs it;
// docs/reference/proxy.md describes it from the outside.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "core/clock.hpp"
#include "core/http_server.hpp"
#include "core/log.hpp"
#include "stacks/proxy/upstream_address.hpp"
#include "stacks/proxy/upstream_lookup.hpp"

namespace obsctl::stacks {

struct FaultProxyOptions {
  core::ListenAddress listen{"127.0.0.1", 0};
  UpstreamAddress upstream;
  /// Finds its address: at the start, and again now and then on a thread of its own.
  UpstreamLookup::Resolve resolve = resolve_upstream;
  /// Of the toggles API, health and metrics.
  core::ListenAddress admin{"127.0.0.1", 0};
  /// Of the toggles API; empty: it refuses every call.
  std::string token = {};
  /// See core::EventLoop::busy_poll().
  core::Nanoseconds busy_poll{};
  core::Nanoseconds toggle_ttl = std::chrono::minutes(5);
  core::Nanoseconds toggle_ttl_max = std::chrono::hours(1);
  core::Nanoseconds delay_max = std::chrono::seconds(30);
  /// For the upstream to take a connection, and for it to begin its answer to a whole request.
  core::Nanoseconds connect_timeout = std::chrono::seconds(5);
  core::Nanoseconds answer_timeout = std::chrono::seconds(60);
  /// For a request's head to arrive, from its first byte.
  core::Nanoseconds read_timeout = std::chrono::seconds(10);
  /// For a connection without a request, and for a side that neither sends nor takes what it should.
  core::Nanoseconds idle_timeout = std::chrono::seconds(60);
  /// For a TCP or upgraded connection on which nothing passes in either direction.
  core::Nanoseconds tunnel_timeout = std::chrono::hours(1);
  /// Larger heads are answered with 431; those of answers with 502.
  std::size_t max_header = 32u << 10;
  /// Further connections are accepted and closed at once.
  std::size_t max_connections = 10'000;
  /// Of every random choice; absent: a new one, which is logged.
  std::optional<std::uint64_t> seed = {};
  /// In proxy_build_info.
  std::string version = "unknown";
};

class FaultProxy {
 public:
  /// `clock` and `log` outlive the proxy; the log is written to from its thread too. Errors: those of
  /// listen_on(); invalid_input for options that contradict each other; not_found for an upstream whose name
  /// cannot be resolved. Whether the upstream is there is left to /readyz.
  static core::Result<std::unique_ptr<FaultProxy>> start(const FaultProxyOptions& options,
                                                         const core::Clock& clock, core::Logger& log);
  /// Stops at once.
  virtual ~FaultProxy() = default;

  virtual std::uint16_t port() const = 0;
  /// "http://127.0.0.1:9901".
  virtual std::string admin_url() const = 0;
  /// Takes no more connections and lets answers on their way finish, for at most `deadline` or until `urgent`
  /// is triggered. True: nothing was cut off.
  virtual bool drain(core::Nanoseconds deadline, const std::stop_token& urgent = {}) = 0;
};

}  // namespace obsctl::stacks
