#include "stacks/proxy/http_head.hpp"

#include <algorithm>
#include <optional>

namespace obsctl::stacks {

namespace {

using core::RequestFailure;
using Failure = std::optional<RequestFailure>;

constexpr char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
}

/// `name` is in lower case.
bool same_name(std::string_view text, std::string_view name) {
  return std::equal(text.begin(), text.end(), name.begin(), name.end(),
                    [](char a, char b) { return lower(a) == b; });
}

constexpr bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// Which bytes may be in a token (RFC 9110, 5.6.2), and which in a field's value or a status line.
enum ByteClass : std::uint8_t { kToken = 1, kText = 2, kTarget = 4 };
constexpr std::array<std::uint8_t, 256> make_classes() {
  std::array<std::uint8_t, 256> classes{};
  for (std::size_t i = 0; i < classes.size(); ++i) {
    const bool printable = i > 0x20 && i != 0x7f;
    if (printable) classes[i] = kText | kTarget;
    if (i == ' ' || i == '\t') classes[i] = kText;
    const bool letter = (i >= 'a' && i <= 'z') || (i >= 'A' && i <= 'Z') || (i >= '0' && i <= '9');
    if (letter) classes[i] |= kToken;
  }
  for (const char c : std::string_view("!#$%&'*+-.^_`|~")) classes[static_cast<unsigned char>(c)] |= kToken;
  return classes;
}
constexpr std::array<std::uint8_t, 256> kClasses = make_classes();

bool all_of_class(std::string_view text, ByteClass wanted) {
  return std::all_of(text.begin(), text.end(),
                     [wanted](char c) { return (kClasses[static_cast<unsigned char>(c)] & wanted) != 0; });
}

std::string_view without_blanks(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

/// Calls `use` with each element of a comma-separated list.
template <class Use>
void for_each_element(std::string_view list, Use use) {
  while (!list.empty()) {
    const std::size_t comma = std::min(list.find(','), list.size());
    const std::string_view element = without_blanks(list.substr(0, comma));
    if (!element.empty()) use(element);
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
}

std::optional<std::uint64_t> parse_length(std::string_view value) {
  constexpr std::size_t kMostDigits = 18;
  if (value.empty() || value.size() > kMostDigits || !std::all_of(value.begin(), value.end(), is_digit))
    return std::nullopt;
  std::uint64_t length = 0;
  for (const char c : value) length = length * 10 + static_cast<std::uint64_t>(c - '0');
  return length;
}

/// What the fields of either kind of message say.
struct Fields {
  std::optional<std::uint64_t> length;
  int hosts = 0;
  bool chunked = false;
  bool close = false;
  bool keep_alive = false;
  bool has_upgrade = false;         ///< there is an Upgrade field
  bool connection_upgrade = false;  ///< and Connection names it
  bool expects_continue = false;
  /// Connection names fields of its own that are not to be handed on.
  bool nominates = false;
  std::string_view nominated_in;
  DroppedLines dropped;
};

Failure read_connection(std::string_view value, Fields& fields) {
  Failure failure;
  for_each_element(value, [&](std::string_view option) {
    if (same_name(option, "close")) {
      fields.close = true;
    } else if (same_name(option, "keep-alive")) {
      fields.keep_alive = true;
    } else if (same_name(option, "upgrade")) {
      fields.connection_upgrade = true;
    } else {
      if (fields.nominates && fields.nominated_in != value)
        failure = RequestFailure{400, "more than one Connection field names others"};
      // Who could have these dropped could make the next one read the message differently.
      for (const std::string_view kept : {"host", "content-length", "transfer-encoding"}) {
        if (same_name(option, kept))
          failure = RequestFailure{400, "Connection names a field that frames the message"};
      }
      fields.nominates = true;
      fields.nominated_in = value;
    }
  });
  return failure;
}

Failure read_framing(std::string_view name, std::string_view value, Fields& fields) {
  if (same_name(name, "content-length")) {
    if (fields.length) return RequestFailure{400, "there is more than one Content-Length"};
    fields.length = parse_length(value);
    if (!fields.length) return RequestFailure{400, "Content-Length is not a number"};
  } else if (same_name(name, "transfer-encoding")) {
    if (fields.chunked) return RequestFailure{400, "there is more than one Transfer-Encoding"};
    if (!same_name(value, "chunked"))
      return RequestFailure{501, "the only transfer coding known here is chunked"};
    fields.chunked = true;
  }
  return std::nullopt;
}

Failure read_field(std::string_view name, std::string_view value, DroppedLines::Span line, Fields& fields) {
  bool drop = false;
  switch (name.size()) {
    case 4:
      if (same_name(name, "host")) ++fields.hosts;
      break;
    case 6:
      if (same_name(name, "expect")) fields.expects_continue = true;
      break;
    case 7:
      if (same_name(name, "upgrade")) fields.has_upgrade = true;
      break;
    case 10:
      drop = same_name(name, "keep-alive") || same_name(name, "connection");
      if (drop && lower(name.front()) == 'c') {
        if (auto failure = read_connection(value, fields)) return failure;
      }
      break;
    case 14:
    case 17:
      if (auto failure = read_framing(name, value, fields)) return failure;
      break;
    case 16:
      drop = same_name(name, "proxy-connection");
      break;
    default:
      break;
  }
  if (drop && !fields.dropped.add(line)) return RequestFailure{400, "there are too many connection fields"};
  return std::nullopt;
}

/// One field line without its line end, at `offset` of the head.
Failure read_line(std::string_view line, std::size_t offset, Fields& fields) {
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos || colon == 0 || !all_of_class(line.substr(0, colon), kToken))
    return RequestFailure{400, "the name of a header field cannot be read"};
  const std::string_view value = without_blanks(line.substr(colon + 1));
  if (!all_of_class(value, kText)) return RequestFailure{400, "a header field has a control character"};
  return read_field(line.substr(0, colon), value, {offset, line.size() + 2}, fields);
}

/// Calls `use` with each field line and its offset, from `offset` on; every line must end with CRLF.
template <class Use>
Failure for_each_line(std::string_view head, std::size_t offset, Use use) {
  while (offset < head.size()) {
    const std::size_t end = head.find('\n', offset);
    if (end == std::string_view::npos || end == offset || head[end - 1] != '\r')
      return RequestFailure{400, "a line of the header does not end with CR LF"};
    if (end == offset + 1) return std::nullopt;
    if (auto failure = use(head.substr(offset, end - 1 - offset), offset)) return failure;
    offset = end + 1;
  }
  return std::nullopt;
}

Failure drop_nominated(std::string_view head, std::size_t offset, Fields& fields) {
  return for_each_line(head, offset, [&](std::string_view line, std::size_t at) -> Failure {
    const std::string_view name = line.substr(0, line.find(':'));
    bool drop = false;
    for_each_element(fields.nominated_in, [&](std::string_view option) {
      drop = drop || std::equal(option.begin(), option.end(), name.begin(), name.end(),
                                [](char a, char b) { return lower(a) == lower(b); });
    });
    const bool known =
        same_name(name, "keep-alive") || same_name(name, "connection") || same_name(name, "proxy-connection");
    if (drop && !known && !fields.dropped.add({at, line.size() + 2}))
      return RequestFailure{400, "there are too many connection fields"};
    return std::nullopt;
  });
}

Failure read_fields(std::string_view head, std::size_t offset, Fields& fields) {
  auto failure = for_each_line(
      head, offset, [&](std::string_view line, std::size_t at) { return read_line(line, at, fields); });
  if (!failure && fields.chunked && fields.length)
    failure = RequestFailure{400, "there are both Content-Length and Transfer-Encoding"};
  if (!failure && fields.nominates) failure = drop_nominated(head, offset, fields);
  return failure;
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
  if (request.method.empty() || !all_of_class(request.method, kToken))
    return RequestFailure{400, "the request's method cannot be read"};
  if (request.target.empty() || !all_of_class(request.target, kTarget))
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

BodyFraming request_framing(const Fields& fields) {
  if (fields.chunked) return {BodyFraming::Kind::chunked};
  if (fields.length.value_or(0) > 0) return {BodyFraming::Kind::sized, *fields.length};
  return {};
}

BodyFraming response_framing(const Fields& fields, int status, AnswerTo to) {
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
  Fields fields;
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
                        (line.size() == kStatus + 3 || line[kStatus + 3] == ' ') && all_of_class(line, kText);
  if (!readable) return RequestFailure{502, "the status line of the upstream's answer cannot be read"};
  Fields fields;
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
