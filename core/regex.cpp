#include "core/regex.hpp"

#include <fmt/format.h>
#include <re2/re2.h>

namespace obsctl::core {

struct Regex::Program {
  explicit Program(const std::string& expression) : compiled(expression, RE2::Quiet) {}
  RE2 compiled;
};

Result<Regex> Regex::parse(const std::string& expression) {
  auto program = std::make_shared<const Program>(expression);
  if (!program->compiled.ok()) {
    return make_error(
        ErrorKind::invalid_input,
        fmt::format("\"{}\" is not a regular expression: {}", expression, program->compiled.error()),
        "write it in RE2's syntax, as Prometheus and Alertmanager take it");
  }
  return Regex(std::move(program));
}

bool Regex::matches_whole(std::string_view text) const {
  return RE2::FullMatch({text.data(), text.size()}, program_->compiled);
}

bool Regex::found_in(std::string_view text) const {
  return RE2::PartialMatch({text.data(), text.size()}, program_->compiled);
}

}  // namespace obsctl::core
