// A fault proxy on free loopback ports, and its toggles as a client of the API sets them.
#pragma once

#include <memory>
#include <string>

#include <fmt/format.h>

#include "core/clock.hpp"
#include "core/http_client.hpp"
#include "core/log.hpp"
#include "stacks/proxy/fault_proxy.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/raw_client.hpp"

namespace obsctl::tests {

class Proxied {
 public:
  /// `upstream` as --to takes it; `options` for what is not usual.
  explicit Proxied(const std::string& upstream, stacks::FaultProxyOptions options = {})
      : log_(core::LogLevel::off) {
    options.upstream = stacks::parse_upstream(upstream).value();
    options.token = "t0ken";
    options.seed = 7;
    proxy_ = stacks::FaultProxy::start(options, clock_, log_).value();
    admin_port_ = core::parse_url(proxy_->admin_url()).value().port;
  }

  std::uint16_t port() const { return proxy_->port(); }
  stacks::FaultProxy& proxy() { return *proxy_; }

  void set(const std::string& toggle, const std::string& json) {
    const std::string answer = call("PUT", "/api/v1/toggles/" + toggle, json);
    INFO(answer);
    REQUIRE(answer.rfind("HTTP/1.1 200 ", 0) == 0);
  }
  void clear(const std::string& toggle) { call("DELETE", "/api/v1/toggles/" + toggle); }
  void clear_all() { call("DELETE", "/api/v1/toggles"); }

  /// The whole answer to a call of the admin API.
  std::string call(const std::string& method, const std::string& path, const std::string& body = "",
                   const std::string& token = "t0ken") {
    test::RawClient client(admin_port_);
    client.send(
        fmt::format("{} {} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {}\r\nContent-Length: "
                    "{}\r\nConnection: close\r\n\r\n{}",
                    method, path, token, body.size(), body));
    return client.until_closed();
  }

  /// The value of a series, as /metrics writes it: `proxy_requests_total{code="200"}`.
  double metric(const std::string& series) {
    const std::string text = call("GET", "/metrics");
    const std::size_t at = text.find("\n" + series + " ");
    INFO(text);
    REQUIRE(at != std::string::npos);
    return std::stod(text.substr(at + series.size() + 2));
  }

 private:
  core::SystemClock clock_;
  core::Logger log_;
  std::unique_ptr<stacks::FaultProxy> proxy_;
  std::uint16_t admin_port_ = 0;
};

}  // namespace obsctl::tests
