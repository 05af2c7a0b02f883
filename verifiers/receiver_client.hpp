// Reads what a receiver in another process has got, by long polling its API.
#pragma once

#include <cstdint>
#include <stop_token>
#include <string>
#include <vector>

#include "core/http_client.hpp"
#include "verifiers/notification.hpp"
#include "verifiers/receiver_misbehaviour.hpp"

namespace obsctl::verifiers {

/// One thread at a time.
class ReceiverClient {
 public:
  explicit ReceiverClient(std::string url);

  const std::string& url() const { return url_; }

  /// Notifications with a sequence above `after`, oldest first; waits up to `wait` (at most a minute) for the
  /// first one. Empty when none came. Errors: core::HttpClient::call's; protocol.
  Result<std::vector<Notification>> next(std::uint64_t after, core::Nanoseconds wait,
                                         const std::stop_token& stop = {});
  Result<void> clear(const std::stop_token& stop = {});
  /// Lets the next deliveries to a receiver go wrong, for `ttl` at most (above 0, at most an hour). `token`
  /// is the receiver's. Errors: HttpClient::call's; protocol and unavailable with what the receiver said.
  Result<void> misbehave(std::string_view receiver, const std::vector<Misbehaviour>& steps,
                         core::Nanoseconds ttl, const std::string& token, const std::stop_token& stop = {});
  /// Also when it behaves already.
  Result<void> behave(std::string_view receiver, const std::string& token, const std::stop_token& stop = {});
  /// GET /healthz.
  Result<void> ready(const std::stop_token& stop = {});

 private:
  std::string url_;
  core::HttpClient http_;
};

}  // namespace obsctl::verifiers
