// The receiver that stands in for a pager: takes Alertmanager's notifications over HTTP, keeps them raw,
// hands them to whoever waits, and passes them on to a real webhook where it is told to. Used inside a run
// and by `obsctl serve receiver`. Its API is described in docs/reference/receiver.md.
#pragma once

#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "core/clock.hpp"
#include "core/http_server.hpp"
#include "core/log.hpp"
#include "verifiers/notification.hpp"

namespace obsctl::verifiers {

/// Where notifications of a kind (and, if `receiver` is not empty, of one receiver) are passed on to.
struct ForwardRule {
  NotificationKind kind = NotificationKind::slack;
  std::string receiver = {};
  /// A secret: never logged, never in a metric, a page or an error.
  std::string url;
};

struct ReceiverOptions {
  std::string address = "127.0.0.1";
  std::uint16_t port = 0;  ///< 0: a free one
  std::size_t max_body = 8u << 20;
  /// What is kept; the oldest go first.
  std::size_t max_notifications = 100'000;
  std::size_t max_bytes = 256u << 20;
  std::vector<ForwardRule> forwards = {};
  /// Of one call to a real webhook.
  core::Nanoseconds forward_timeout = std::chrono::seconds(5);
  /// Notifications waiting to be passed on; when full the sender is told 503 and tries again.
  std::size_t forward_queue = 1000;
};

/// What happened so far. Counts never fall, except `kept` and `kept_bytes`.
struct ReceiverCounts {
  std::uint64_t accepted = 0;
  std::uint64_t rejected = 0;  ///< malformed
  std::uint64_t dropped = 0;   ///< accepted, then pushed out by newer ones before anybody cleared them
  std::uint64_t forwarded = 0;
  std::uint64_t forward_failed = 0;
  std::uint64_t kept = 0;
  std::uint64_t kept_bytes = 0;
};

/// Serves from construction to destruction. All members are safe to call from any thread.
class Receiver {
 public:
  /// `clock` and `log` belong to the caller and outlive the receiver. Errors: core::HttpServer::start's.
  static Result<std::unique_ptr<Receiver>> start(const ReceiverOptions& options, core::Clock& clock,
                                                 core::Logger& log);
  ~Receiver();
  Receiver(const Receiver&) = delete;
  Receiver& operator=(const Receiver&) = delete;

  std::uint16_t port() const;
  std::string url() const;
  /// What to write into Alertmanager's configuration: url() + "/slack/NAME".
  std::string url_for(NotificationKind kind, std::string_view name) const;

  /// Everything kept with a sequence above `after`, oldest first. At once.
  std::vector<Notification> after(std::uint64_t after) const;
  /// The same, but waits for at least one until `deadline` has passed or `stop` is triggered; then empty.
  std::vector<Notification> wait_after(std::uint64_t after, core::SteadyTime deadline,
                                       const std::stop_token& stop = {}) const;
  void clear();
  ReceiverCounts counts() const;

  /// Stops taking notifications, lets answers in flight finish until `deadline` has passed. True: none was
  /// cut off.
  bool drain(core::Nanoseconds deadline);

 private:
  struct State;
  explicit Receiver(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace obsctl::verifiers
