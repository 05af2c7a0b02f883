// What a person reads in an HTML mail, as lines of text: enough to find labels and states in it, nothing like
// a browser. Internal to verifiers/.
#pragma once

#include <string>
#include <string_view>

namespace obsctl::verifiers {

/// Blocks, table cells and <br> end a line; white space is one space; a link's address follows its text as
/// "<http://…>"; heads, styles, scripts and comments are left out. Takes any bytes; UTF-8 stays UTF-8.
std::string html_to_text(std::string_view html);

}  // namespace obsctl::verifiers
