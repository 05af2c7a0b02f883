// The repository as the house rules see it: which files there are and what they include. Rules are functions
// over this, so that each can also be shown a made-up tree that breaks it.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace obsctl::tests {

/// Path from the repository's root → content. Holds what belongs to the project: no build output, nothing
/// hidden.
using SourceTree = std::map<std::string, std::string>;

/// The files below the current folder, which has to be the root of the repository.
SourceTree read_source_tree();

struct Include {
  std::string file;  ///< as written
  int line = 0;
  bool quoted = false;  ///< "…" rather than <…>
};

/// The #include lines of a C++ file, in order.
std::vector<Include> includes_of(std::string_view content);

bool is_cpp(std::string_view path);
bool ends_with(std::string_view text, std::string_view end);

/// "core/file.hpp" → "core"; a file in the root gives "".
std::string top_folder(std::string_view path);

/// What breaks a rule, one "file:line: reason" each; a kept rule gives an empty list.
using Violations = std::vector<std::string>;

}  // namespace obsctl::tests
