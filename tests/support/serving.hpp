// Runs `obsctl serve …` inside a test, without starting a program.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "cli/command_line.hpp"

namespace obsctl::tests {

/// What these arguments lead to for a server whose first signal has been received already.
inline core::Result<int> serve(std::vector<std::string> arguments) {
  cli::CommandLine line;
  cli::add_serve_commands(line);
  arguments.insert(arguments.begin(), "serve");
  std::reverse(arguments.begin(), arguments.end());  // as CLI11 wants them
  line.app.parse(arguments);
  core::SystemClock clock;
  core::Logger log(core::LogLevel::off);
  std::stop_source stopped;
  stopped.request_stop();
  cli::Context context{.stop = stopped.get_token(), .urgent = {}, .clock = clock, .log = log};
  return line.action(context);
}

inline std::string message_of(const core::Result<int>& result) {
  return result ? "no error" : core::to_string(result.error());
}

}  // namespace obsctl::tests
