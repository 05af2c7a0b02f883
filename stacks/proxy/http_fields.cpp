// See the header.
#include "stacks/proxy/http_fields.hpp"

#include <algorithm>

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

Failure read_connection(std::string_view value, HeaderFields& fields) {
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

Failure read_framing(std::string_view name, std::string_view value, HeaderFields& fields) {
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

Failure read_field(std::string_view name, std::string_view value, DroppedLines::Span line,
                   HeaderFields& fields) {
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
Failure read_line(std::string_view line, std::size_t offset, HeaderFields& fields) {
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

Failure drop_nominated(std::string_view head, std::size_t offset, HeaderFields& fields) {
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

}  // namespace

std::optional<RequestFailure> read_fields(std::string_view head, std::size_t offset, HeaderFields& fields) {
  auto failure = for_each_line(
      head, offset, [&](std::string_view line, std::size_t at) { return read_line(line, at, fields); });
  if (!failure && fields.chunked && fields.length)
    failure = RequestFailure{400, "there are both Content-Length and Transfer-Encoding"};
  if (!failure && fields.nominates) failure = drop_nominated(head, offset, fields);
  return failure;
}

bool is_token(std::string_view text) {
  return all_of_class(text, kToken);
}

bool is_field_text(std::string_view text) {
  return all_of_class(text, kText);
}

bool is_target(std::string_view text) {
  return all_of_class(text, kTarget);
}

}  // namespace obsctl::stacks
