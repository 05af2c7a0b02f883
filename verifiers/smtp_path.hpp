// The paths in SMTP's MAIL and RCPT (RFC 5321, 4.1.2): "<user@example.org> SIZE=100". Internal to verifiers/.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace obsctl::verifiers {

struct SmtpPath {
  std::string address;          ///< empty for "<>"
  std::string_view parameters;  ///< what follows
};

/// Nothing when it is none. An obsolete route in front ("<@a,@b:user@c>") is left out.
std::optional<SmtpPath> read_smtp_path(std::string_view text);

/// The part of an address before the @, unquoted.
std::string local_part(std::string_view address);

}  // namespace obsctl::verifiers
