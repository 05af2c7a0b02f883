// HTTP off the hot path: queries to Prometheus and Alertmanager, toggles, probes. libcurl underneath.
// (Load is sent by loadgen/, which has its own connections.)
#pragma once

#include <memory>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "core/duration.hpp"
#include "core/error.hpp"

namespace obsctl::core {

struct HttpHeader {
  std::string name;
  std::string value;
};

struct HttpCall {
  std::string method = "GET";
  std::string url;
  std::vector<HttpHeader> headers = {};
  std::string body = {};
  /// From the call to the last byte of the answer. Always finite and positive.
  Nanoseconds timeout = std::chrono::seconds(5);
  /// A longer answer is an error (protocol).
  std::size_t max_body = 64u << 20;
};

struct HttpReply {
  int status = 0;
  std::vector<HttpHeader> headers;
  std::string body;
  Nanoseconds elapsed{};

  bool ok() const { return status >= 200 && status < 300; }
  /// The first value of a header, name compared without case; empty when it is absent.
  std::string_view header(std::string_view name) const;
};

/// Keeps connections open between calls. One call at a time: a thread has its own client. Redirects are not
/// followed. Proxies from the environment are not used for loopback addresses.
class HttpClient {
 public:
  HttpClient();
  ~HttpClient();
  HttpClient(HttpClient&&) noexcept;
  HttpClient& operator=(HttpClient&&) noexcept;

  /// Any answer, whatever its status, is a reply. Errors: timeout, cancelled (within 50 ms of `stop`),
  /// unavailable (resolve, connect, reset), protocol, usage (a URL that cannot be read). The error's text
  /// names method, URL (without credentials) and cause.
  Result<HttpReply> call(const HttpCall& call, const std::stop_token& stop = {});

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// The parts of an absolute http:// or https:// URL. `port` is always set; `target` is path and query, at
/// least "/".
struct Url {
  std::string scheme;
  std::string host;  ///< without brackets, also for IPv6
  std::uint16_t port = 0;
  std::string target;

  /// "host:port", IPv6 in brackets.
  std::string authority() const;
};

/// Errors: invalid_input, naming what is missing. "localhost:8080/x" without a scheme is read as http.
Result<Url> parse_url(std::string_view text);

/// A URL as it may be shown: without the user and password in front of its host.
std::string without_credentials(std::string_view url);

/// `text` with everything but unreserved characters as %XX, for a query value.
std::string percent_encoded(std::string_view text);

}  // namespace obsctl::core
