// Quoted local parts may hold anything, also what ends a path elsewhere.
#include "verifiers/smtp_path.hpp"

#include <algorithm>

#include "core/text.hpp"

namespace obsctl::verifiers {

std::optional<SmtpPath> read_smtp_path(std::string_view text) {
  text = core::trimmed(text);
  const bool clean =
      std::none_of(text.begin(), text.end(), [](unsigned char c) { return c < ' ' || c == 0x7f; });
  if (!text.starts_with('<') || !clean) return std::nullopt;
  bool quoted = false;
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (quoted && text[i] == '\\') {
      ++i;
    } else if (text[i] == '"') {
      quoted = !quoted;
    } else if (text[i] == '>' && !quoted) {
      const std::string_view rest = text.substr(i + 1);
      if (!rest.empty() && rest.front() != ' ') return std::nullopt;
      std::string_view address = text.substr(1, i - 1);
      // An obsolete route in front: <@a,@b:user@c>.
      if (address.starts_with('@')) {
        const std::size_t colon = address.find(':');
        if (colon == std::string_view::npos) return std::nullopt;
        address.remove_prefix(colon + 1);
      }
      return SmtpPath{std::string(address), core::trimmed(rest)};
    }
  }
  return std::nullopt;
}

std::string local_part(std::string_view address) {
  if (!address.starts_with('"')) return std::string(address.substr(0, address.rfind('@')));
  std::string name;
  for (std::size_t i = 1; i < address.size(); ++i) {
    if (address[i] == '"') return name;
    if (address[i] == '\\' && i + 1 < address.size()) ++i;
    name += address[i];
  }
  return {};
}

}  // namespace obsctl::verifiers
