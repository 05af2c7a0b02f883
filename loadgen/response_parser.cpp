// The states of an answer, a line at a time. A line that lies whole in the input is looked at where it is;
// only one that is split over two reads is copied.
#include "loadgen/response_parser.hpp"

#include <algorithm>
#include <cstring>

namespace obsctl::loadgen {

namespace {

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

/// `name` is in lower case.
bool same_name(std::string_view text, std::string_view name) {
  if (text.size() != name.size()) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (lower(text[i]) != name[i]) return false;
  }
  return true;
}

std::string_view without_blanks(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

/// Whether the comma-separated list has the token (in lower case).
bool lists(std::string_view list, std::string_view token) {
  while (!list.empty()) {
    const std::size_t comma = std::min(list.find(','), list.size());
    if (same_name(without_blanks(list.substr(0, comma)), token)) return true;
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return false;
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

int hex_digit(char c) {
  if (is_digit(c)) return c - '0';
  const char l = lower(c);
  return l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
}

}  // namespace

void ResponseParser::reset(bool head, Wanted wanted) {
  head_ = head;
  wanted_ = wanted;
  started_ = false;
  interim_ = 0;
  partial_used_ = false;
  failure_ = "";
  start_over();
}

void ResponseParser::start_over() {
  step_ = Step::status_line;
  status_ = 0;
  keep_alive_ = true;
  http10_ = chunked_ = other_coding_ = false;
  length_ = -1;
  remaining_ = body_bytes_ = 0;
  header_bytes_ = 0;
  if (!headers_.empty()) headers_.clear();
  if (!body_.empty()) body_.clear();
}

ResponseParser::State ResponseParser::fail(const char* why) {
  failure_ = why;
  keep_alive_ = false;
  return State::failed;
}

ResponseParser::State ResponseParser::feed(std::string_view& input) {
  if (!input.empty()) started_ = true;
  while (!input.empty()) {
    switch (step_) {
      case Step::sized_body:
      case Step::chunk_data:
      case Step::body_to_close:
        take_body(input);
        if (step_ == Step::sized_body && remaining_ == 0) return State::done;
        if (step_ == Step::chunk_data && remaining_ == 0) step_ = Step::chunk_end;
        break;
      default: {
        std::string_view line;
        const LineResult result = take_line(input, line);
        if (result == LineResult::failed) return fail("a line is too long");
        if (result == LineResult::none) return State::more;
        const State state = on_line(line);
        partial_used_ = false;
        if (state != State::more) return state;
      }
    }
  }
  return State::more;
}

ResponseParser::State ResponseParser::end_of_stream() {
  keep_alive_ = false;
  if (step_ == Step::body_to_close) return State::done;
  return fail(started_ ? "closed in the middle of an answer" : "closed without an answer");
}

ResponseParser::LineResult ResponseParser::take_line(std::string_view& input, std::string_view& line) {
  const auto* end = static_cast<const char*>(std::memchr(input.data(), '\n', input.size()));
  const std::size_t length = end == nullptr ? input.size() : static_cast<std::size_t>(end - input.data());
  if (!partial_used_) partial_.clear();
  if (partial_.size() + length > kMaxLine) return LineResult::failed;
  if (end == nullptr) {
    partial_.append(input);
    partial_used_ = true;
    input = {};
    return LineResult::none;
  }
  line = input.substr(0, length);
  input.remove_prefix(length + 1);
  if (partial_used_) {
    partial_.append(line);
    line = partial_;
  }
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  return LineResult::line;
}

ResponseParser::State ResponseParser::on_line(std::string_view line) {
  switch (step_) {
    case Step::status_line:
      return on_status_line(line);
    case Step::header:
      return line.empty() ? on_headers_end() : on_header(line);
    case Step::chunk_size:
      return on_chunk_size(line);
    case Step::chunk_end:
      if (!line.empty()) return fail("a chunk is longer than it says");
      step_ = Step::chunk_size;
      return State::more;
    case Step::trailer:
      if (line.empty()) return State::done;
      header_bytes_ += line.size();
      return header_bytes_ > kMaxHeaders ? fail("the trailers are too long") : State::more;
    default:
      return fail("the parser is in a state without lines");
  }
}

ResponseParser::State ResponseParser::on_status_line(std::string_view line) {
  // HTTP/1.1 200 OK: the version's last digit and three digits, then a space or the end.
  if (line.size() < 12 || line.substr(0, 7) != "HTTP/1." || !is_digit(line[7]) || line[8] != ' ' ||
      !is_digit(line[9]) || !is_digit(line[10]) || !is_digit(line[11]) ||
      (line.size() > 12 && line[12] != ' ')) {
    return fail("not an HTTP/1 answer");
  }
  status_ = (line[9] - '0') * 100 + (line[10] - '0') * 10 + (line[11] - '0');
  if (status_ < 100) return fail("the status is below 100");
  http10_ = line[7] == '0';
  keep_alive_ = !http10_;
  step_ = Step::header;
  return State::more;
}

ResponseParser::State ResponseParser::on_header(std::string_view line) {
  header_bytes_ += line.size();
  if (header_bytes_ > kMaxHeaders) return fail("the headers are too long");
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos || colon == 0) return fail("a header line has no name");
  const std::string_view name = line.substr(0, colon);
  if (name.front() == ' ' || name.front() == '\t' || name.back() == ' ' || name.back() == '\t') {
    return fail("a header name has blanks around it");
  }
  if (wanted_.headers)
    headers_.append(name).append(": ").append(without_blanks(line.substr(colon + 1))) += '\n';
  // Of all the headers only three say where the answer ends; most are ruled out by their length.
  switch (name.size()) {
    case 10:
      if (same_name(name, "connection")) {
        const std::string_view value = line.substr(colon + 1);
        if (lists(value, "close")) keep_alive_ = false;
        if (http10_ && lists(value, "keep-alive")) keep_alive_ = true;
      }
      return State::more;
    case 14:
      if (same_name(name, "content-length")) return on_content_length(without_blanks(line.substr(colon + 1)));
      return State::more;
    case 17:
      if (same_name(name, "transfer-encoding")) {
        const std::string_view value = line.substr(colon + 1);
        const std::size_t comma = value.rfind(',');
        const std::string_view last =
            without_blanks(comma == std::string_view::npos ? value : value.substr(comma + 1));
        chunked_ = same_name(last, "chunked");
        other_coding_ = !chunked_;
      }
      return State::more;
    default:
      return State::more;
  }
}

ResponseParser::State ResponseParser::on_content_length(std::string_view value) {
  std::int64_t length = 0;
  if (value.empty() || value.size() > 18) return fail("the Content-Length is not a number");
  for (const char c : value) {
    if (!is_digit(c)) return fail("the Content-Length is not a number");
    length = length * 10 + (c - '0');
  }
  if (length_ >= 0 && length_ != length) return fail("there are two different Content-Lengths");
  length_ = length;
  return State::more;
}

ResponseParser::State ResponseParser::on_headers_end() {
  if (status_ < 200 && status_ != 101) {
    if (++interim_ > kMaxInterim) return fail("too many interim answers");
    start_over();
    return State::more;
  }
  if (status_ == 101) return fail("the server switched protocols");
  if (head_ || status_ == 204 || status_ == 304) return State::done;
  if (chunked_) {
    if (length_ >= 0) keep_alive_ = false;  // RFC 9112, 6.3: both may be an attack
    step_ = Step::chunk_size;
  } else if (other_coding_ || length_ < 0) {
    keep_alive_ = false;
    step_ = Step::body_to_close;
  } else {
    if (length_ == 0) return State::done;
    remaining_ = length_;
    step_ = Step::sized_body;
  }
  return State::more;
}

ResponseParser::State ResponseParser::on_chunk_size(std::string_view line) {
  std::int64_t size = 0;
  std::size_t digits = 0;
  for (; digits < line.size() && hex_digit(line[digits]) >= 0; ++digits) {
    if (digits >= 15) return fail("a chunk's size is too large");
    size = size * 16 + hex_digit(line[digits]);
  }
  const std::string_view rest = without_blanks(line.substr(digits));
  if (digits == 0 || (!rest.empty() && rest.front() != ';')) return fail("a chunk's size is not a number");
  remaining_ = size;
  step_ = size == 0 ? Step::trailer : Step::chunk_data;
  return State::more;
}

void ResponseParser::take_body(std::string_view& input) {
  std::size_t length = input.size();
  if (step_ != Step::body_to_close) {
    length = static_cast<std::size_t>(std::min<std::int64_t>(remaining_, static_cast<std::int64_t>(length)));
    remaining_ -= static_cast<std::int64_t>(length);
  }
  if (body_.size() < wanted_.body)
    body_.append(input.substr(0, std::min(length, wanted_.body - body_.size())));
  body_bytes_ += static_cast<std::int64_t>(length);
  input.remove_prefix(length);
}

}  // namespace obsctl::loadgen
