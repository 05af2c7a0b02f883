// Base64 (RFC 4648, section 4): what HdrHistogram's texts and vegeta's JSON targets are written in.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace obsctl::loadgen {

/// With padding, without line ends.
std::string base64_encoded(std::string_view bytes);

/// With or without padding; nothing for a text with any other character in it.
std::optional<std::string> base64_decoded(std::string_view text);

}  // namespace obsctl::loadgen
