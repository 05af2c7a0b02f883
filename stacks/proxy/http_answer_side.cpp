// A session's way down: reads the head of the upstream's answer, hands it and its body on, and answers itself
// where the upstream did not or was not asked.
#include <algorithm>
#include <ctime>

#include <fmt/format.h>

#include "core/http_response_text.hpp"
#include "stacks/proxy/http_session.hpp"

namespace obsctl::stacks {

namespace {

constexpr std::string_view kClose = "Connection: close\r\n";

}  // namespace

bool HttpSession::pass_response() {
  release_held();
  if (throttle_.cut_off() && status_ != 0) {
    complete();
    return true;
  }
  if (!upstream_ || !upstream_->readable() || !throttle_.clear_to_write()) return false;
  std::string_view bytes = upstream_->read(host_.scratch.data(), host_.scratch.size());
  if (bytes.empty()) {
    if (!upstream_->ended() && !upstream_->failed()) return false;
    response_ended_early();
    return true;
  }
  deadline_ = host_.loop.now() + host_.options.idle_timeout;
  host_.assembly.clear();
  if (status_ == 0 && !take_response_head(bytes)) return true;
  pass_response_body(bytes);
  return true;
}

/// Puts the head into the assembly, interim ones too. True: it is complete, and `bytes` are what follows it.
bool HttpSession::take_response_head(std::string_view& bytes) {
  if (!answer_input_.empty()) bytes = answer_input_.append(bytes);
  for (;;) {
    const std::size_t size = head_size(bytes, answer_searched_);
    if (std::min(size, bytes.size()) > host_.options.max_header) {
      upstream_failed(UpstreamError::protocol, "the header of the upstream's answer is too large");
      return false;
    }
    if (size == std::string_view::npos) {
      client_.write(host_.assembly);
      answer_input_ = std::string(bytes);
      return false;
    }
    answer_searched_ = 0;
    const std::string_view head = bytes.substr(0, size);
    const auto parsed = parse_response_head(head, request_.answer_to);
    if (!parsed) {
      upstream_failed(UpstreamError::protocol, parsed.error().reason);
      return false;
    }
    if (parsed->status == 101 && !request_.wants_upgrade) {
      upstream_failed(UpstreamError::protocol, "the upstream switched protocols without being asked to");
      return false;
    }
    bytes.remove_prefix(size);
    if (parsed->interim()) {
      append_forwarded(host_.assembly, head, parsed->dropped, {});
      continue;
    }
    begin_answer(head, *parsed);
    return true;
  }
}

void HttpSession::begin_answer(std::string_view head, const ResponseHead& parsed) {
  status_ = parsed.status;
  response_body_.start(parsed.body);
  const bool until_close = parsed.body.kind == BodyFraming::Kind::until_close;
  upstream_stays_ = parsed.keep_alive && !until_close;
  // The rest of a request that was answered before it had been read would be taken for the next one.
  if (until_close || (!request_body_.done() && !parsed.tunnel)) request_.keep_alive = false;
  if (parsed.tunnel) {
    const std::string_view upgrade = parsed.status == 101 ? "Connection: upgrade\r\n" : "";
    return append_forwarded(host_.assembly, head, parsed.dropped, upgrade);
  }
  std::string added(last_answer() ? kClose : std::string_view());
  if (!last_answer() && request_.http_1_0) added = "Connection: keep-alive\r\n";
  if (plan_.kinds != 0) added += fmt::format("X-Fault: {}\r\n", names_of(host_.board.kinds(), plan_.kinds));
  append_forwarded(host_.assembly, head, parsed.dropped, added);
}

/// What the assembly holds, and the body's part of `bytes`.
void HttpSession::pass_response_body(std::string_view bytes) {
  if (status_ == 101 || (request_.answer_to == AnswerTo::connect && status_ / 100 == 2)) {
    client_.write(host_.assembly.append(bytes));
    answer_input_.clear();
    return start_tunnel();
  }
  const std::size_t used = response_body_.take(bytes);
  if (response_body_.failed()) {
    host_.upstream_failed(UpstreamError::protocol);
    record(status_);
    return close();
  }
  host_.metrics.to_client(host_.assembly.size() + used);
  if (plan_.kinds == 0) {
    // One call for head and body where they came together.
    if (host_.assembly.empty()) {
      client_.write(bytes.substr(0, used));
    } else {
      client_.write(host_.assembly.append(bytes.substr(0, used)));
    }
  } else {
    client_.write(host_.assembly);
    throttle_.write(bytes.substr(0, used), host_.loop.now());
  }
  if (!answer_input_.empty()) answer_input_.clear();
  if (!response_body_.done()) return;
  // More than it announced: whatever that is, it is no answer to a request that has not been sent.
  if (used < bytes.size()) upstream_stays_ = false;
  enter(Phase::flushing, host_.options.idle_timeout);
  flush_answer();
}

/// The upstream has closed.
void HttpSession::response_ended_early() {
  if (status_ != 0 && response_body_.ends_at_close()) {
    upstream_stays_ = false;
    enter(Phase::flushing, host_.options.idle_timeout);
    flush_answer();
  } else if (status_ != 0) {
    // The client sees what it would see without the proxy: an answer that breaks off.
    host_.upstream_failed(UpstreamError::closed);
    record(status_);
    linger();
  } else if (reused_ && request_.idempotent && answer_input_.empty() && !outgoing_.empty() &&
             request_body_.done()) {
    // Closed while the request was on its way to a connection that had been idle: it has not been read.
    drop_upstream();
    connect();
  } else {
    upstream_failed(UpstreamError::closed, "the upstream closed the connection without an answer");
  }
}

void HttpSession::upstream_failed(UpstreamError error, std::string_view detail) {
  host_.upstream_failed(error);
  drop_upstream();
  if (!request_body_.done()) request_.keep_alive = false;
  answer(error == UpstreamError::timeout ? 504 : 502, detail);
}

/// The proxy's own answer.
void HttpSession::answer(int status, std::string_view detail, core::Nanoseconds retry_after) {
  core::HttpResponse response = core::problem_response(status, detail);
  if (retry_after > core::Nanoseconds(0)) {
    response.headers.push_back(core::retry_after(retry_after));
  }
  if (plan_.kinds != 0) response.headers.push_back({"X-Fault", names_of(host_.board.kinds(), plan_.kinds)});
  // Who waits for "100 Continue" may send the body now or never.
  if (request_.expects_continue && !request_body_.done()) request_.keep_alive = false;
  host_.assembly.clear();
  core::append_response(host_.assembly, response, core::http_date(std::time(nullptr)),
                        {.keep_alive = !last_answer(),
                         .head_only = request_.answer_to == AnswerTo::head,
                         .http_1_0 = request_.http_1_0});
  const std::size_t head = host_.assembly.find("\r\n\r\n") + 4;
  client_.write(std::string_view(host_.assembly).substr(0, head));
  throttle_.write(std::string_view(host_.assembly).substr(head), host_.loop.now());
  host_.metrics.to_client(host_.assembly.size());
  status_ = status;
  local_ = true;
  response_body_.start({});
  enter(Phase::flushing, host_.options.idle_timeout);
  flush_answer();
}

void HttpSession::release_held() {
  if (throttle_.empty()) return;
  wake_.set(throttle_.release(host_.loop.now()));
  if (client_.clear_to_write()) deadline_ = host_.loop.now() + host_.options.idle_timeout;
}

bool HttpSession::flush_answer() {
  release_held();
  if (!throttle_.empty()) return false;
  complete();
  return true;
}

/// The client's connection has everything it is to have.
void HttpSession::complete() {
  record(status_);
  if (throttle_.cut_off()) return linger();
  if (!local_ && (!upstream_stays_ || !request_body_.done())) drop_upstream();
  if (last_answer()) return linger();
  if (request_body_.done()) return enter(Phase::head, host_.options.idle_timeout);
  enter(Phase::discarding, host_.options.read_timeout);
}

void HttpSession::start_tunnel() {
  record(status_);
  enter(Phase::tunnel, host_.options.tunnel_timeout);
  tunnel_.emplace(host_, client_, *upstream_);
  upstream_->write(input_);
  host_.metrics.to_upstream(input_.size());
  input_.clear();
}

}  // namespace obsctl::stacks
