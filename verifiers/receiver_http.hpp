// The receiver's endpoints. Everything here runs on the HTTP server's thread, but for drain. Internal to
// verifiers/.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "core/control_gate.hpp"
#include "core/http_server.hpp"
#include "verifiers/notification_forwarder.hpp"
#include "verifiers/receiver_inbox.hpp"
#include "verifiers/receiver_misbehaviour_api.hpp"
#include "verifiers/receiver_polls.hpp"

namespace obsctl::verifiers {

class ReceiverHttp {
 public:
  using Exchange = std::shared_ptr<core::HttpExchange>;

  /// What the endpoints work on; all of it outlives them.
  struct Parts {
    const ReceiverOptions& options;
    ReceiverInbox& inbox;
    ReceiverPolls& polls;
    MisbehaviourBoard& board;
    NotificationForwarder& forwarder;
    core::Logger& log;
  };
  explicit ReceiverHttp(const Parts& parts);

  /// Where mail goes, for the page; empty: nowhere.
  void set_mail_authority(std::string authority) { mail_authority_ = std::move(authority); }

  void handle(const Exchange& exchange);
  /// Hangs up on those who wait for an answer that they were never to get.
  void drain();
  ReceiverCounts counts() const;

 private:
  void notification_path(const Exchange& exchange, NotificationKind kind, std::string_view rest);
  void receive(const Exchange& exchange, NotificationKind kind, const std::string& receiver);
  void deliver(const Exchange& exchange, Notification notification);
  void misbehave(const Exchange& exchange, Notification notification, Misbehaviour misbehaviour);
  void hang(const Exchange& exchange);
  void deliver_late(const Exchange& exchange, Notification notification, core::Nanoseconds delay);
  const ForwardRule* forward_for(NotificationKind kind, const std::string& receiver) const;
  void api(const Exchange& exchange, std::string_view path);
  void show(const Exchange& exchange, std::string_view path);
  core::HttpResponse page(const core::HttpExchange& exchange) const;
  core::HttpResponse single(std::string_view rest) const;
  core::HttpResponse metrics() const;

  Parts parts_;
  core::ControlGate gate_;
  MisbehaviourApi api_;
  std::string mail_authority_;
  std::mutex hanging_mutex_;
  std::vector<Exchange> hanging_;  ///< an exchange that nobody holds is answered by the server
};

}  // namespace obsctl::verifiers
