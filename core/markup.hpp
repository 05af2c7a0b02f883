// Text from anywhere as text in HTML and XML.
#pragma once

#include <string>
#include <string_view>

namespace obsctl::core {

/// For text and for attributes in quotation marks of either kind. UTF-8 stays as it is; control characters
/// that XML cannot hold become spaces, U+FFFE and U+FFFF become U+FFFD. Tabs and line ends stay.
std::string escape_markup(std::string_view text);

}  // namespace obsctl::core
