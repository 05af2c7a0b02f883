// See addresses.hpp.
#include "stacks/addresses.hpp"

#include <cctype>

namespace obsctl::stacks {

namespace {

/// What a host name, a port or a path segment that merely contains an address would go on with.
bool belongs_to_a_word(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_' || c == '.';
}

/// "api:8080." at the end of a sentence stands alone, "api:8080.example" does not.
bool ends_here(std::string_view rest) {
  if (rest.empty() || !belongs_to_a_word(rest.front())) return true;
  return rest.front() == '.' && (rest.size() == 1 || !belongs_to_a_word(rest[1]));
}

}  // namespace

std::string with_addresses(std::string_view text, const AddressMap& addresses) {
  std::string result;
  std::size_t at = 0;
  while (at < text.size()) {
    const bool may_begin = at == 0 || !belongs_to_a_word(text[at - 1]);
    std::size_t taken = 0;
    if (may_begin) {
      for (const auto& [name, address] : addresses) {
        if (!text.substr(at).starts_with(name) || !ends_here(text.substr(at + name.size()))) continue;
        result += address;
        taken = name.size();
        break;
      }
    }
    if (taken == 0) {
      result += text[at];
      taken = 1;
    }
    at += taken;
  }
  return result;
}

}  // namespace obsctl::stacks
