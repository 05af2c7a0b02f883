// Edits of a text by position, so that everything that is not rewritten stays as it was, comments and layout
// included.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace obsctl::stacks {

/// Replaces `length` bytes from `offset` on. A length of 0 inserts.
struct TextEdit {
  std::size_t offset = 0;
  std::size_t length = 0;
  std::string replacement;

  bool operator==(const TextEdit&) const = default;
};

/// The text with every edit made; offsets are those of the original text. Edits do not overlap; the same edit
/// twice is made once.
std::string with_edits(std::string_view text, std::vector<TextEdit> edits);

}  // namespace obsctl::stacks
