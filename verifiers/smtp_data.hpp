// The data of one mail on the wire (RFC 5321, 4.5.2): finds its end, takes off the dots that transport adds,
// and keeps no more than it may. Internal to verifiers/.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace obsctl::verifiers {

class SmtpDataReader {
 public:
  explicit SmtpDataReader(std::size_t max_size) : max_size_(max_size) {}

  enum class Progress {
    more,     ///< everything has been used
    end,      ///< the end was found; what follows it is still in the input
    hopeless  ///< many times larger than it may be: not worth reading to its end
  };
  /// Uses bytes from the front of `input`.
  Progress feed(std::string_view& input);

  bool too_large() const { return size_ > max_size_; }
  /// The mail, as it was before transport; empty when it is too large.
  std::string take() { return std::exchange(data_, {}); }

 private:
  /// Where in "\r\n.\r\n" the data stands.
  enum class State { line_start, after_dot, after_dot_cr, in_line, after_cr };

  bool use(char byte);
  void append(std::string_view bytes);

  std::size_t max_size_;
  State state_ = State::line_start;
  std::size_t size_ = 0;  ///< of what came, also beyond the limit
  std::string data_;
};

}  // namespace obsctl::verifiers
