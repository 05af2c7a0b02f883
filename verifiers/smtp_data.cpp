// A mail ends at <CR><LF>.<CR><LF> and at nothing that resembles it: servers that are lenient there can be
// made to see mails that were never sent.
#include "verifiers/smtp_data.hpp"

#include <algorithm>

namespace obsctl::verifiers {

namespace {

/// Of a mail that is too large, this many times its limit is read before giving up.
constexpr std::size_t kPatience = 8;

}  // namespace

void SmtpDataReader::append(std::string_view bytes) {
  size_ += bytes.size();
  if (too_large()) {
    data_ = {};
  } else {
    data_ += bytes;
  }
}

/// True: this byte was the last one.
bool SmtpDataReader::use(char byte) {
  if (state_ == State::line_start && byte == '.') {
    state_ = State::after_dot;
  } else if (state_ == State::after_dot && byte == '\r') {
    state_ = State::after_dot_cr;
  } else if (state_ == State::after_dot_cr && byte == '\n') {
    return true;
  } else {
    // The dot in front of whatever this is was added by transport, so it is gone.
    if (state_ == State::after_dot_cr) append("\r");
    const bool after_cr = state_ == State::after_cr || state_ == State::after_dot_cr;
    append({&byte, 1});
    state_ = byte == '\r' ? State::after_cr : after_cr && byte == '\n' ? State::line_start : State::in_line;
  }
  return false;
}

SmtpDataReader::Progress SmtpDataReader::feed(std::string_view& input) {
  while (!input.empty()) {
    if (size_ / kPatience > max_size_) return Progress::hopeless;
    if (state_ == State::in_line) {
      const std::size_t length = std::min(input.find('\r'), input.size());
      append(input.substr(0, length));
      input.remove_prefix(length);
      if (input.empty()) return Progress::more;
    }
    const char byte = input.front();
    input.remove_prefix(1);
    if (use(byte)) return Progress::end;
  }
  return Progress::more;
}

}  // namespace obsctl::verifiers
