// The heads of HTTP/1 messages as a proxy needs them: how the body is framed, whether the connection stays,
// and what to hand on. Strict, because what two parsers read differently is how a request is smuggled past
// the first one: anything ambiguous is refused instead of being mended.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <boost/system/result.hpp>

#include "core/http_request.hpp"
#include "stacks/proxy/http_fields.hpp"

namespace obsctl::stacks {

/// Where a body ends (RFC 9112, 6.3).
struct BodyFraming {
  enum class Kind { none, sized, chunked, until_close };
  Kind kind = Kind::none;
  std::uint64_t length = 0;  ///< of a sized one

  bool operator==(const BodyFraming&) const = default;
};

/// Views into the head that was read.
struct RequestHead {
  std::string_view method;
  std::string_view target;
  bool http_1_0 = false;
  bool keep_alive = true;
  bool wants_upgrade = false;
  bool expects_continue = false;
  BodyFraming body;
  DroppedLines dropped;
};

struct ResponseHead {
  int status = 0;
  bool http_1_0 = false;
  bool keep_alive = true;
  /// After it the connection carries something that is not HTTP.
  bool tunnel = false;
  BodyFraming body;
  DroppedLines dropped;

  /// 1xx, and another answer follows.
  bool interim() const { return status < 200 && !tunnel; }
};

/// What an answer's framing depends on besides its own head.
enum class AnswerTo { head, connect, other };
AnswerTo answer_to(std::string_view method);

/// Either a head, or what is wrong with it and the status that says so.
template <class T>
using HeadResult = boost::system::result<T, core::RequestFailure>;

/// The size of the head at the front of `bytes`, its empty line included; npos while that has not come.
/// `searched` remembers how far earlier calls with less of the same head have looked; 0 for a new one.
std::size_t head_size(std::string_view bytes, std::size_t& searched);

/// `head` is what head_size() measured. Refused with 400, 501 (a transfer coding other than chunked) or 505.
HeadResult<RequestHead> parse_request_head(std::string_view head);
/// The status of a failure is always 502.
HeadResult<ResponseHead> parse_response_head(std::string_view head, AnswerTo to);

/// The path of a request's target, without its query: of "/a?b" and of "http://host/a?b" it is "/a". Empty
/// for CONNECT's host:port.
std::string_view path_of(std::string_view target);

/// Appends the head as it goes on: without its dropped lines, with `added` ("Name: value\r\n"…) before the
/// empty line.
void append_forwarded(std::string& out, std::string_view head, const DroppedLines& dropped,
                      std::string_view added);

}  // namespace obsctl::stacks
