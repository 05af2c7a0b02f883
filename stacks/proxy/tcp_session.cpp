// A TCP connection through the proxy: a tunnel from the start. Each kind of toggle decides for itself whether
// it affects the connection: for those that are open when it is set at that moment, for later ones when they
// come. So a connection keeps its lot while other toggles come and go.
#include <algorithm>
#include <vector>

#include "stacks/proxy/proxy_kinds.hpp"
#include "stacks/proxy/session.hpp"
#include "stacks/proxy/stream.hpp"
#include "stacks/proxy/tunnel.hpp"

namespace obsctl::stacks {

namespace {

class TcpSession final : public Session {
 public:
  explicit TcpSession(SessionHost& host)
      : host_(host),
        client_(host.loop, [this] { changed(); }),
        upstream_(host.loop, [this] { changed(); }),
        tunnel_(host, client_, upstream_),
        lots_(host.board.kinds().size()),
        wake_(host.loop, [this] { changed(); }) {}

  bool start(core::Descriptor client) override;
  void sweep(core::SteadyTime now) override;
  void drain() override {
    if (!closed_ && tunnel_.quiet()) close();
  }
  void cut() override { close(); }
  void toggle_changed(std::size_t kind) override;

 private:
  void draw_lot(std::size_t kind);
  void apply();
  void changed();
  void close();

  SessionHost& host_;
  Stream client_;
  Stream upstream_;
  Tunnel tunnel_;
  std::vector<FaultPlan> lots_;  ///< one a kind
  Ending ending_ = Ending::answer;
  core::Alarm wake_;
  core::SteadyTime connect_by_ = core::SteadyTime::max();
  bool begun_ = false;  ///< to connect to the upstream
  bool closed_ = false;
};

bool TcpSession::start(core::Descriptor client) {
  if (!client_.adopt(std::move(client))) return false;
  for (std::size_t kind = 0; kind < lots_.size() && !host_.board.quiet(); ++kind) draw_lot(kind);
  apply();
  return true;
}

void TcpSession::toggle_changed(std::size_t kind) {
  if (closed_) return;
  draw_lot(kind);
  apply();
}

void TcpSession::draw_lot(std::size_t kind) {
  lots_[kind] = host_.board.on(kind) ? host_.board.plan(kConnections, std::uint32_t{1} << kind) : FaultPlan();
  host_.metrics.count_faults(lots_[kind].kinds);
}

/// What the lots come to together.
void TcpSession::apply() {
  FaultPlan plan;
  for (const FaultPlan& lot : lots_) {
    plan.delay += lot.delay;
    plan.end_with(lot.ending);
    if (lot.bytes_per_second > 0) plan.limit_rate(lot.bytes_per_second);
    if (lot.truncate_after) plan.limit_body(*lot.truncate_after);
  }
  ending_ = plan.ending;
  tunnel_.set(
      {.delay = plan.delay, .bytes_per_second = plan.bytes_per_second, .at_most = plan.truncate_after});
  if (ending_ == Ending::abort) return close();
  if (ending_ == Ending::reset) {
    client_.reset();
    return close();
  }
  changed();
}

void TcpSession::changed() {
  if (closed_) return;
  if (ending_ == Ending::hang && client_.peer_left()) return close();
  if (ending_ == Ending::hang || ending_ == Ending::blackhole) return wake_.set(core::SteadyTime::max());
  if (!begun_) {
    begun_ = true;
    connect_by_ = host_.loop.now() + host_.options.connect_timeout;
    host_.metrics.upstream_connected();
    if (!upstream_.connect(host_.upstream)) {
      host_.upstream_failed(UpstreamError::connect);
      return close();
    }
  }
  if (upstream_.failed() && !upstream_.was_connected()) {
    host_.upstream_failed(UpstreamError::connect);
    return close();
  }
  const bool more = tunnel_.advance();
  if (tunnel_.over()) {
    tunnel_.hand_on_failure();
    return close();
  }
  wake_.set(tunnel_.next_release());
  if (!more) return;
  host_.loop.soon([weak = weak_from_this()] {
    if (const auto self = std::static_pointer_cast<TcpSession>(weak.lock())) self->changed();
  });
}

void TcpSession::sweep(core::SteadyTime now) {
  if (upstream_.connecting() && now >= connect_by_) {
    host_.upstream_failed(UpstreamError::timeout);
    close();
  } else if (ending_ == Ending::answer && now >= tunnel_.last_byte() + host_.options.tunnel_timeout) {
    close();
  }
}

void TcpSession::close() {
  if (closed_) return;
  closed_ = true;
  wake_.set(core::SteadyTime::max());
  client_.close();
  upstream_.close();
  host_.loop.keep_for_now(shared_from_this());
  host_.closed(*this);
}

}  // namespace

std::shared_ptr<Session> make_tcp_session(SessionHost& host) {
  return std::make_shared<TcpSession>(host);
}

}  // namespace obsctl::stacks
