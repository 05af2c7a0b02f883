#include "cli/terminal.hpp"

#include <array>

namespace obsctl::cli {

std::string paint(std::string_view text, Colour colour, bool enabled) {
  constexpr std::array<std::string_view, 5> kCodes{"1", "2", "31", "32", "33"};
  if (!enabled || text.empty()) return std::string(text);
  std::string painted = "\x1b[";
  painted += kCodes.at(static_cast<std::size_t>(colour));
  painted += 'm';
  painted += text;
  return painted + "\x1b[0m";
}

std::string clipped(std::string_view line, int width) {
  std::string kept;
  int columns = 0;
  bool in_code = false;
  for (const char c : line) {
    if (c == '\x1b') in_code = true;
    const bool begins = (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;  // not inside a UTF-8 sequence
    if (!in_code && begins && ++columns > width) return kept + "\x1b[0m";
    kept += c;
    if (in_code && c == 'm') in_code = false;
  }
  return kept;
}

}  // namespace obsctl::cli
