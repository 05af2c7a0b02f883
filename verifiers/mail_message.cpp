// Splits a message into parts and decodes them. Depth and number of the parts are bounded; lines may end with
// CRLF, as SMTP has them, or LF, as files do.
#include "verifiers/mail_message.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "core/text.hpp"
#include "verifiers/text_encodings.hpp"

namespace obsctl::verifiers {

namespace {

constexpr int kDeepest = 8;
constexpr std::size_t kMostParts = 100;
constexpr std::size_t kMostHeaders = 500;

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return out;
}

/// Takes a line off the front, without its end.
std::string_view take_line(std::string_view& text) {
  const std::size_t end = text.find('\n');
  std::string_view line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

/// A header section with folded lines put together, and what follows its empty line.
struct Entity {
  std::vector<std::pair<std::string, std::string>> headers;  ///< names in lower case
  std::string_view body;

  std::string_view header(std::string_view name) const {
    for (const auto& [key, value] : headers) {
      if (key == name) return value;
    }
    return {};
  }
};

Entity read_entity(std::string_view text) {
  Entity entity;
  while (!text.empty()) {
    const std::string_view line = take_line(text);
    if (line.empty()) break;
    if ((line.front() == ' ' || line.front() == '\t') && !entity.headers.empty()) {
      entity.headers.back().second.append(line);
      continue;
    }
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos || entity.headers.size() >= kMostHeaders) continue;
    entity.headers.emplace_back(lower(core::trimmed(line.substr(0, colon))),
                                std::string(core::trimmed(line.substr(colon + 1))));
  }
  entity.body = text;
  return entity;
}

/// `name="value"` or `name=value` among the parameters of a header such as Content-Type (RFC 2045, 5.1).
std::string parameter_of(std::string_view value, std::string_view name) {
  std::size_t at = value.find(';');
  while (at != std::string_view::npos) {
    std::string_view rest = value.substr(at + 1);
    const std::size_t equals = std::min(rest.find('='), rest.size());
    const std::string key = lower(core::trimmed(rest.substr(0, std::min(equals, rest.find(';')))));
    std::string text;
    std::size_t i = std::min(equals + 1, rest.size());
    while (i < rest.size() && (rest[i] == ' ' || rest[i] == '\t')) ++i;
    if (i < rest.size() && rest[i] == '"') {
      for (++i; i < rest.size() && rest[i] != '"'; ++i) {
        if (rest[i] == '\\' && i + 1 < rest.size()) ++i;
        text += rest[i];
      }
    } else {
      const std::size_t end = std::min(rest.find(';', i), rest.size());
      text = core::trimmed(rest.substr(i, end - i));
    }
    if (key == name) return text;
    const std::size_t next = rest.find(';', i);
    at = next == std::string_view::npos ? next : at + 1 + next;
  }
  return {};
}

/// The pieces of a multipart body between its delimiter lines (RFC 2046, 5.1.1). What stands before the first
/// and behind the closing one is left out; a missing closing one is forgiven.
std::vector<std::string_view> split_parts(std::string_view body, const std::string& boundary) {
  std::vector<std::string_view> parts;
  const std::string delimiter = "--" + boundary;
  const char* begin = nullptr;
  const char* const end = body.data() + body.size();
  while (!body.empty() && parts.size() < kMostParts) {
    const char* line_begin = body.data();
    const std::string_view line = take_line(body);
    if (!line.starts_with(delimiter)) continue;
    const std::string_view tail = line.substr(delimiter.size());
    const bool closes = tail.starts_with("--");
    if (!core::trimmed(closes ? tail.substr(2) : tail).empty()) continue;
    if (begin != nullptr) {
      std::string_view part(begin, static_cast<std::size_t>(line_begin - begin));
      // The line end in front of a delimiter belongs to it.
      if (part.ends_with('\n')) part.remove_suffix(1);
      if (part.ends_with('\r')) part.remove_suffix(1);
      parts.push_back(part);
    }
    begin = body.data();
    if (closes) return parts;
  }
  if (begin != nullptr && parts.size() < kMostParts)
    parts.emplace_back(begin, static_cast<std::size_t>(end - begin));
  return parts;
}

class MailReader {
 public:
  MailMessage read(std::string_view message);

 private:
  void read_part(const Entity& entity, int depth);
  void read_leaf(const Entity& entity, const std::string& type);

  MailMessage mail_;
  std::size_t parts_ = 0;
};

void MailReader::read_leaf(const Entity& entity, const std::string& type) {
  if (type != "text/plain" && type != "text/html") return;
  if (lower(entity.header("content-disposition")).starts_with("attachment")) return;
  const std::string coding = lower(core::trimmed(entity.header("content-transfer-encoding")));
  std::string bytes = coding == "base64"             ? base64_decoded_leniently(entity.body)
                      : coding == "quoted-printable" ? quoted_printable_decoded(entity.body)
                                                     : std::string(entity.body);
  std::string text = to_utf8(parameter_of(entity.header("content-type"), "charset"), bytes);
  text.erase(std::remove(text.begin(), text.end(), '\r'), text.end());
  std::string& into = type == "text/html" ? mail_.html : mail_.text;
  if (!into.empty() && !into.ends_with('\n')) into += '\n';
  into += text;
}

void MailReader::read_part(const Entity& entity, int depth) {
  if (++parts_ > kMostParts || depth > kDeepest) return;
  const std::string_view value = entity.header("content-type");
  std::string type = lower(core::trimmed(value.substr(0, value.find(';'))));
  if (type.empty()) type = "text/plain";
  if (!type.starts_with("multipart/")) return read_leaf(entity, type);
  const std::string boundary = parameter_of(value, "boundary");
  if (boundary.empty()) return;
  for (const std::string_view part : split_parts(entity.body, boundary)) {
    read_part(read_entity(part), depth + 1);
  }
}

/// The mailboxes of a list, parted by commas outside of quotes, as bare addresses.
std::vector<std::string> addresses_in(std::string_view list) {
  std::vector<std::string> all;
  bool quoted = false;
  std::size_t begin = 0;
  for (std::size_t i = 0; i <= list.size(); ++i) {
    if (i < list.size() && list[i] == '"') quoted = !quoted;
    if (i < list.size() && (list[i] != ',' || quoted)) continue;
    const std::string_view address = bare_address(list.substr(begin, i - begin));
    if (!address.empty()) all.push_back(to_utf8("utf-8", address));
    begin = i + 1;
  }
  return all;
}

MailMessage MailReader::read(std::string_view message) {
  const Entity top = read_entity(message);
  mail_.subject = decoded_header(top.header("subject"));
  mail_.from = decoded_header(top.header("from"));
  mail_.to = addresses_in(top.header("to"));
  read_part(top, 0);
  return std::move(mail_);
}

}  // namespace

std::string_view bare_address(std::string_view mailbox) {
  const std::size_t open = mailbox.rfind('<');
  const std::size_t close = mailbox.rfind('>');
  if (open != std::string_view::npos && close != std::string_view::npos && open < close) {
    mailbox = mailbox.substr(open + 1, close - open - 1);
  }
  return core::trimmed(mailbox);
}

MailMessage read_mail(std::string_view message) {
  return MailReader().read(message);
}

}  // namespace obsctl::verifiers
