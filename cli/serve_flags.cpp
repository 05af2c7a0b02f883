#include "cli/serve_flags.hpp"

#include <cctype>
#include <cstdlib>

#include <fmt/format.h>

#include "core/file.hpp"
#include "core/text.hpp"

namespace obsctl::cli {

using core::ErrorKind;
using core::make_error;

std::string ServeFlags::variable_of(std::string_view flag) const {
  std::string name(prefix_);
  for (const char c : flag.substr(1)) name += c == '-' ? '_' : static_cast<char>(std::toupper(c));
  return name;
}

core::Error ServeFlags::at_flag(std::string_view flag, const core::Error& error) const {
  return make_error(ErrorKind::usage, fmt::format("{} ({}): {}", flag, variable_of(flag), error.message),
                    error.hint);
}

core::Result<std::string> ServeFlags::read_token(const std::string& file) const {
  if (file.empty()) {
    const char* token = std::getenv(variable_of("--token").c_str());
    return std::string(core::trimmed(token == nullptr ? "" : token));
  }
  const core::Result<std::string> text = core::read_file(file);
  if (!text) return text.error();
  std::string token(core::trimmed(core::split(*text, '\n').front()));
  if (token.empty())
    return make_error(ErrorKind::usage, fmt::format("{} has no token in its first line", file));
  return token;
}

void FlagReader::positive_duration(std::string_view flag, const std::string& text, core::Nanoseconds& into) {
  duration(flag, text, into);
  if (error_ || into > core::Nanoseconds::zero()) return;
  error_ = flags_.at_flag(flag, make_error(ErrorKind::usage, "must be above 0"));
}

}  // namespace obsctl::cli
