// Errors as values. A caller that can act on a failure gets a Result; the text of an Error always says
// what was wrong, where, and (in `hint`) how to mend it.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include <boost/system/result.hpp>

namespace obsctl::core {

/// What kind of failure it was; decides the exit code when it reaches main (see `exit_code_for` in cli/).
enum class ErrorKind {
  usage,          ///< the command line is wrong; nothing was started
  invalid_input,  ///< a file or a document from outside does not say what it must
  not_found,      ///< a named thing does not exist
  unavailable,    ///< a program, port, peer or permission that is needed is missing
  conflict,       ///< somebody else has it, or was faster; nothing was changed
  timeout,        ///< a deadline passed
  cancelled,      ///< the caller's stop token was triggered
  protocol,       ///< a peer answered something we cannot make sense of
  internal,       ///< a defect in obsctl
};

/// A place in a text file. Lines and columns count from 1; 0 means "not known".
struct SourcePosition {
  std::string file;
  int line = 0;
  int column = 0;
};

struct Error {
  ErrorKind kind = ErrorKind::internal;
  std::string message;  ///< one sentence, no full stop, no trailing newline
  std::string hint;     ///< how to mend it; may be empty
  std::optional<SourcePosition> where;
};

/// "file:line:column: message" followed, when there is one, by a line "  hint: …". No trailing newline.
std::string to_string(const Error& error);

/// An Error on one line, for logs and journal events.
std::string to_line(const Error& error);

/// Called by Result::value() on an error; a defect in the caller, which had to look first.
[[noreturn]] void throw_exception_from_error(const Error& error, const boost::source_location& location);

/// Either a T or an Error.
template <class T>
using Result = boost::system::result<T, Error>;

inline Error make_error(ErrorKind kind, std::string message, std::string hint = {}) {
  return Error{kind, std::move(message), std::move(hint), std::nullopt};
}

}  // namespace obsctl::core
