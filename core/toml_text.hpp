// What is looked at in a TOML text before it is parsed.
#pragma once

#include <optional>
#include <string_view>

#include "core/error.hpp"

namespace obsctl::core {

/// Where the first character stands that is not ASCII although it is neither in a string nor in a comment,
/// which TOML (1.0, "Keys" and "Comment") has no place for. toml++ 3.3 refuses most of them too, but in doing
/// so runs into undefined behaviour for some (U+00D7 for one). Columns count characters. `file` is copied.
std::optional<SourcePosition> first_stray_character(std::string_view text, std::string_view file);

}  // namespace obsctl::core
