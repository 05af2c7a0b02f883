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

/// A line without what Markdown and mrkdwn make a heading or bold with, and without the colon at its end.
std::string_view bare_heading(std::string_view line) {
  const auto is_markup = [](char c) { return c == '#' || c == '*' || c == '_' || c == ' '; };
  while (!line.empty() && is_markup(line.front())) line.remove_prefix(1);
  while (!line.empty() && (is_markup(line.back()) || line.back() == ':')) line.remove_suffix(1);
  return line;
}

/// "[2] Firing", as the default email has it.
NotifiedStatus counted_heading(std::string_view line) {
  const std::size_t close = line.find(']');
  if (!line.starts_with('[') || close == std::string_view::npos || close == 1) return NotifiedStatus::unknown;
  const bool counts = std::all_of(line.begin() + 1, line.begin() + static_cast<std::ptrdiff_t>(close),
                                  [](char c) { return c >= '0' && c <= '9'; });
  const std::string_view word = core::trimmed(line.substr(close + 1));
  if (counts && word == "Firing") return NotifiedStatus::firing;
  return counts && word == "Resolved" ? NotifiedStatus::resolved : NotifiedStatus::unknown;
}

bool is_source(std::string_view line) {
  return line.starts_with("Source:") || line.starts_with("Source <");
}

/// The address in "Source: http://…" or "Source <http://…>".
std::string_view source_in(std::string_view line) {
  if (!is_source(line)) return {};
  line = core::trimmed(line.substr(6));
  if (line.starts_with(':')) return core::trimmed(line.substr(1));
  return line.starts_with('<') && line.ends_with('>') ? line.substr(1, line.size() - 2) : std::string_view();
}

/// Reads a message line by line.
class MessageReader {
 public:
  void read_line(std::string_view line);
  MessageContent finish() &&;

 private:
  enum class Section { none, labels, annotations };

  bool read_heading(std::string_view line);
  bool read_list_heading(std::string_view heading);
  void read_pair(std::string_view line);
  void read_marker(std::string_view line);

  MessageContent content_;
  std::vector<NotifiedAlert> marked_;
  NotifiedStatus listed_as_ = NotifiedStatus::unknown;
  Section section_ = Section::none;
  std::optional<bool> dashed_;   ///< whether the pairs of the alert at hand begin with a dash
  std::string* open_ = nullptr;  ///< the value that a line without a dash continues, while there is one
};

bool MessageReader::read_list_heading(std::string_view heading) {
  NotifiedStatus status = counted_heading(heading);
  if (starts_with_ignoring_case(heading, "alerts firing")) status = NotifiedStatus::firing;
  if (starts_with_ignoring_case(heading, "alerts resolved")) status = NotifiedStatus::resolved;
  if (status == NotifiedStatus::unknown) return false;
  listed_as_ = status;
  section_ = Section::none;
  return true;
}

bool MessageReader::read_heading(std::string_view line) {
  const std::string_view heading = bare_heading(line);
  if (read_list_heading(heading)) return true;
  if (heading == "Labels") {
    section_ = Section::labels;
    dashed_.reset();
    NotifiedAlert alert;
    alert.status = listed_as_;
    content_.alerts.push_back(std::move(alert));
  } else if (heading == "Annotations") {
    section_ = section_ == Section::none ? Section::none : Section::annotations;
  } else if (section_ != Section::none && (heading == "Source" || is_source(line))) {
    content_.alerts.back().generator_url = source_in(line);
    section_ = Section::none;
  } else {
    return false;
  }
  return true;
}

void MessageReader::read_pair(std::string_view line) {
  // An annotation's value can have lines of its own, which must not be taken for further pairs: all pairs of
  // an alert begin with a dash, or none does.
  const bool dashed = line.starts_with("- ");
  const std::size_t equals = line.find(" = ");
  if (equals == std::string_view::npos || dashed_.value_or(dashed) != dashed) {
    if (open_ != nullptr && !dashed) open_->append("\n").append(line);
    return;
  }
  dashed_ = dashed;
  NotifiedAlert& alert = content_.alerts.back();
  const std::string name(core::trimmed(line.substr(dashed ? 2 : 0, equals - (dashed ? 2 : 0))));
  const std::string value(core::trimmed(line.substr(equals + 3)));
  if (section_ == Section::labels && name == "alertname") alert.name = value;
  std::string& into = (section_ == Section::labels ? alert.labels : alert.annotations)[name];
  into = value;
  open_ = dashed ? &into : nullptr;
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
  if (line.empty() || read_heading(line)) {
    open_ = nullptr;
    return;
  }
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
  if (colour == "warning" || colour == "danger" || colour == "attention") return NotifiedStatus::firing;
  if (colour.starts_with('#')) colour.remove_prefix(1);
  unsigned value = 0;
  const auto [end, error] = std::from_chars(colour.data(), colour.data() + colour.size(), value, 16);
  if (colour.size() != 6 || error != std::errc() || end != colour.data() + 6) return NotifiedStatus::unknown;
  return status_of_colour(value);
}

}  // namespace obsctl::verifiers
