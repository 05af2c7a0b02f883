// Runs a program as a user would: its own environment, standard input from a text, and standard output and
// standard error kept apart. What tests of the command line look at.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "core/duration.hpp"
#include "core/process.hpp"

namespace obsctl::tests {

struct ProgramRun {
  std::filesystem::path program;
  std::vector<std::string> args = {};
  /// All that the program sees besides PATH, and HOME and TMPDIR in `folder`.
  std::map<std::string, std::string> environment = {};
  std::string standard_input = {};
  /// Where it runs; a folder of the test's own.
  std::filesystem::path folder;
  /// A program that has not ended by then is killed, which shows in `status`.
  core::Nanoseconds timeout = std::chrono::seconds(20);
};

struct ProgramOutput {
  core::ExitStatus status;
  std::string standard_output;
  std::string standard_error;
};

/// Throws (and so fails the test) when the program cannot be started.
ProgramOutput run_program(const ProgramRun& run);

}  // namespace obsctl::tests
