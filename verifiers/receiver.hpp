// The receiver that stands in for a pager: takes Alertmanager's notifications over HTTP and SMTP, keeps them
// raw, hands them to whoever waits, passes them on to a real webhook where it is told to, and misbehaves on
// request. Used inside a run and by `obsctl serve receiver`. Its API is described in
// docs/reference/receiver.md.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "core/clock.hpp"
#include "core/http_server.hpp"
#include "core/log.hpp"
#include "verifiers/notification.hpp"
#include "verifiers/receiver_misbehaviour.hpp"
#include "verifiers/smtp_session.hpp"

namespace obsctl::verifiers {

/// Where notifications of a kind (and, if `receiver` is not empty, of one receiver) are passed on to.
struct ForwardRule {
  NotificationKind kind = NotificationKind::slack;
  std::string receiver = {};
  /// A secret: never logged, never in a metric, a page or an error.
  std::string url;
};

/// Mail is taken where this is given.
struct ReceiverSmtpOptions {
  std::string address = "127.0.0.1";
  std::uint16_t port = 0;  ///< 0: a free one
  SmtpAuth auth = SmtpAuth::off;
  /// PEM files, both or none; STARTTLS is offered when there are.
  std::string certificate = {};
  std::string key = {};
  /// Without a byte from the client its connection ends.
  core::Nanoseconds timeout = std::chrono::seconds(60);
};

struct ReceiverOptions {
  std::string address = "127.0.0.1";
  std::uint16_t port = 0;  ///< 0: a free one
  /// A larger body is answered with 413, a larger mail with 552.
  std::size_t max_body = 8u << 20;
  /// What is kept; the oldest go first.
  std::size_t max_notifications = 100'000;
  std::size_t max_bytes = 256u << 20;
  std::vector<ForwardRule> forwards = {};
  /// Of one call to a real webhook.
  core::Nanoseconds forward_timeout = std::chrono::seconds(5);
  /// Notifications waiting to be passed on; when full the sender is told 503 and tries again.
  std::size_t forward_queue = 1000;
  std::optional<ReceiverSmtpOptions> smtp = {};
  /// By receiver; without a time limit.
  std::map<std::string, std::vector<Misbehaviour>> misbehaviours = {};
  /// Bearer token of the misbehaviour API; empty: locked. A secret.
  std::string token = {};
  /// The same again within this time is a duplicate, later a repeat. The default is how long the third of
  /// three clustered Alertmanagers waits for the others (twice 15 s).
  core::Nanoseconds duplicate_within = std::chrono::seconds(30);
};

/// What happened so far. Counts never fall, except `kept` and `kept_bytes`.
struct ReceiverCounts {
  std::uint64_t accepted = 0;
  std::uint64_t refused = 0;   ///< recorded, but refused on request
  std::uint64_t rejected = 0;  ///< malformed
  std::uint64_t dropped = 0;   ///< recorded, then pushed out by newer ones before anybody cleared them
  std::uint64_t forwarded = 0;
  std::uint64_t forward_failed = 0;
  std::uint64_t kept = 0;
  std::uint64_t kept_bytes = 0;
};

/// Serves from construction to destruction. All members are safe to call from any thread.
class Receiver {
 public:
  /// `clock` and `log` belong to the caller and outlive the receiver. Errors: core::HttpServer::start's; the
  /// same for mail, and invalid_input for the certificate or key.
  static Result<std::unique_ptr<Receiver>> start(const ReceiverOptions& options, core::Clock& clock,
                                                 core::Logger& log);
  ~Receiver();
  Receiver(const Receiver&) = delete;
  Receiver& operator=(const Receiver&) = delete;

  std::uint16_t port() const;
  std::string url() const;
  /// Where mail goes, "127.0.0.1:2525"; empty without ReceiverOptions::smtp.
  std::string smarthost() const;
  /// What to write into Alertmanager's configuration: url() + "/slack/NAME". For email, whose configuration
  /// has no URL, "smtp://127.0.0.1:2525/NAME": the smarthost, and what to put in front of the @ of `to`.
  std::string url_for(NotificationKind kind, std::string_view name) const;

  /// Everything kept with a sequence above `after`, oldest first, refused ones included. At once.
  std::vector<Notification> after(std::uint64_t after) const;
  /// The same, but waits for at least one until `deadline` has passed or `stop` is triggered; then empty.
  std::vector<Notification> wait_after(std::uint64_t after, core::SteadyTime deadline,
                                       const std::stop_token& stop = {}) const;
  void clear();

  /// Lets the next deliveries to a receiver go wrong, instead of what was set before; until behave() or until
  /// they are used up. False: too many receivers misbehave.
  bool misbehave(const std::string& receiver, std::vector<Misbehaviour> steps);
  /// False: it behaved already.
  bool behave(const std::string& receiver);

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
