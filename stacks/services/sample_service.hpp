// The service that stacks demonstrate alerts with: a small HTTP API with metrics, health, and toggles that
// break it on request. `obsctl serve service` runs it; docs/reference/service.md describes it from the
// outside.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "core/clock.hpp"
#include "core/http_server.hpp"
#include "core/log.hpp"
#include "stacks/services/access_log.hpp"

namespace obsctl::stacks {

struct ServiceOptions {
  core::HttpServerOptions http{.max_body = 64u << 10};
  /// Of the toggles API; empty: it refuses every call.
  std::string token = {};
  std::vector<std::string> dependencies{"database", "cache"};
  core::Nanoseconds toggle_ttl = std::chrono::minutes(5);
  core::Nanoseconds toggle_ttl_max = std::chrono::hours(1);
  /// The longest job of /api/v1/work and the longest delay of the latency toggle.
  core::Nanoseconds work_max = std::chrono::seconds(10);
  core::Nanoseconds delay_max = std::chrono::seconds(30);
  AccessLogOptions access_log = {};
  /// Of every random choice; absent: a new one, which is logged.
  std::optional<std::uint64_t> seed = {};
  /// In app_build_info.
  std::string version = "unknown";
};

class SampleService {
 public:
  /// `clock` and `log` outlive the service; the log is written to from the server's thread too. Errors: those
  /// of HttpServer::start; invalid_input for options that contradict each other.
  static core::Result<std::unique_ptr<SampleService>> start(const ServiceOptions& options,
                                                            const core::Clock& clock, core::Logger& log);
  /// Stops at once.
  virtual ~SampleService() = default;

  virtual std::uint16_t port() const = 0;
  virtual std::string url() const = 0;
  /// Answers 503 to /readyz for `delay`, still serving, so that load balancers turn away; then takes no more
  /// requests and lets those in flight finish, for at most `deadline`. `urgent` ends both waits. True:
  /// nothing was cut off.
  virtual bool drain(core::Nanoseconds delay, core::Nanoseconds deadline,
                     const std::stop_token& urgent = {}) = 0;
};

}  // namespace obsctl::stacks
