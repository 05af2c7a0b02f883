// Regular expressions as Prometheus and Alertmanager read them. Both are Go programs, whose syntax is RE2's:
// no backreferences, no lookaround, and a search that takes linear time and no stack whatever the text.
// Nothing else includes RE2.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "core/error.hpp"

namespace obsctl::core {

/// A compiled expression; copies share it. Safe to use from several threads.
class Regex {
 public:
  /// Source: https://github.com/google/re2/wiki/Syntax. Errors: invalid_input, with RE2's reason; also when
  /// the compiled expression would need more than 8 MiB.
  static Result<Regex> parse(const std::string& expression);

  /// True when the whole of `text` matches, as a label matcher asks.
  bool matches_whole(std::string_view text) const;
  /// True when any part of `text` matches.
  bool found_in(std::string_view text) const;

 private:
  struct Program;
  explicit Regex(std::shared_ptr<const Program> program) : program_(std::move(program)) {}

  std::shared_ptr<const Program> program_;
};

}  // namespace obsctl::core
