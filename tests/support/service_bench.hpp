// A sample service on a clock that the test moves, and what tests ask of it.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "core/http_client.hpp"
#include "core/text.hpp"
#include "stacks/services/sample_service.hpp"
#include "tests/support/catch.hpp"

namespace obsctl::test {

/// Moved by the test, read by the service's thread.
class SharedClock final : public core::Clock {
 public:
  core::SteadyTime steady_now() const override {
    const std::lock_guard lock(mutex_);
    return clock_.steady_now();
  }
  core::WallTime wall_now() const override {
    const std::lock_guard lock(mutex_);
    return clock_.wall_now();
  }
  bool sleep_until(core::SteadyTime, const std::stop_token&) override { return true; }
  void advance(core::Nanoseconds duration) {
    const std::lock_guard lock(mutex_);
    clock_.advance(duration);
  }

 private:
  mutable std::mutex mutex_;
  core::ManualClock clock_;
};

inline stacks::ServiceOptions quiet_service_options() {
  stacks::ServiceOptions options;
  options.http.port = 0;
  options.token = "s3cret";
  options.access_log.mode = stacks::AccessLogMode::off;
  options.seed = 42;
  options.version = "1.2.3";
  return options;
}

/// A service on a free port, and a client for it.
class ServiceBench {
 public:
  explicit ServiceBench(const stacks::ServiceOptions& options = quiet_service_options()) {
    auto started = stacks::SampleService::start(options, clock, log_);
    REQUIRE(started.has_value());
    service = std::move(*started);
  }

  core::HttpReply call(const std::string& method, const std::string& target, const std::string& body = "",
                       std::vector<core::HttpHeader> headers = {}) {
    const auto reply =
        client_.call({.method = method, .url = service->url() + target, .headers = headers, .body = body});
    REQUIRE(reply.has_value());
    return *reply;
  }
  core::HttpReply get(const std::string& target) { return call("GET", target); }
  core::HttpReply control(const std::string& method, const std::string& target,
                          const std::string& body = "") {
    return call(method, target, body, {{"Authorization", "Bearer s3cret"}});
  }
  core::HttpReply toggle(const std::string& name, const std::string& body) {
    return control("PUT", "/api/v1/toggles/" + name, body);
  }
  /// The value of a series, named as /metrics writes it.
  std::string metric(const std::string& series) {
    const std::string text = get("/metrics").body;
    for (const std::string_view line : core::split(text, '\n')) {
      if (line.size() > series.size() && line.substr(0, series.size()) == series &&
          line[series.size()] == ' ')
        return std::string(line.substr(series.size() + 1));
    }
    return "absent";
  }
  bool becomes(const std::string& series, const std::string& value) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(5);
    while (std::chrono::steady_clock::now() < deadline) {
      if (metric(series) == value) return true;
    }
    return false;
  }

  SharedClock clock;
  std::unique_ptr<stacks::SampleService> service;

 private:
  core::Logger log_{core::LogLevel::off};
  core::HttpClient client_;
};

/// The name of a series of http_requests_total.
inline std::string requests(std::string_view route, std::string_view status,
                            std::string_view method = "GET") {
  return fmt::format("http_requests_total{{method=\"{}\",route=\"{}\",status=\"{}\"}}", method, route,
                     status);
}

}  // namespace obsctl::test
