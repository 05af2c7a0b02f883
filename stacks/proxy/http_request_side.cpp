// A session's way up: reads the head of a request, lets the toggles decide, and hands it and its body on.
#include <algorithm>
#include <array>

#include "stacks/proxy/http_session.hpp"

namespace obsctl::stacks {

namespace {

/// RFC 9110, 9.2.2: sent twice, these do what they do once.
bool is_idempotent(std::string_view method) {
  constexpr std::array<std::string_view, 6> known{"GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"};
  return std::find(known.begin(), known.end(), method) != known.end();
}

/// RFC 9112, 2.2: empty lines before a request line are to be ignored.
std::size_t empty_lines(std::string_view bytes) {
  return std::min(bytes.find_first_not_of("\r\n"), bytes.size());
}

/// The connection to the upstream stays, whatever becomes of the client's.
std::string_view connection_field(const RequestHead& request) {
  if (request.wants_upgrade) return "Connection: upgrade\r\n";
  return request.http_1_0 ? "Connection: keep-alive\r\n" : "";
}

}  // namespace

bool HttpSession::read_head() {
  if (!client_.clear_to_write()) return false;
  // A request that came with the one before it has its turn first.
  if (!input_.empty() && searched_ == 0) {
    const std::size_t used = take_head(input_);
    input_.erase(0, used);
    if (used > 0) return true;
  }
  if (!client_.readable()) return false;
  const std::string_view bytes = client_.read(host_.scratch.data(), host_.scratch.size());
  if (bytes.empty()) {
    if (client_.ended() || client_.failed()) close();
    return false;
  }
  if (input_.empty()) {
    const std::size_t used = take_head(bytes);
    if (used < bytes.size()) input_.append(bytes.substr(used));
  } else {
    input_ += bytes;
    input_.erase(0, take_head(input_));
  }
  return true;
}

/// Begins the request at the front of `bytes`, if its head is complete; returns how many bytes were used.
std::size_t HttpSession::take_head(std::string_view bytes) {
  const std::size_t skipped = empty_lines(bytes);
  if (searched_ == 0 && skipped == bytes.size()) return skipped;
  const std::string_view rest = searched_ == 0 ? bytes.substr(skipped) : bytes;
  // The time for a head runs from its first byte.
  if (searched_ == 0) deadline_ = host_.loop.now() + host_.options.read_timeout;
  const std::size_t size = head_size(rest, searched_);
  if (std::min(size, rest.size()) > host_.options.max_header) {
    refuse({431, "the request's header is too large"});
    return bytes.size();
  }
  if (size == std::string_view::npos) return bytes.size() - rest.size();
  searched_ = 0;
  const auto parsed = parse_request_head(rest.substr(0, size));
  if (!parsed) {
    refuse(parsed.error());
    return bytes.size();
  }
  request_body_.start(parsed->body);
  const std::size_t body = request_body_.take(rest.substr(size));
  if (request_body_.failed()) {
    refuse({400, "a chunk of the request's body cannot be read"});
    return bytes.size();
  }
  begin(rest.substr(0, size), *parsed, rest.substr(size, body));
  return bytes.size() - rest.size() + size + body;
}

/// Forgets the request before.
void HttpSession::start_over() {
  request_ = {.begun = host_.loop.now()};
  status_ = 0;
  local_ = sent_ = false;
  if (plan_.kinds == 0) return;
  plan_ = {};
  throttle_.set({});
}

/// `body` is as much of it as has come with the head.
void HttpSession::begin(std::string_view head, const RequestHead& parsed, std::string_view body) {
  start_over();
  request_.answer_to = answer_to(parsed.method);
  request_.keep_alive = parsed.keep_alive;
  request_.http_1_0 = parsed.http_1_0;
  request_.expects_continue = parsed.expects_continue;
  request_.wants_upgrade = parsed.wants_upgrade;
  request_.idempotent = is_idempotent(parsed.method);
  outgoing_.clear();
  append_forwarded(outgoing_, head, parsed.dropped, connection_field(parsed));
  outgoing_ += body;
  if (!host_.board.quiet()) return meet_faults(path_of(parsed.target));
  forward();
}

void HttpSession::meet_faults(std::string_view path) {
  plan_ = host_.board.plan(path);
  if (plan_.kinds == 0) return forward();
  host_.metrics.count_faults(plan_.kinds);
  throttle_.set({.bytes_per_second = plan_.bytes_per_second, .at_most = plan_.truncate_after});
  if (plan_.delay <= core::Nanoseconds(0)) return end_as_planned();
  enter(Phase::delayed, core::Nanoseconds::max());
  wake_.set(std::chrono::steady_clock::now() + plan_.delay);
}

void HttpSession::end_as_planned() {
  switch (plan_.ending) {
    case Ending::answer:
      return forward();
    case Ending::status:
      return answer(plan_.status,
                    plan_.reason.empty() ? "this error was injected by the proxy's toggle " +
                                               std::string(host_.board.kinds()[plan_.decided_by].name)
                                         : plan_.reason,
                    plan_.retry_after);
    case Ending::abort:
      record(kClosedUnanswered);
      return linger();
    case Ending::reset:
      record(kClosedUnanswered);
      client_.reset();
      return close();
    case Ending::hang:
    case Ending::blackhole:
      return enter(Phase::held, core::Nanoseconds::max());
  }
}

void HttpSession::forward() {
  enter(Phase::exchange, host_.options.answer_timeout);
  check_idle_upstream();
  reused_ = upstream_ != nullptr;
  if (!reused_) return connect();
  sent_ = true;
  host_.metrics.to_upstream(outgoing_.size());
  upstream_->write(outgoing_);
}

void HttpSession::connect() {
  deadline_ = host_.loop.now() + host_.options.connect_timeout;
  reused_ = sent_ = false;
  upstream_ = std::make_shared<Stream>(host_.loop, [this] { changed(); });
  host_.metrics.upstream_connected();
  if (!upstream_->connect(host_.upstream))
    return upstream_failed(UpstreamError::connect, "the upstream cannot be reached");
  host_.metrics.to_upstream(outgoing_.size());
  upstream_->write(outgoing_);
}

/// The rest of the request's body.
bool HttpSession::pass_request() {
  if (upstream_->failed() && !upstream_->was_connected()) {
    upstream_failed(UpstreamError::connect, "the upstream cannot be reached");
    return true;
  }
  if (upstream_->connecting()) return false;
  if (!sent_) {
    sent_ = true;
    deadline_ = host_.loop.now() + host_.options.answer_timeout;
  }
  if (request_body_.done() || !client_.readable() || !upstream_->clear_to_write()) return false;
  const std::string_view bytes = client_.read(host_.scratch.data(), host_.scratch.size());
  if (bytes.empty()) return false;  // its end or failure makes changed() leave
  const std::size_t used = request_body_.take(bytes);
  if (request_body_.failed()) {
    refuse({400, "a chunk of the request's body cannot be read"});
    return true;
  }
  input_.assign(bytes.substr(used));
  outgoing_.clear();  // no second try: not all of it is at hand
  upstream_->write(bytes.substr(0, used));
  host_.metrics.to_upstream(used);
  deadline_ = host_.loop.now() + host_.options.answer_timeout;
  return true;
}

/// Answers what is not a request, and ends the connection: what follows cannot be told apart from it.
void HttpSession::refuse(const core::RequestFailure& failure) {
  if (phase_ == Phase::head) start_over();
  request_.keep_alive = false;
  drop_upstream();
  if (status_ == 0) return answer(failure.status, failure.reason);
  record(status_);
  close();
}

}  // namespace obsctl::stacks
