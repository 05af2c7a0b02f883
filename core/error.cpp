#include "core/error.hpp"

#include <stdexcept>

#include <fmt/format.h>

namespace obsctl::core {

namespace {

std::string prefix(const Error& error) {
  if (!error.where) return {};
  const SourcePosition& at = *error.where;
  if (at.line == 0) return fmt::format("{}: ", at.file);
  return fmt::format("{}:{}:{}: ", at.file, at.line, at.column);
}

}  // namespace

std::string to_string(const Error& error) {
  std::string text = prefix(error) + error.message;
  if (!error.hint.empty()) text += "\n  hint: " + error.hint;
  return text;
}

std::string to_line(const Error& error) {
  std::string text = prefix(error) + error.message;
  if (!error.hint.empty()) text += " (" + error.hint + ")";
  for (char& c : text) {
    if (c == '\n') c = ' ';
  }
  return text;
}

void throw_exception_from_error(const Error& error, const boost::source_location& location) {
  throw std::logic_error(fmt::format("{}:{}: the value of a failed result was used: {}", location.file_name(),
                                     location.line(), to_line(error)));
}

}  // namespace obsctl::core
