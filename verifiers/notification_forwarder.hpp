// Passes notifications on to real webhooks, on a thread of its own, and answers the sender with what the
// webhook said, so that Alertmanager's own retries work as if obsctl were not in between. Internal to
// verifiers/.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "core/http_server.hpp"
#include "core/log.hpp"
#include "verifiers/notification.hpp"

namespace obsctl::verifiers {

class NotificationForwarder {
 public:
  NotificationForwarder(core::Nanoseconds timeout, std::size_t max_queue, core::Logger& log);
  /// Gives up what has not been passed on; its senders are told 503.
  ~NotificationForwarder();

  struct Item {
    std::shared_ptr<core::HttpExchange> exchange;
    std::string url;  ///< never shown
    NotificationKind kind{};
    std::string receiver;
  };
  /// Whether there is room for one more.
  bool has_room() const;
  void add(Item item);

  struct Counts {
    std::uint64_t forwarded = 0, failed = 0;
  };
  Counts counts() const;

 private:
  void run(const std::stop_token& stop);
  void pass_on(core::HttpClient& http, const Item& item, const std::stop_token& stop);

  const core::Nanoseconds timeout_;
  const std::size_t max_queue_;
  core::Logger& log_;
  mutable std::mutex mutex_;
  std::condition_variable_any grown_;
  std::deque<Item> queue_;
  Counts counts_;
  std::jthread thread_;
};

}  // namespace obsctl::verifiers
