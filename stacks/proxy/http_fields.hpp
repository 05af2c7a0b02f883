// The header fields of an HTTP/1 message as a proxy needs them: those that frame the message, those that are
// about the connection, and which bytes may be where (RFC 9110, 5 and 7.6.1).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "core/http_request.hpp"

namespace obsctl::stacks {

/// Lines of a head that concern one connection only and are not handed on (RFC 9110, 7.6.1).
class DroppedLines {
 public:
  struct Span {
    std::size_t offset = 0;
    std::size_t size = 0;
  };
  /// Keeps them in the order of the head: nominated lines are found behind the others. False: there are more
  /// than any honest peer sends.
  bool add(Span line) {
    if (count_ == lines_.size()) return false;
    std::size_t at = count_++;
    for (; at > 0 && lines_[at - 1].offset > line.offset; --at) lines_[at] = lines_[at - 1];
    lines_[at] = line;
    return true;
  }
  const Span* begin() const { return lines_.data(); }
  const Span* end() const { return lines_.data() + count_; }

 private:
  std::array<Span, 8> lines_{};
  std::size_t count_ = 0;
};

/// What the fields of either kind of message say.
struct HeaderFields {
  std::optional<std::uint64_t> length = {};
  int hosts = 0;
  bool chunked = false;
  bool close = false;
  bool keep_alive = false;
  bool has_upgrade = false;         ///< there is an Upgrade field
  bool connection_upgrade = false;  ///< and Connection names it
  bool expects_continue = false;
  /// Connection names fields of its own that are not to be handed on.
  bool nominates = false;
  std::string_view nominated_in = {};
  DroppedLines dropped = {};
};

/// Reads the field lines from `offset` of a head to its empty line. What is wrong with them: 400 or 501.
std::optional<core::RequestFailure> read_fields(std::string_view head, std::size_t offset,
                                                HeaderFields& fields);

/// Whether all bytes may be in a method or a field's name (RFC 9110, 5.6.2).
bool is_token(std::string_view text);
/// … in a field's value or a reason phrase.
bool is_field_text(std::string_view text);
/// … in a request's target.
bool is_target(std::string_view text);

}  // namespace obsctl::stacks
