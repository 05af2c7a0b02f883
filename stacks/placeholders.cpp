// See placeholders.hpp.
#include "stacks/placeholders.hpp"

#include <fmt/format.h>

namespace obsctl::stacks {

core::Result<std::string> expand(std::string_view text, const PlaceholderValue& value_of) {
  std::string result;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if ((c == '{' || c == '}') && at + 1 < text.size() && text[at + 1] == c) {
      result += c;
      ++at;
      continue;
    }
    if (c != '{') {
      result += c;
      continue;
    }
    const std::size_t end = text.find('}', at);
    if (end == std::string_view::npos) {
      return core::make_error(core::ErrorKind::invalid_input,
                              fmt::format("a brace in \"{}\" is not closed", text),
                              "write {{ for a brace that is meant as such");
    }
    const std::string_view inside = text.substr(at + 1, end - at - 1);
    const std::size_t colon = inside.find(':');
    Placeholder placeholder{std::string(inside.substr(0, colon)), {}};
    if (colon != std::string_view::npos) placeholder.argument = inside.substr(colon + 1);
    core::Result<std::string> value = value_of(placeholder);
    if (!value) return value.error();
    result += *value;
    at = end;
  }
  return result;
}

const std::vector<std::string>& placeholder_names() {
  static const std::vector<std::string> names{"listen", "port", "url",     "token",  "data",          "run",
                                              "obsctl", "file", "address", "scaled", "scaled_seconds"};
  return names;
}

}  // namespace obsctl::stacks
