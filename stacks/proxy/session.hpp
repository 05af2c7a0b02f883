// One client's connection to the proxy, and what all of them share. Everything here lives on the proxy's
// event loop.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include <netinet/in.h>

#include "core/event_loop.hpp"
#include "stacks/proxy/fault_proxy.hpp"
#include "stacks/proxy/proxy_metrics.hpp"
#include "stacks/services/toggle_board.hpp"

namespace obsctl::stacks {

class Session;

struct SessionHost {
  const FaultProxyOptions& options;
  core::EventLoop& loop;
  ProxyMetrics& metrics;
  ToggleBoard& board;
  sockaddr_in6 upstream{};  ///< for new connections
  /// Where every session reads to, as the first thing of its turn; what it cannot use at once it copies.
  std::string scratch;
  /// Where a session puts together what it writes next.
  std::string assembly;
  /// No new requests: every answer is the last one on its connection.
  bool draining = false;
  /// Counts a failure of the upstream's, and has its name looked up again where its address may be the
  /// reason.
  std::function<void(UpstreamError)> upstream_failed;
  /// Takes a session that has closed both its sides out of the proxy's list.
  std::function<void(Session&)> closed;
};

class Session : public std::enable_shared_from_this<Session> {
 public:
  virtual ~Session() = default;
  /// Takes the client's connection over. False: it cannot be served.
  virtual bool start(core::Descriptor client) = 0;
  /// Ends what has taken too long.
  virtual void sweep(core::SteadyTime now) = 0;
  /// Ends it as soon as nothing is cut off by that.
  virtual void drain() = 0;
  /// Ends it as it stands.
  virtual void cut() = 0;
  /// A kind of toggle has been set (anew) or has gone off.
  virtual void toggle_changed(std::size_t kind) = 0;
  /// The peer has had its last byte and only has to close.
  virtual bool lingering() const { return false; }
};

std::shared_ptr<Session> make_http_session(SessionHost& host);
std::shared_ptr<Session> make_tcp_session(SessionHost& host);

}  // namespace obsctl::stacks
