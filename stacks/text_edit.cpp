// See text_edit.hpp.
#include "stacks/text_edit.hpp"

#include <algorithm>

namespace obsctl::stacks {

std::string with_edits(std::string_view text, std::vector<TextEdit> edits) {
  std::stable_sort(edits.begin(), edits.end(),
                   [](const TextEdit& a, const TextEdit& b) { return a.offset < b.offset; });
  edits.erase(std::unique(edits.begin(), edits.end()), edits.end());
  std::string result;
  std::size_t copied = 0;
  for (const TextEdit& edit : edits) {
    result += text.substr(copied, edit.offset - copied);
    result += edit.replacement;
    copied = edit.offset + edit.length;
  }
  result += text.substr(copied);
  return result;
}

}  // namespace obsctl::stacks
