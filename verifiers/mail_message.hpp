// An email as it was sent (RFC 5322, MIME by RFC 2045 and 2046): the headers that matter here and the
// readable parts, as UTF-8. Total: whatever comes in, something comes out. Internal to verifiers/.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace obsctl::verifiers {

struct MailMessage {
  std::string subject;
  std::string from;             ///< as written, encoded words read
  std::vector<std::string> to;  ///< bare addresses of To, in order
  std::string text;             ///< the text/plain parts, one below the other
  std::string html;             ///< the text/html parts
};

MailMessage read_mail(std::string_view message);

/// The address in "Name <user@example.org>", or the text itself without white space around it.
std::string_view bare_address(std::string_view mailbox);

}  // namespace obsctl::verifiers
