// Small things about text that several folders need.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace obsctl::core {

/// The candidate nearest to `word` (optimal string alignment distance), if it is near enough to have been
/// meant: at most a third of the word's length, at least 2. Empty otherwise.
std::string nearest_name(std::string_view word, const std::vector<std::string>& candidates);

/// " (did you mean "x"?)" or nothing.
std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates);

/// True when `text` matches a glob in which `*` stands for any run of characters. Everything else is literal.
bool glob_matches(std::string_view pattern, std::string_view text);

/// The parts between the separators, with empty parts kept: "a,,b" → {a, "", b}; "" → {""}.
std::vector<std::string_view> split(std::string_view text, char separator);

/// Without spaces, tabs and line ends at both ends.
std::string_view trimmed(std::string_view text);

/// Whether two secrets are equal, in a time that depends on the length of `given` only.
bool equal_in_constant_time(std::string_view given, std::string_view secret);

}  // namespace obsctl::core
