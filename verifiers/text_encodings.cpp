// Written by hand: the inputs are hostile, and every function here is total.
#include "verifiers/text_encodings.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

#include "core/text.hpp"

namespace obsctl::verifiers {

namespace {

constexpr char32_t kReplacement = 0xFFFD;

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return out;
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

/// The length of the well-formed sequence at the front; 0: there is none.
std::size_t sequence_length(std::string_view bytes) {
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
  const unsigned char lead = at(0);
  if (lead < 0x80) return 1;
  const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || bytes.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((at(i) & 0xC0) != 0x80) return 0;
  }
  if (lead == 0xE0 && at(1) < 0xA0) return 0;
  if (lead == 0xED && at(1) > 0x9F) return 0;
  if (lead == 0xF0 && at(1) < 0x90) return 0;
  if (lead == 0xF4 && at(1) > 0x8F) return 0;
  return length;
}

/// Windows-1252 between 0x80 and 0x9F; 0 where it is not defined.
constexpr std::array<char16_t, 32> kWindows1252 = {
    0x20AC, 0,      0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160,
    0x2039, 0x0152, 0,      0x017D, 0,      0,      0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
    0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0,      0x017E, 0x0178};

enum class Charset { utf8, latin1, latin9, windows1252, other };

Charset charset_of(std::string_view name) {
  const std::string text = lower(name);
  if (text.empty() || text == "utf-8" || text == "utf8") return Charset::utf8;
  if (text == "iso-8859-1" || text == "latin1") return Charset::latin1;
  if (text == "iso-8859-15") return Charset::latin9;
  if (text == "windows-1252" || text == "cp1252") return Charset::windows1252;
  return Charset::other;
}

char32_t latin9_point(unsigned char byte) {
  constexpr std::array<std::pair<unsigned char, char16_t>, 8> differences = {{{0xA4, 0x20AC},
                                                                              {0xA6, 0x0160},
                                                                              {0xA8, 0x0161},
                                                                              {0xB4, 0x017D},
                                                                              {0xB8, 0x017E},
                                                                              {0xBC, 0x0152},
                                                                              {0xBD, 0x0153},
                                                                              {0xBE, 0x0178}}};
  for (const auto& [from, to] : differences) {
    if (byte == from) return to;
  }
  return byte;
}

char32_t point_of(Charset charset, unsigned char byte) {
  if (byte < 0x80 || charset == Charset::latin1) return byte;
  if (charset == Charset::latin9) return latin9_point(byte);
  if (charset != Charset::windows1252) return kReplacement;
  if (byte >= 0xA0) return byte;
  const char16_t point = kWindows1252[byte - 0x80];
  return point == 0 ? kReplacement : point;
}

constexpr std::string_view kBase64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

constexpr std::array<std::int16_t, 256> base64_values() {
  std::array<std::int16_t, 256> values{};
  for (auto& value : values) value = -1;
  for (std::size_t i = 0; i < kBase64.size(); ++i) {
    values[static_cast<unsigned char>(kBase64[i])] = static_cast<std::int16_t>(i);
  }
  return values;
}

/// Decodes; `strict` refuses what is not of the alphabet and a length that no encoder makes.
std::optional<std::string> decode_base64(std::string_view text, bool strict) {
  static constexpr auto values = base64_values();
  std::string out;
  out.reserve(text.size() / 4 * 3);
  std::uint32_t bits = 0;
  std::size_t count = 0, digits = 0;
  std::size_t end = text.size();
  for (std::size_t padding = 0; strict && padding < 2 && end > 0 && text[end - 1] == '='; ++padding) --end;
  if (strict && text.size() % 4 != 0) return std::nullopt;
  for (std::size_t i = 0; i < end; ++i) {
    if (!strict && text[i] == '=') break;
    const int value = values[static_cast<unsigned char>(text[i])];
    if (value < 0) {
      if (strict) return std::nullopt;
      continue;
    }
    ++digits;
    bits = (bits << 6 | static_cast<std::uint32_t>(value)) & 0xFFFFFF;
    count += 6;
    if (count < 8) continue;
    count -= 8;
    out += static_cast<char>(bits >> count & 0xFF);
  }
  if (strict && digits % 4 == 1) return std::nullopt;
  return out;
}

}  // namespace

bool is_utf8(std::string_view bytes) {
  while (!bytes.empty()) {
    const std::size_t length = sequence_length(bytes);
    if (length == 0) return false;
    bytes.remove_prefix(length);
  }
  return true;
}

void append_utf8(std::string& out, char32_t point) {
  if (point > 0x10FFFF || (point >= 0xD800 && point <= 0xDFFF)) point = kReplacement;
  const auto add = [&out](char32_t byte) { out += static_cast<char>(static_cast<unsigned char>(byte)); };
  if (point < 0x80) return add(point);
  if (point < 0x800) {
    add(0xC0 | point >> 6);
  } else if (point < 0x10000) {
    add(0xE0 | point >> 12);
    add(0x80 | (point >> 6 & 0x3F));
  } else {
    add(0xF0 | point >> 18);
    add(0x80 | (point >> 12 & 0x3F));
    add(0x80 | (point >> 6 & 0x3F));
  }
  add(0x80 | (point & 0x3F));
}

std::string to_utf8(std::string_view charset, std::string_view bytes) {
  const Charset set = charset_of(charset);
  if (set == Charset::utf8 && is_utf8(bytes)) return std::string(bytes);
  std::string out;
  out.reserve(bytes.size());
  while (!bytes.empty()) {
    const std::size_t length = set == Charset::utf8 ? sequence_length(bytes) : 0;
    if (length > 0) {
      out += bytes.substr(0, length);
    } else {
      append_utf8(out, point_of(set, static_cast<unsigned char>(bytes.front())));
    }
    bytes.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return out;
}

std::string base64_encoded(std::string_view bytes) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::string_view group = bytes.substr(i, 3);
    std::uint32_t bits = 0;
    for (std::size_t k = 0; k < 3; ++k) {
      bits = bits << 8 | (k < group.size() ? static_cast<unsigned char>(group[k]) : 0U);
    }
    for (std::size_t k = 0; k < 4; ++k) {
      out += k <= group.size() ? kBase64[bits >> (18 - 6 * k) & 0x3F] : '=';
    }
  }
  return out;
}

std::optional<std::string> base64_decoded(std::string_view text) {
  return decode_base64(text, true);
}

std::string base64_decoded_leniently(std::string_view text) {
  return *decode_base64(text, false);
}

std::string quoted_printable_decoded(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '=') {
      out += text[i];
      continue;
    }
    const std::string_view rest = text.substr(i + 1);
    // A soft line break, with the white space that transports put in front of it.
    const std::size_t blank = std::min(rest.find_first_not_of(" \t"), rest.size());
    if (const std::string_view after = rest.substr(blank);
        after.starts_with("\r\n") || after.starts_with('\n')) {
      i += blank + (after.starts_with('\r') ? 2 : 1);
      continue;
    }
    const int high = rest.empty() ? -1 : hex_digit(rest[0]);
    const int low = rest.size() < 2 ? -1 : hex_digit(rest[1]);
    if (high < 0 || low < 0) {
      out += '=';
      continue;
    }
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return out;
}

namespace {

struct EncodedWord {
  std::string charset;
  std::string bytes;
  std::size_t length = 0;  ///< of its source
};

/// RFC 2047 allows 75 bytes; some senders write more. A bound keeps hostile headers cheap.
constexpr std::size_t kLongestWord = 2000;

/// "=?charset?q?text?=" at the front of `text`.
std::optional<EncodedWord> encoded_word(std::string_view text) {
  text = text.substr(0, kLongestWord);
  if (!text.starts_with("=?")) return std::nullopt;
  const std::size_t first = text.find('?', 2);
  if (first == std::string_view::npos || first + 2 >= text.size() || text[first + 2] != '?')
    return std::nullopt;
  const std::size_t end = text.find("?=", first + 3);
  if (end == std::string_view::npos) return std::nullopt;
  EncodedWord word;
  word.charset = text.substr(2, first - 2);
  word.charset = word.charset.substr(0, word.charset.find('*'));  // RFC 2231's language
  word.length = end + 2;
  std::string body(text.substr(first + 3, end - first - 3));
  if (body.find_first_of(" \t\r\n") != std::string::npos) return std::nullopt;
  switch (text[first + 1]) {
    case 'q':
    case 'Q':
      std::replace(body.begin(), body.end(), '_', ' ');
      word.bytes = quoted_printable_decoded(body);
      return word;
    case 'b':
    case 'B':
      word.bytes = base64_decoded_leniently(body);
      return word;
    default:
      return std::nullopt;
  }
}

}  // namespace

std::string decoded_header(std::string_view value) {
  std::string out;
  // Neighbouring words of one character set are put together first: encoders cut inside characters.
  std::optional<EncodedWord> open;
  const auto close = [&] {
    if (open) out += to_utf8(open->charset, open->bytes);
    open.reset();
  };
  while (!value.empty()) {
    const std::size_t blank = std::min(value.find_first_not_of(" \t\r\n"), value.size());
    auto word = encoded_word(value.substr(blank));
    if (word && (open || blank == 0)) {
      value.remove_prefix(blank + word->length);
      if (open && open->charset == word->charset) {
        open->bytes += word->bytes;
      } else {
        close();
        open = std::move(word);
      }
      continue;
    }
    close();
    const std::size_t next = std::max<std::size_t>(std::min(value.find("=?", 1), value.size()), 1);
    out += to_utf8("utf-8", value.substr(0, next));
    value.remove_prefix(next);
  }
  close();
  return out;
}

}  // namespace obsctl::verifiers
