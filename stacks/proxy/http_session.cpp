// The frame of a session: its events, its deadlines and its ends. How a request goes up is in
// http_request_side.cpp, how its answer comes down in http_answer_side.cpp.
#include "stacks/proxy/http_session.hpp"

#include <algorithm>

namespace obsctl::stacks {

namespace {

/// Steps of one session before others get their turn.
constexpr int kSteps = 8;
/// How long a client that has had its last answer may take to close. Closing first, with bytes of the
/// client's unread, would reset the connection and could destroy the answer on its way.
constexpr auto kLinger = std::chrono::seconds(1);
constexpr std::size_t kMostDiscarded = 4u << 20;

}  // namespace

std::shared_ptr<Session> make_http_session(SessionHost& host) {
  return std::make_shared<HttpSession>(host);
}

HttpSession::HttpSession(SessionHost& host)
    : host_(host),
      client_(host.loop, [this] { changed(); }),
      throttle_(client_),
      wake_(host.loop, [this] { changed(); }) {}

bool HttpSession::start(core::Descriptor client) {
  enter(Phase::head, host_.options.idle_timeout);
  return client_.adopt(std::move(client));
}

void HttpSession::enter(Phase phase, core::Nanoseconds time) {
  phase_ = phase;
  deadline_ = time == core::Nanoseconds::max() ? core::SteadyTime::max() : host_.loop.now() + time;
}

void HttpSession::changed() {
  if (phase_ == Phase::closed) return;
  for (int i = 0; i < kSteps; ++i) {
    if (client_.peer_left() && owes_an_answer()) return leave();
    if (!step()) return;
  }
  host_.loop.soon([weak = weak_from_this()] {
    if (const auto self = std::static_pointer_cast<HttpSession>(weak.lock())) self->changed();
  });
}

/// Who closes, or half closes, before the answer is there is taken to have left (as nginx and Go do); unless
/// nobody is to notice.
bool HttpSession::owes_an_answer() const {
  const bool waited_for = phase_ == Phase::delayed || phase_ == Phase::held || phase_ == Phase::exchange ||
                          phase_ == Phase::flushing;
  return waited_for && plan_.ending != Ending::blackhole;
}

/// True: something has moved, so that there may be more to do.
bool HttpSession::step() {
  switch (phase_) {
    case Phase::head:
      check_idle_upstream();
      return read_head();
    case Phase::exchange: {
      const bool up = pass_request();
      return (phase_ == Phase::exchange && pass_response()) || up;
    }
    case Phase::flushing:
      return flush_answer();
    case Phase::discarding:
      return discard_body();
    case Phase::tunnel: {
      const bool more = tunnel_->advance();
      if (tunnel_->over()) {
        tunnel_->hand_on_failure();
        close();
      } else {
        wake_.set(tunnel_->next_release());
      }
      return more;
    }
    case Phase::lingering:
      discard_input();
      return false;
    case Phase::delayed:
      if (wake_.is_set()) return false;
      end_as_planned();
      return true;
    case Phase::held:
    case Phase::closed:
      break;
  }
  return false;
}

void HttpSession::sweep(core::SteadyTime now) {
  if (phase_ == Phase::tunnel) deadline_ = tunnel_->last_byte() + host_.options.tunnel_timeout;
  if (now < deadline_) return;
  if (phase_ == Phase::head && !input_.empty()) return refuse({408, "the request took too long to arrive"});
  if (phase_ != Phase::exchange) return close();
  if (upstream_ && upstream_->connecting())
    return upstream_failed(UpstreamError::timeout, "the upstream did not take the connection in time");
  if (status_ == 0 && request_body_.done())
    return upstream_failed(UpstreamError::timeout, "the upstream did not answer in time");
  if (status_ == 0 && upstream_ && upstream_->clear_to_write())
    return refuse({408, "the request took too long to arrive"});
  record(status_ == 0 ? 504 : status_);
  close();
}

void HttpSession::drain() {
  if (phase_ == Phase::tunnel && tunnel_->quiet()) return close();
  if (phase_ != Phase::head) return;
  // What the client has sent already is still answered.
  changed();
  if (phase_ == Phase::head && input_.empty()) close();
}

void HttpSession::cut() {
  close();
}

void HttpSession::toggle_changed(std::size_t kind) {
  if (phase_ != Phase::held || plan_.decided_by != kind) return;
  plan_.ending = Ending::answer;
  if (client_.peer_left()) return leave();
  forward();
  changed();
}

/// The client is gone before it had its answer.
void HttpSession::leave() {
  record(kClientLeft);
  close();
}

void HttpSession::record(int code) {
  host_.metrics.count_request(code, std::chrono::steady_clock::now() - request_.begun);
}

bool HttpSession::discard_body() {
  if (!client_.readable()) return false;
  const std::string_view bytes = client_.read(host_.scratch.data(), host_.scratch.size());
  if (bytes.empty()) {
    if (client_.ended() || client_.failed()) close();
    return false;
  }
  const std::size_t used = request_body_.take(bytes);
  if (request_body_.failed()) {
    linger();
    return true;
  }
  input_.assign(bytes.substr(used));
  deadline_ = host_.loop.now() + host_.options.read_timeout;
  if (request_body_.done()) enter(Phase::head, host_.options.idle_timeout);
  return true;
}

void HttpSession::linger() {
  client_.end();
  drop_upstream();
  input_.clear();
  enter(Phase::lingering, client_.end_sent() ? core::Nanoseconds(kLinger) : host_.options.idle_timeout);
}

void HttpSession::discard_input() {
  while (client_.readable()) {
    const std::string_view bytes = client_.read(host_.scratch.data(), host_.scratch.size());
    discarded_ += bytes.size();
    if (bytes.empty() && (client_.ended() || client_.failed())) return close();
    if (discarded_ > kMostDiscarded) return close();
  }
  if (client_.end_sent()) deadline_ = std::min(deadline_, host_.loop.now() + kLinger);
}

/// What an upstream says unasked is no answer to the next request, and its end is the connection's.
void HttpSession::check_idle_upstream() {
  if (!upstream_ || !upstream_->readable()) return;
  const bool spoke = !upstream_->read(host_.scratch.data(), host_.scratch.size()).empty();
  if (spoke || upstream_->ended() || upstream_->failed()) drop_upstream();
}

void HttpSession::drop_upstream() {
  if (!upstream_) return;
  upstream_->close();
  host_.loop.keep_for_now(std::move(upstream_));
  upstream_.reset();
  answer_input_.clear();
  answer_searched_ = 0;
}

void HttpSession::close() {
  if (phase_ == Phase::closed) return;
  phase_ = Phase::closed;
  wake_.set(core::SteadyTime::max());
  tunnel_.reset();
  client_.close();
  drop_upstream();
  host_.loop.keep_for_now(shared_from_this());
  host_.closed(*this);
}

}  // namespace obsctl::stacks
