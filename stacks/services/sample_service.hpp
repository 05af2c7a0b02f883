// The service that stacks demonstrate alerts with: a small HTTP API with metrics, health, and toggles that
// break it on request. `obsctl serve service` runs it; docs/reference/service.md describes it from the
// outside.
#pragma once

#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>

#include "core/clock.hpp"
#include "core/log.hpp"
#include "stacks/services/service_options.hpp"

namespace obsctl::stacks {

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
