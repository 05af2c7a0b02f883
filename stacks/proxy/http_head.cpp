// See the header.
#include "stacks/proxy/http_head.hpp"

#include <algorithm>
#include <optional>

namespace obsctl::stacks {

namespace {

using core::RequestFailure;
using Failure = std::optional<RequestFailure>;

constexpr bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// "HTTP/1.0" or "HTTP/1.1".
std::optional<bool> is_http_1_0(std::string_view version) {
  if (version == "HTTP/1.1") return false;
  if (version == "HTTP/1.0") return true;
  return std::nullopt;
}

Failure read_request_line(std::string_view line, RequestHead& request) {
  const std::size_t first = line.find(' ');
  const std::size_t last = line.rfind(' ');
  if (first == std::string_view::npos || first == last)
    return RequestFailure{400, "the request line cannot be read"};
  request.method = line.substr(0, first);
  request.target = line.substr(first + 1, last - first - 1);
  if (request.method.empty() || !is_token(request.method))
    return RequestFailure{400, "the request's method cannot be read"};
  if (request.target.empty() || !is_target(request.target))
    return RequestFailure{400, "the request's target cannot be read"};
  const std::string_view version = line.substr(last + 1);
  const std::optional<bool> http_1_0 = is_http_1_0(version);
  if (!http_1_0) {
    if (version.substr(0, 5) == "HTTP/")
      return RequestFailure{505, "only HTTP/1.0 and HTTP/1.1 are spoken here"};
    return RequestFailure{400, "the request line cannot be read"};
  }
  request.http_1_0 = *http_1_0;
  return std::nullopt;
}

BodyFraming request_framing(const HeaderFields& fields) {
  if (fields.chunked) return {BodyFraming::Kind::chunked};
  if (fields.length.value_or(0) > 0) return {BodyFraming::Kind::sized, *fields.length};
  return {};
}

BodyFraming response_framing(const HeaderFields& fields, int status, AnswerTo to) {
  if (to == AnswerTo::head || status < 200 || status == 204 || status == 304) return {};
  if (fields.chunked) return {BodyFraming::Kind::chunked};
  if (!fields.length) return {BodyFraming::Kind::until_close};
  if (*fields.length == 0) return {};
  return {BodyFraming::Kind::sized, *fields.length};
}

}  // namespace

AnswerTo answer_to(std::string_view method) {
  if (method == "HEAD") return AnswerTo::head;
  return method == "CONNECT" ? AnswerTo::connect : AnswerTo::other;
}

std::size_t head_size(std::string_view bytes, std::size_t& searched) {
  constexpr std::string_view kEnd = "\r\n\r\n";
  // The end may have begun in what was there before.
  const std::size_t from = searched < kEnd.size() ? 0 : searched - (kEnd.size() - 1);
  const std::size_t end = bytes.find(kEnd, from);
  if (end != std::string_view::npos) return end + kEnd.size();
  searched = bytes.size();
  return std::string_view::npos;
}

HeadResult<RequestHead> parse_request_head(std::string_view head) {
  RequestHead request;
  const std::size_t end = head.find("\r\n");
  if (auto failure = read_request_line(head.substr(0, end), request)) return *failure;
  HeaderFields fields;
  if (auto failure = read_fields(head, end + 2, fields)) return *failure;
  if (fields.hosts > 1) return RequestFailure{400, "there is more than one Host field"};
  if (fields.hosts == 0 && !request.http_1_0) return RequestFailure{400, "the Host field is missing"};
  if (fields.chunked && request.http_1_0)
    return RequestFailure{400, "HTTP/1.0 does not have Transfer-Encoding"};
  request.keep_alive = !fields.close && (!request.http_1_0 || fields.keep_alive);
  request.wants_upgrade = fields.has_upgrade && fields.connection_upgrade && !request.http_1_0;
  request.expects_continue = fields.expects_continue;
  request.body = request_framing(fields);
  request.dropped = fields.dropped;
  return request;
}

HeadResult<ResponseHead> parse_response_head(std::string_view head, AnswerTo to) {
  constexpr std::size_t kStatus = 9;  // after "HTTP/1.1 "
  const std::size_t end = head.find("\r\n");
  const std::string_view line = head.substr(0, end);
  const std::optional<bool> http_1_0 = is_http_1_0(line.substr(0, kStatus - 1));
  const std::string_view digits = line.size() < kStatus ? "" : line.substr(kStatus, 3);
  const bool readable = http_1_0 && line.size() >= kStatus + 3 && line[kStatus - 1] == ' ' &&
                        std::all_of(digits.begin(), digits.end(), is_digit) && digits.front() > '0' &&
                        (line.size() == kStatus + 3 || line[kStatus + 3] == ' ') && is_field_text(line);
  if (!readable) return RequestFailure{502, "the status line of the upstream's answer cannot be read"};
  HeaderFields fields;
  if (const auto failure = read_fields(head, end + 2, fields)) return RequestFailure{502, failure->reason};
  ResponseHead response;
  response.status = (digits[0] - '0') * 100 + (digits[1] - '0') * 10 + (digits[2] - '0');
  response.http_1_0 = *http_1_0;
  response.tunnel = response.status == 101 || (to == AnswerTo::connect && response.status / 100 == 2);
  response.keep_alive = !fields.close && (!response.http_1_0 || fields.keep_alive);
  if (!response.tunnel) response.body = response_framing(fields, response.status, to);
  response.dropped = fields.dropped;
  return response;
}

std::string_view path_of(std::string_view target) {
  if (!target.empty() && target.front() != '/') {
    const std::size_t scheme = target.find("://");
    if (scheme == std::string_view::npos) return {};
    const std::size_t slash = target.find('/', scheme + 3);
    target = slash == std::string_view::npos ? std::string_view("/") : target.substr(slash);
  }
  return target.substr(0, target.find_first_of("?#"));
}

void append_forwarded(std::string& out, std::string_view head, const DroppedLines& dropped,
                      std::string_view added) {
  std::size_t from = 0;
  for (const DroppedLines::Span& line : dropped) {
    out += head.substr(from, line.offset - from);
    from = line.offset + line.size;
  }
  out += head.substr(from, head.size() - 2 - from);
  out += added;
  out += "\r\n";
}

}  // namespace obsctl::stacks
