// Reads chat messages line by line. Hand-written scanning rather than regular expressions: the text is
// hostile until read, and its length is up to the sender.
#include "verifiers/message_text.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

#include "core/text.hpp"

namespace obsctl::verifiers {

namespace {

bool is_letter_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool is_name_byte(char c) {
  return is_letter_or_digit(c) || c == '_' || c == '-' || c == '.' || c == ':' || c == '/';
}

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool starts_with_ignoring_case(std::string_view text, std::string_view prefix) {
  return text.size() >= prefix.size() && std::equal(prefix.begin(), prefix.end(), text.begin(),
                                                    [](char a, char b) { return lower(a) == lower(b); });
}

struct Marker {
  NotifiedStatus status = NotifiedStatus::unknown;
  std::int64_t count = 0;
  std::string_view behind;
};

/// The state's word at the front of `text`, and what follows it.
std::optional<Marker> take_word(std::string_view text) {
  for (const auto& [word, status] : {std::pair{std::string_view("FIRING"), NotifiedStatus::firing},
                                     std::pair{std::string_view("RESOLVED"), NotifiedStatus::resolved}}) {
    if (!starts_with_ignoring_case(text, word)) continue;
    const std::string_view behind = text.substr(word.size());
    if (!behind.empty() && is_letter_or_digit(behind.front())) continue;
    return Marker{status, 0, behind};
  }
  return std::nullopt;
}

/// "[FIRING:2] …" anywhere in the line; Grafana's "[FIRING:1, RESOLVED:2] …" counts as firing.
std::optional<Marker> find_bracketed(std::string_view line) {
  for (std::size_t open = line.find('['); open != std::string_view::npos; open = line.find('[', open + 1)) {
    auto marker = take_word(line.substr(open + 1));
    const std::size_t close = line.find(']', open);
    if (!marker || close == std::string_view::npos) continue;
    std::string_view number = marker->behind;
    if (number.starts_with(':')) {
      number = core::trimmed(number.substr(1));
      std::from_chars(number.data(), number.data() + number.size(), marker->count);
    }
    marker->behind = line.substr(close + 1);
    return marker;
  }
  return std::nullopt;
}

/// "FIRING: …" or "RESOLVED …" at the beginning of a line, behind markup and emoji. Capitals only: prose
/// begins lines with "Firing since" too.
std::optional<Marker> find_leading(std::string_view line) {
  for (;;) {
    while (!line.empty() && !is_letter_or_digit(line.front()) && line.front() != ':') line.remove_prefix(1);
    if (!line.starts_with(':')) break;
    const std::size_t end = line.find(':', 1);  // :fire:
    if (end == std::string_view::npos || line.substr(0, end).find(' ') != std::string_view::npos) {
      line.remove_prefix(1);
    } else {
      line.remove_prefix(end + 1);
    }
  }
  if (!line.starts_with("FIRING") && !line.starts_with("RESOLVED")) return std::nullopt;
  return take_word(line);
}

/// The alert's name behind a marker: past markup, a Slack link's address or a Markdown link's bracket.
std::string_view name_behind(std::string_view text) {
  text = core::trimmed(text);
  while (!text.empty() && !is_letter_or_digit(text.front()) && text.front() != '<' && text.front() != '_') {
    if (text.front() == '(') return {};  // labels in common, no name in front
    text.remove_prefix(1);
  }
  if (text.starts_with('<')) {
    const std::size_t bar = text.find('|');
    const std::size_t end = text.find('>');
    if (bar == std::string_view::npos || end == std::string_view::npos || end < bar) return {};
    text = text.substr(bar + 1, end - bar - 1);
  }
  std::size_t length = 0;
  while (length < text.size() && is_name_byte(text[length])) ++length;
  while (length > 0 && !is_letter_or_digit(text[length - 1])) --length;
  return text.substr(0, length);
}

/// Reads a message line by line.
class MessageReader {
 public:
  void read_line(std::string_view line);
  MessageContent finish() &&;

 private:
  enum class Section { none, labels, annotations };

  bool read_heading(std::string_view line);
  void read_pair(std::string_view line);
  void read_marker(std::string_view line);

  MessageContent content_;
  std::vector<NotifiedAlert> marked_;
  NotifiedStatus listed_as_ = NotifiedStatus::unknown;
  Section section_ = Section::none;
};

bool MessageReader::read_heading(std::string_view line) {
  if (starts_with_ignoring_case(line, "alerts firing")) {
    listed_as_ = NotifiedStatus::firing;
  } else if (starts_with_ignoring_case(line, "alerts resolved")) {
    listed_as_ = NotifiedStatus::resolved;
  } else if (line == "Labels:") {
    section_ = Section::labels;
    NotifiedAlert alert;
    alert.status = listed_as_;
    content_.alerts.push_back(std::move(alert));
  } else if (line == "Annotations:") {
    section_ = section_ == Section::none ? Section::none : Section::annotations;
  } else if (line.starts_with("Source:") && section_ != Section::none) {
    content_.alerts.back().generator_url = core::trimmed(line.substr(7));
    section_ = Section::none;
  } else {
    return false;
  }
  return true;
}

void MessageReader::read_pair(std::string_view line) {
  if (section_ == Section::none || !line.starts_with("- ")) return;
  const std::size_t equals = line.find(" = ");
  if (equals == std::string_view::npos) return;
  NotifiedAlert& alert = content_.alerts.back();
  const std::string name(core::trimmed(line.substr(2, equals - 2)));
  std::string value(core::trimmed(line.substr(equals + 3)));
  if (section_ == Section::labels && name == "alertname") alert.name = value;
  (section_ == Section::labels ? alert.labels : alert.annotations)[name] = std::move(value);
}

void MessageReader::read_marker(std::string_view line) {
  auto marker = find_bracketed(line);
  if (!marker) marker = find_leading(line);
  if (!marker) return;
  if (content_.status == NotifiedStatus::unknown) {
    content_.status = marker->status;
    content_.announced = marker->count;
  }
  const std::string name(name_behind(marker->behind));
  const bool known = std::any_of(marked_.begin(), marked_.end(), [&](const NotifiedAlert& alert) {
    return alert.name == name && alert.status == marker->status;
  });
  if (name.empty() || known) return;
  NotifiedAlert alert;
  alert.name = name;
  alert.status = marker->status;
  marked_.push_back(std::move(alert));
}

void MessageReader::read_line(std::string_view line) {
  line = core::trimmed(line);
  if (line.empty() || read_heading(line)) return;
  if (section_ != Section::none) {
    read_pair(line);
  } else {
    read_marker(line);
  }
}

MessageContent MessageReader::finish() && {
  std::erase_if(content_.alerts, [](const NotifiedAlert& alert) { return alert.name.empty(); });
  if (content_.alerts.empty()) content_.alerts = std::move(marked_);
  for (const NotifiedAlert& alert : content_.alerts) {
    if (content_.status == NotifiedStatus::unknown || alert.status == NotifiedStatus::firing) {
      content_.status = alert.status;
    }
  }
  return std::move(content_);
}

}  // namespace

MessageContent read_message_text(std::string_view text) {
  MessageReader reader;
  for (const std::string_view line : core::split(text, '\n')) reader.read_line(line);
  return std::move(reader).finish();
}

NotifiedStatus status_of_colour(double colour) {
  if (!(colour >= 0 && colour <= 0xFFFFFF)) return NotifiedStatus::unknown;
  const int rgb = static_cast<int>(colour);
  const int red = rgb >> 16, green = (rgb >> 8) & 0xFF;
  // Wide enough that greys say nothing.
  if (red > green + 0x28) return NotifiedStatus::firing;
  if (green > red + 0x28) return NotifiedStatus::resolved;
  return NotifiedStatus::unknown;
}

NotifiedStatus status_of_colour_name(std::string_view colour) {
  if (colour == "good") return NotifiedStatus::resolved;
  if (colour == "warning" || colour == "danger") return NotifiedStatus::firing;
  if (!colour.starts_with('#') || colour.size() != 7) return NotifiedStatus::unknown;
  unsigned value = 0;
  const auto [end, error] = std::from_chars(colour.data() + 1, colour.data() + 7, value, 16);
  if (error != std::errc() || end != colour.data() + 7) return NotifiedStatus::unknown;
  return status_of_colour(value);
}

}  // namespace obsctl::verifiers
