// obsctl stack logs: the services' own lines, those there are and, when asked, those to come.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "cli/command_line.hpp"
#include "core/error.hpp"
#include "stacks/stack.hpp"

namespace obsctl::cli {

struct LogOptions {
  std::string service;  ///< empty: all, each line with its service's name before it
  int lines = 100;      ///< the last so many of each service; 0: from the beginning
  bool follow = false;  ///< until Ctrl-C, or until the stack is gone
  bool json = false;    ///< one {"service", "line"} a line
};

/// Errors: not_found (no such service); those of status().
core::Result<int> show_logs(stacks::Stack& stack, const LogOptions& options, Context& context);

}  // namespace obsctl::cli
