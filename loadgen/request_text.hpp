// Text with placeholders, compiled once and filled in for each request without allocation: {{i}} (the
// arrival's index),
// {{uuid}}, {{random 1 100}} and {{column}} of a feeder. What is filled in depends on the seed and the
// arrival's index only, so that a run can be repeated and several generators never send the same values by
// accident.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"
#include "loadgen/plan.hpp"

namespace obsctl::loadgen {

/// A good 64-bit mix of two numbers: the source of everything random that depends on an arrival's index.
std::uint64_t mixed(std::uint64_t seed, std::uint64_t index);

class RequestText {
 public:
  /// What must not reach the wire from a value: blanks and control characters in a path (percent-encoded),
  /// line ends in a header (made blanks), nothing in a body.
  enum class Place { path, header, body };

  /// Errors: invalid_input, naming the placeholder and what there is.
  static core::Result<RequestText> compile(std::string_view text, const Feeder* feeder, Place place);

  bool is_fixed() const { return fixed_; }
  /// Appends the text for arrival `i`. `feeder` is the one it was compiled with; `row` the row that is i's
  /// turn.
  void append(std::string& out, std::uint64_t seed, std::int64_t i, const Feeder* feeder,
              std::size_t row) const;

 private:
  enum class Kind { literal, index, uuid, random, column };
  struct Piece {
    Kind kind = Kind::literal;
    std::string text;
    std::int64_t low = 0;
    std::int64_t high = 0;
    std::size_t column = 0;
  };
  static core::Result<Piece> compile_placeholder(std::string_view inside, const Feeder* feeder);
  std::vector<Piece> pieces_;
  Place place_ = Place::body;
  bool fixed_ = true;
};

}  // namespace obsctl::loadgen
