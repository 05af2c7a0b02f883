// One pass over the bytes, no tree: mail's HTML is made by templates and is often not well-formed anyway.
#include "verifiers/html_text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>

#include "core/text.hpp"
#include "verifiers/text_encodings.hpp"

namespace obsctl::verifiers {

namespace {

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\f';
}

std::string lower_name(std::string_view text) {
  std::string name;
  for (const char c : text.substr(0, 12)) {
    if (is_space(c) || c == '/' || c == '>') break;
    name += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return name;
}

bool ends_line(std::string_view name) {
  constexpr std::array<std::string_view, 24> names = {
      "br", "p",  "div", "tr", "td", "th", "table",   "li",      "ul",     "ol",     "hr",         "h1",
      "h2", "h3", "h4",  "h5", "h6", "dt", "section", "article", "header", "footer", "blockquote", "pre"};
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool is_hidden(std::string_view name) {
  return name == "head" || name == "style" || name == "script" || name == "title";
}

class HtmlReader {
 public:
  explicit HtmlReader(std::string_view html) : rest_(html) {}
  std::string read() &&;

 private:
  void read_tag();
  void read_entity();
  void start_link(std::string_view attributes);
  void skip_hidden(std::string_view name);
  void end_line();
  void add(std::string_view text);

  std::string_view rest_;
  std::string out_;
  std::string link_;
  bool space_ = false;  ///< white space that comes before the next word
};

void HtmlReader::end_line() {
  space_ = false;
  if (!out_.empty() && out_.back() != '\n') out_ += '\n';
}

void HtmlReader::add(std::string_view text) {
  if (space_ && !out_.empty() && out_.back() != '\n') out_ += ' ';
  space_ = false;
  out_ += text;
}

/// The value of href, decoded as text is.
void HtmlReader::start_link(std::string_view attributes) {
  link_.clear();
  const std::size_t name = attributes.find("href=");
  if (name == std::string_view::npos || name + 6 >= attributes.size()) return;
  const char quote = attributes[name + 5];
  if (quote != '"' && quote != '\'') return;
  const std::size_t end = attributes.find(quote, name + 6);
  if (end == std::string_view::npos) return;
  const std::string_view value = attributes.substr(name + 6, end - name - 6);
  // An address has no tags; its entities are read by a reader of its own.
  if (value.find('<') == std::string_view::npos) link_ = HtmlReader(value).read();
}

void HtmlReader::skip_hidden(std::string_view name) {
  for (std::size_t at = rest_.find("</"); at != std::string_view::npos; at = rest_.find("</", at + 2)) {
    if (lower_name(rest_.substr(at + 2)) != name) continue;
    rest_.remove_prefix(at);
    return;
  }
  rest_ = {};
}

void HtmlReader::read_tag() {
  if (rest_.starts_with("<!--")) {
    const std::size_t end = rest_.find("-->");
    rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 3);
    return;
  }
  const char next = rest_.size() > 1 ? rest_[1] : ' ';
  const bool opens = (next >= 'a' && next <= 'z') || (next >= 'A' && next <= 'Z');
  if (!opens && next != '/' && next != '!' && next != '?') {
    add("<");
    rest_.remove_prefix(1);
    return;
  }
  const std::string_view tag = rest_.substr(0, rest_.find('>'));
  const std::string name = lower_name(tag.substr(next == '/' ? 2 : 1));
  rest_.remove_prefix(std::min(tag.size() + 1, rest_.size()));
  if (ends_line(name)) end_line();
  if (opens && name == "a") start_link(tag);
  if (next == '/' && name == "a" && !link_.empty()) {
    add(" <" + link_ + ">");
    link_.clear();
  }
  if (opens && is_hidden(name)) skip_hidden(name);
}

void HtmlReader::read_entity() {
  const std::size_t end = rest_.substr(0, 12).find(';');
  const std::string_view name = end == std::string_view::npos ? std::string_view() : rest_.substr(1, end - 1);
  std::string text;
  if (name.starts_with('#')) {
    const bool hex = name.size() > 1 && (name[1] == 'x' || name[1] == 'X');
    const std::string_view digits = name.substr(hex ? 2 : 1);
    std::uint32_t point = 0;
    const auto [stop, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), point, hex ? 16 : 10);
    if (error == std::errc() && stop == digits.data() + digits.size()) append_utf8(text, point);
  }
  constexpr std::array<std::pair<std::string_view, std::string_view>, 6> known = {
      {{"amp", "&"}, {"lt", "<"}, {"gt", ">"}, {"quot", "\""}, {"apos", "'"}, {"nbsp", " "}}};
  for (const auto& [entity, meaning] : known) {
    if (name == entity) text = meaning;
  }
  add(text.empty() ? "&" : text);
  rest_.remove_prefix(text.empty() ? 1 : end + 1);
}

std::string HtmlReader::read() && {
  while (!rest_.empty()) {
    const char c = rest_.front();
    if (c == '<') {
      read_tag();
    } else if (c == '&') {
      read_entity();
    } else if (is_space(c)) {
      space_ = true;
      rest_.remove_prefix(1);
    } else {
      const std::size_t length = std::min(rest_.find_first_of("<& \t\r\n\f"), rest_.size());
      add(rest_.substr(0, length));
      rest_.remove_prefix(length);
    }
  }
  return std::move(out_);
}

}  // namespace

std::string html_to_text(std::string_view html) {
  return HtmlReader(html).read();
}

}  // namespace obsctl::verifiers
