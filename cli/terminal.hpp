// Colour and width, where a person looks at it.
#pragma once

#include <string>
#include <string_view>

namespace obsctl::cli {

enum class Colour { bold, dim, red, green, yellow };

/// The text in a colour, or as it is when `enabled` is false.
std::string paint(std::string_view text, Colour colour, bool enabled);

/// At most `width` columns of a line of UTF-8 that may hold colour codes; every code point counts as one
/// column.
std::string clipped(std::string_view line, int width);

}  // namespace obsctl::cli
