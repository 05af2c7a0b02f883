#include "tests/support/run_program.hpp"

#include <cstdlib>

#include "core/clock.hpp"
#include "core/file.hpp"
#include "tests/support/temporary_directory.hpp"

namespace obsctl::tests {

namespace {

using namespace std::chrono_literals;

core::ExitStatus wait_for(core::ChildProcess& child, core::Nanoseconds timeout) {
  core::SystemClock clock;
  const core::SteadyTime deadline = clock.steady_now() + timeout;
  while (clock.steady_now() < deadline) {
    if (const auto status = child.poll()) return *status;
    clock.sleep_for(2ms, {});
  }
  return child.stop(0s);
}

}  // namespace

ProgramOutput run_program(const ProgramRun& run) {
  const TemporaryDirectory streams;
  core::write_file(streams / "in", run.standard_input).value();

  // env clears what the test's own environment would let in, and the shell connects the three streams.
  core::ProcessOptions options;
  options.working_directory = run.folder;
  const char* path = std::getenv("PATH");
  options.argv = {"/usr/bin/env", "-i", std::string("PATH=") + (path != nullptr ? path : "/usr/bin:/bin"),
                  "HOME=" + run.folder.string(), "TMPDIR=" + run.folder.string()};
  for (const auto& [name, value] : run.environment) options.argv.push_back(name + "=" + value);
  const std::string connect =
      "streams=$1; shift; exec \"$@\" <\"$streams/in\" >\"$streams/out\" 2>\"$streams/err\"";
  options.argv.insert(options.argv.end(),
                      {"/bin/sh", "-c", connect, "sh", streams.path().string(), run.program.string()});
  options.argv.insert(options.argv.end(), run.args.begin(), run.args.end());

  core::ChildProcess child = core::ChildProcess::start(options).value();
  ProgramOutput output;
  output.status = wait_for(child, run.timeout);
  output.standard_output = core::read_file(streams / "out").value();
  output.standard_error = core::read_file(streams / "err").value();
  return output;
}

}  // namespace obsctl::tests
