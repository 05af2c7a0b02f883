// Compiling and filling in placeholders.
#include "loadgen/request_text.hpp"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "core/text.hpp"

namespace obsctl::loadgen {

std::uint64_t mixed(std::uint64_t seed, std::uint64_t index) {
  std::uint64_t z = seed * 0x9e3779b97f4a7c15u + index + 0x632be59bd9b4e019u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

namespace {

bool to_number(std::string_view text, std::int64_t& number) {
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
  return failure == std::errc() && end == text.data() + text.size();
}

core::Error unknown_placeholder(std::string_view inside, const Feeder* feeder) {
  std::vector<std::string> names = {"i", "uuid", "random"};
  if (feeder != nullptr) names.insert(names.end(), feeder->columns.begin(), feeder->columns.end());
  return core::make_error(
      core::ErrorKind::invalid_input,
      fmt::format("\"{{{{{}}}}}\" is not a placeholder{}", inside, core::did_you_mean(inside, names)),
      fmt::format("there is {{{{i}}}}, {{{{uuid}}}}, {{{{random 1 100}}}}{}",
                  feeder == nullptr ? ", and with a feeder its columns"
                                    : fmt::format(" and the columns {}", fmt::join(feeder->columns, ", "))));
}

void append_value(std::string& out, std::string_view value, RequestText::Place place) {
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    if (place == RequestText::Place::path && (byte <= 0x20 || byte == 0x7f)) {
      constexpr std::string_view kDigits = "0123456789ABCDEF";
      out += '%';
      out += kDigits[byte >> 4];
      out += kDigits[byte & 15];
    } else if (place == RequestText::Place::header && (c == '\r' || c == '\n' || c == '\0')) {
      out += ' ';
    } else {
      out += c;
    }
  }
}

void append_uuid(std::string& out, std::uint64_t high, std::uint64_t low) {  // RFC 9562, version 4
  high = (high & ~std::uint64_t{0xf000}) | 0x4000;
  low = (low & ~(std::uint64_t{3} << 62)) | (std::uint64_t{2} << 62);
  fmt::format_to(std::back_inserter(out), "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}", high >> 32,
                 (high >> 16) & 0xffff, high & 0xffff, low >> 48, low & 0xffffffffffff);
}

}  // namespace

core::Result<RequestText::Piece> RequestText::compile_placeholder(std::string_view inside,
                                                                  const Feeder* feeder) {
  Piece piece;
  const std::string_view name = core::trimmed(inside);
  if (feeder != nullptr) {  // a column may carry any name, also "i"
    const auto column = std::find(feeder->columns.begin(), feeder->columns.end(), name);
    if (column != feeder->columns.end()) {
      piece.kind = Kind::column;
      piece.column = static_cast<std::size_t>(column - feeder->columns.begin());
      return piece;
    }
  }
  if (name == "i") {
    piece.kind = Kind::index;
    return piece;
  }
  if (name == "uuid") {
    piece.kind = Kind::uuid;
    return piece;
  }
  if (name.substr(0, 7) == "random ") {
    const std::string_view range = core::trimmed(name.substr(7));
    const std::size_t blank = range.find(' ');
    if (blank != std::string_view::npos && to_number(range.substr(0, blank), piece.low) &&
        to_number(core::trimmed(range.substr(blank)), piece.high) && piece.low <= piece.high) {
      piece.kind = Kind::random;
      return piece;
    }
  }
  return unknown_placeholder(name, feeder);
}

core::Result<RequestText> RequestText::compile(std::string_view text, const Feeder* feeder, Place place) {
  RequestText compiled;
  compiled.place_ = place;
  while (!text.empty()) {
    const std::size_t open = text.find("{{");
    const std::size_t close = open == std::string_view::npos ? open : text.find("}}", open);
    if (close == std::string_view::npos) break;
    if (open > 0) compiled.pieces_.push_back({Kind::literal, std::string(text.substr(0, open)), 0, 0, 0});
    const auto piece = compile_placeholder(text.substr(open + 2, close - open - 2), feeder);
    if (!piece) return piece.error();
    compiled.pieces_.push_back(*piece);
    compiled.fixed_ = false;
    text.remove_prefix(close + 2);
  }
  if (!text.empty()) compiled.pieces_.push_back({Kind::literal, std::string(text), 0, 0, 0});
  return compiled;
}

void RequestText::append(std::string& out, std::uint64_t seed, std::int64_t i, const Feeder* feeder,
                         std::size_t row) const {
  const auto index = static_cast<std::uint64_t>(i);
  for (std::size_t k = 0; k < pieces_.size(); ++k) {
    const Piece& piece = pieces_[k];
    switch (piece.kind) {
      case Kind::literal:
        out += piece.text;
        break;
      case Kind::index:
        fmt::format_to(std::back_inserter(out), "{}", i);
        break;
      case Kind::uuid:
        append_uuid(out, mixed(seed + 2 * k, index), mixed(seed + 2 * k + 1, index));
        break;
      case Kind::random: {
        const auto width = static_cast<std::uint64_t>(piece.high) - static_cast<std::uint64_t>(piece.low) + 1;
        const std::uint64_t draw = mixed(seed + 1'000'003 * (k + 1), index);
        const auto value = static_cast<std::uint64_t>(piece.low) + (width == 0 ? draw : draw % width);
        fmt::format_to(std::back_inserter(out), "{}", static_cast<std::int64_t>(value));
        break;
      }
      case Kind::column:
        append_value(out, feeder->rows[row][piece.column], place_);
        break;
    }
  }
}

}  // namespace obsctl::loadgen
