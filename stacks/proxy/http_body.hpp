// Finds the end of an HTTP/1 body in a stream of bytes that is handed on as it is, chunk by chunk if need be.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "stacks/proxy/http_head.hpp"

namespace obsctl::stacks {

class BodyReader {
 public:
  void start(BodyFraming framing);

  /// How many of the bytes at the front belong to the body. After failed() the number means nothing.
  std::size_t take(std::string_view bytes);
  bool done() const { return step_ == Step::done; }
  /// Chunks that cannot be read, or lines of them without end.
  bool failed() const { return step_ == Step::failed; }
  /// The peer has closed: whether that is how this body ends.
  bool ends_at_close() const { return done() || step_ == Step::until_close; }

  static constexpr std::size_t kMaxLine = 1u << 10;      ///< of a chunk's size and its extensions
  static constexpr std::size_t kMaxTrailer = 16u << 10;  ///< all of it

 private:
  enum class Step {
    done,
    failed,
    sized,
    until_close,
    chunk_size,
    chunk_extension,
    chunk_size_lf,
    chunk_data,
    chunk_data_cr,
    chunk_data_lf,
    trailer_start,
    trailer,
    trailer_lf,
    last_lf
  };

  void step(char c);
  void on_size(char c);
  void on_trailer(char c);
  void expect(char c, char wanted, Step next) { step_ = c == wanted ? next : Step::failed; }

  Step step_ = Step::done;
  std::uint64_t left_ = 0;     ///< of the sized body or the chunk
  std::size_t line_size_ = 0;  ///< of the line or the trailer that is being read
  bool has_digit_ = false;
};

}  // namespace obsctl::stacks
