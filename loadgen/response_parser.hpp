// Reads HTTP/1.1 answers (RFC 9112) as they arrive, in pieces of any size, without copying and without
// looking at what a load generator does not need. The peer is not trusted: every length and count has a
// limit.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace obsctl::loadgen {

class ResponseParser {
 public:
  enum class State { more, done, failed };

  /// What to keep besides the status: nothing, unless checks want it.
  struct Wanted {
    bool headers = false;
    std::size_t body = 0;  ///< up to so many bytes
  };

  /// Ready for the next answer. `head`: it answers a HEAD request, so it has no body whatever its headers
  /// say.
  void reset(bool head, Wanted wanted);
  void reset(bool head) { reset(head, Wanted{}); }

  /// Takes bytes from the front of `input` until the answer is complete or the input is used up. `done`
  /// leaves what follows the answer in `input`. After `done` or `failed` only reset() may be called.
  State feed(std::string_view& input);

  /// The peer has closed: `done` if that is how this answer ends, else `failed`.
  State end_of_stream();

  /// True once a byte of the answer has been read.
  bool started() const { return started_; }
  int status() const { return status_; }
  /// Whether the connection may carry another request after `done`.
  bool keep_alive() const { return keep_alive_; }
  std::int64_t body_bytes() const { return body_bytes_; }
  /// "name: value\n" lines, when wanted.
  const std::string& headers() const { return headers_; }
  /// The body or its beginning, when wanted.
  const std::string& body() const { return body_; }
  /// Why it failed: a fixed text.
  const char* failure() const { return failure_; }

  static constexpr std::size_t kMaxLine = 16u << 10;
  static constexpr std::size_t kMaxHeaders = 64u << 10;
  static constexpr int kMaxInterim = 32;

 private:
  enum class Step {
    status_line,
    header,
    sized_body,
    body_to_close,
    chunk_size,
    chunk_data,
    chunk_end,
    trailer
  };
  enum class LineResult { none, line, failed };

  State fail(const char* why);
  LineResult take_line(std::string_view& input, std::string_view& line);
  State on_line(std::string_view line);
  State on_status_line(std::string_view line);
  State on_header(std::string_view line);
  State on_content_length(std::string_view value);
  State on_headers_end();
  State on_chunk_size(std::string_view line);
  void take_body(std::string_view& input);
  void start_over();

  Step step_ = Step::status_line;
  std::string partial_;  ///< of a line that is split over reads
  bool partial_used_ = false;
  bool started_ = false;
  bool head_ = false;
  Wanted wanted_;
  int interim_ = 0;
  int status_ = 0;
  bool keep_alive_ = true;
  bool http10_ = false;
  bool chunked_ = false;
  bool other_coding_ = false;
  std::int64_t length_ = -1;
  std::int64_t remaining_ = 0;
  std::int64_t body_bytes_ = 0;
  std::size_t header_bytes_ = 0;
  std::string headers_;
  std::string body_;
  const char* failure_ = "";
};

}  // namespace obsctl::loadgen
