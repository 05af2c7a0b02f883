// How text travels: UTF-8 and the older character sets of mail, base64, quoted-printable, and the encoded
// words of mail headers (RFC 2045, 2047). Every function takes any bytes. Internal to verifiers/.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace obsctl::verifiers {

/// Well-formed by RFC 3629: no overlong forms, no surrogates.
bool is_utf8(std::string_view bytes);

/// Text in a character set as UTF-8: UTF-8, US-ASCII, ISO-8859-1 and -15, Windows-1252. What cannot be read,
/// and everything beyond ASCII in another set, becomes U+FFFD.
std::string to_utf8(std::string_view charset, std::string_view bytes);

/// Appends a code point; U+FFFD for what is none.
void append_utf8(std::string& out, char32_t point);

std::string base64_encoded(std::string_view bytes);
/// Strict (RFC 4648, with padding): nothing when a byte is none of its alphabet or the length is wrong.
std::optional<std::string> base64_decoded(std::string_view text);
/// As mail needs it: bytes outside the alphabet are passed over, the end may be missing.
std::string base64_decoded_leniently(std::string_view text);

/// RFC 2045, 6.7. Escapes that are none are kept as they stand.
std::string quoted_printable_decoded(std::string_view text);

/// A header's value with its encoded words read (RFC 2047): "=?utf-8?q?=5BFIRING=3A1=5D?=".
std::string decoded_header(std::string_view value);

}  // namespace obsctl::verifiers
