// Commands, one line each; the data of a mail is SmtpDataReader's.
#include "verifiers/smtp_session.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "core/text.hpp"
#include "verifiers/smtp_path.hpp"
#include "verifiers/text_encodings.hpp"

namespace obsctl::verifiers {

namespace {

/// RFC 4954 wants room for 12,288 bytes of AUTH; other commands are far shorter.
constexpr std::size_t kLongestLine = 12'288;
constexpr int kMostMistakes = 20;

std::string upper(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return out;
}

}  // namespace

SmtpSession::Next SmtpSession::feed(std::string_view& input, std::string& output) {
  while (!input.empty()) {
    if (mode_ == Mode::closed) return Next::close;
    if (mode_ == Mode::answering) return Next::message;
    const Next next = mode_ == Mode::data ? feed_data(input, output) : feed_line(input, output);
    if (next != Next::read) return next;
  }
  return Next::read;
}

SmtpSession::Next SmtpSession::feed_line(std::string_view& input, std::string& output) {
  const std::size_t end = input.find('\n');
  const std::string_view part = input.substr(0, end);
  if (line_.size() + part.size() > kLongestLine) line_too_long_ = true;
  if (!line_too_long_) line_ += part;
  input.remove_prefix(end == std::string_view::npos ? input.size() : end + 1);
  if (end == std::string_view::npos) return Next::read;
  std::string line = std::exchange(line_, {});
  if (std::exchange(line_too_long_, false)) return wrong("500 5.5.2 the line is too long", output);
  if (line.ends_with('\r')) line.pop_back();
  if (mode_ == Mode::command) return command(line, output);
  auth_line(line, output);
  return Next::read;
}

SmtpSession::Next SmtpSession::wrong(std::string_view reply, std::string& output) {
  if (++mistakes_ < kMostMistakes) {
    output.append(reply).append("\r\n");
    return Next::read;
  }
  output += "421 4.7.0 too many mistakes, goodbye\r\n";
  mode_ = Mode::closed;
  return Next::close;
}

SmtpSession::Next SmtpSession::command(std::string_view line, std::string& output) {
  const std::size_t space = std::min(line.find(' '), line.size());
  const std::string verb = upper(line.substr(0, space));
  const std::string_view rest = core::trimmed(line.substr(space));
  if (verb != "MAIL" && verb != "RCPT" && verb != "DATA") return command_out_of_mail(verb, rest, output);
  if (!greeted_) return wrong("503 5.5.1 say EHLO first", output);
  if (settings_.auth == SmtpAuth::required && !authenticated_) {
    return wrong("530 5.7.0 authentication is required", output);
  }
  const std::size_t before = output.size();
  if (verb == "MAIL") mail(rest, output);
  if (verb == "RCPT") rcpt(rest, output);
  if (verb == "DATA") data(output);
  // Whatever was refused counts as a mistake, so that nobody can go on for ever.
  if (output[before] == '5' && ++mistakes_ >= kMostMistakes) {
    mode_ = Mode::closed;
    return Next::close;
  }
  return Next::read;
}

SmtpSession::Next SmtpSession::command_out_of_mail(std::string_view verb, std::string_view rest,
                                                   std::string& output) {
  if (verb == "EHLO" || verb == "HELO") {
    if (rest.empty()) return wrong("501 5.5.4 say who you are", output);
    hello(verb, output);
  } else if (verb == "STARTTLS") {
    return start_tls(output);
  } else if (verb == "AUTH") {
    auth(rest, output);
  } else if (verb == "RSET") {
    end_transaction();
    output += "250 2.0.0 forgotten\r\n";
  } else if (verb == "NOOP") {
    output += "250 2.0.0 ok\r\n";
  } else if (verb == "VRFY") {
    output += "252 2.5.0 every address takes mail\r\n";
  } else if (verb == "HELP") {
    output += "214 2.0.0 see RFC 5321\r\n";
  } else if (verb == "QUIT") {
    output += "221 2.0.0 goodbye\r\n";
    mode_ = Mode::closed;
    return Next::close;
  } else {
    return wrong("500 5.5.2 the command is not known", output);
  }
  return Next::read;
}

void SmtpSession::hello(std::string_view verb, std::string& output) {
  end_transaction();
  greeted_ = true;
  if (verb == "HELO") {
    output += "250 obsctl\r\n";
    return;
  }
  output += "250-obsctl\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-ENHANCEDSTATUSCODES\r\n";
  if (settings_.starttls && !secured_) output += "250-STARTTLS\r\n";
  if (settings_.auth != SmtpAuth::off) output += "250-AUTH PLAIN LOGIN\r\n";
  output += fmt::format("250 SIZE {}\r\n", settings_.max_message);
}

/// The reply to a parameter of MAIL that cannot be had; empty: all are fine.
std::string_view SmtpSession::refused_parameter(std::string_view parameters) const {
  for (const std::string_view parameter : core::split(parameters, ' ')) {
    const std::string name = upper(parameter.substr(0, parameter.find('=')));
    if (name == "SIZE" && parameter.size() > 5) {
      const std::string_view digits = parameter.substr(5);
      std::uint64_t size = 0;
      const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), size);
      const bool beyond = error == std::errc::result_out_of_range;
      if (!beyond && (error != std::errc() || end != digits.data() + digits.size())) {
        return "501 5.5.4 SIZE is not a number\r\n";
      }
      if (beyond || size > settings_.max_message) return "552 5.3.4 the message is too large\r\n";
    } else if (!name.empty() && name != "BODY" && name != "SMTPUTF8" && name != "AUTH") {
      return "555 5.5.4 a parameter is not known\r\n";
    }
  }
  return {};
}

void SmtpSession::mail(std::string_view rest, std::string& output) {
  if (sender_state_ == Sender::given) {
    output += "503 5.5.1 there is a sender already\r\n";
    return;
  }
  const auto path = upper(rest.substr(0, 5)) == "FROM:" ? read_smtp_path(rest.substr(5)) : std::nullopt;
  if (!path) {
    output += "501 5.5.4 write it as MAIL FROM:<address>\r\n";
    return;
  }
  if (const std::string_view refused = refused_parameter(path->parameters); !refused.empty()) {
    output += refused;
    return;
  }
  message_.sender = path->address;
  sender_state_ = Sender::given;
  output += "250 2.1.0 ok\r\n";
}

void SmtpSession::rcpt(std::string_view rest, std::string& output) {
  if (sender_state_ == Sender::none) {
    output += "503 5.5.1 MAIL comes first\r\n";
    return;
  }
  const auto path = upper(rest.substr(0, 3)) == "TO:" ? read_smtp_path(rest.substr(3)) : std::nullopt;
  if (!path || !path->parameters.empty()) {
    output += "501 5.5.4 write it as RCPT TO:<address>\r\n";
    return;
  }
  const std::string name = local_part(path->address);
  constexpr std::size_t longest_name = 200;
  if (name.empty() || name.size() > longest_name || name.find('/') != std::string::npos) {
    output += "553 5.1.3 the part before the @ names the receiver: 1 to 200 bytes, no slash\r\n";
    return;
  }
  if (message_.recipients.size() >= settings_.max_recipients) {
    output += "452 4.5.3 too many recipients\r\n";
    return;
  }
  message_.recipients.push_back(path->address);
  output += "250 2.1.5 ok\r\n";
}

void SmtpSession::data(std::string& output) {
  if (message_.recipients.empty()) {
    output += "503 5.5.1 RCPT comes first\r\n";
    return;
  }
  output += "354 end with a dot on a line of its own\r\n";
  mode_ = Mode::data;
  data_ = SmtpDataReader(settings_.max_message);
}

SmtpSession::Next SmtpSession::start_tls(std::string& output) {
  if (!settings_.starttls) return wrong("502 5.5.1 there is no certificate", output);
  if (secured_) return wrong("503 5.5.1 the connection is secured already", output);
  output += "220 2.0.0 go ahead\r\n";
  return Next::start_tls;
}

void SmtpSession::tls_started() {
  end_transaction();
  secured_ = true;
  greeted_ = false;
  authenticated_ = false;
  line_.clear();
}

void SmtpSession::auth(std::string_view rest, std::string& output) {
  const std::size_t space = std::min(rest.find(' '), rest.size());
  const std::string mechanism = upper(rest.substr(0, space));
  const std::string_view initial = core::trimmed(rest.substr(space));
  if (settings_.auth == SmtpAuth::off) {
    output += "502 5.5.1 authentication is not offered\r\n";
  } else if (!greeted_ || authenticated_ || sender_state_ == Sender::given) {
    output += "503 5.5.1 not now\r\n";
  } else if (mechanism == "PLAIN") {
    mode_ = Mode::auth_plain;
    if (initial.empty()) {
      output += "334 \r\n";
    } else {
      auth_line(initial, output);
    }
  } else if (mechanism == "LOGIN") {
    mode_ = Mode::auth_user;
    if (initial.empty()) {
      output += "334 VXNlcm5hbWU6\r\n";  // Username:
    } else {
      auth_line(initial, output);
    }
  } else {
    output += "504 5.5.4 use PLAIN or LOGIN\r\n";
  }
}

void SmtpSession::auth_line(std::string_view line, std::string& output) {
  const Mode at = std::exchange(mode_, Mode::command);
  const auto text = base64_decoded(line == "=" ? std::string_view() : line);
  if (!text || (at == Mode::auth_plain && std::count(text->begin(), text->end(), '\0') != 2)) {
    output += "501 5.5.2 these are no credentials\r\n";
  } else if (at == Mode::auth_user) {
    mode_ = Mode::auth_password;
    output += "334 UGFzc3dvcmQ6\r\n";  // Password:
  } else {
    authenticated_ = true;
    output += "235 2.7.0 welcome\r\n";
  }
}

SmtpSession::Next SmtpSession::feed_data(std::string_view& input, std::string& output) {
  switch (data_.feed(input)) {
    case SmtpDataReader::Progress::more:
      return Next::read;
    case SmtpDataReader::Progress::hopeless:
      output += "552 5.3.4 the message is too large, goodbye\r\n";
      mode_ = Mode::closed;
      return Next::close;
    case SmtpDataReader::Progress::end:
      break;
  }
  if (data_.too_large()) {
    output += "552 5.3.4 the message is too large\r\n";
    end_transaction();
    return Next::read;
  }
  message_.data = data_.take();
  mode_ = Mode::answering;
  return Next::message;
}

SmtpMessage SmtpSession::take_message() {
  return std::exchange(message_, {});
}

void SmtpSession::answer(int code, std::string_view text, std::string& output) {
  output += fmt::format("{} {}\r\n", code, text);
  end_transaction();
}

void SmtpSession::end_transaction() {
  mode_ = Mode::command;
  sender_state_ = Sender::none;
  message_ = {};
}

}  // namespace obsctl::verifiers
