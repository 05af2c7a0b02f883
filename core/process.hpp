// Child processes that can never outlive obsctl.
//
// Linux kills a child whose parent *thread* ends (PR_SET_PDEATHSIG), also when obsctl dies by SIGKILL. So
// children that live on are started from the main thread only, and start() refuses any other.
#pragma once

#include <filesystem>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

#include "core/duration.hpp"
#include "core/error.hpp"

namespace obsctl::core {

struct ProcessOptions {
  /// argv[0] is the program's path.
  std::vector<std::string> argv;
  /// "NAME=value", added to (and overriding) obsctl's own environment.
  std::vector<std::string> environment = {};
  std::filesystem::path working_directory = {};
  /// Standard output and error are appended here; empty: /dev/null. Standard input is always /dev/null.
  std::filesystem::path log_file = {};
  /// Standard error goes here instead, appended; empty: where standard output goes.
  std::filesystem::path error_file = {};
  /// Descriptors that the child inherits as they are; every other one above 2 is closed.
  std::vector<int> inherit = {};
};

struct ExitStatus {
  int code = 0;    ///< when `signal` is 0
  int signal = 0;  ///< the signal that ended it, or 0
  bool ok() const { return code == 0 && signal == 0; }
};

/// "exited with code 1", "was killed by SIGKILL".
std::string to_string(const ExitStatus& status);

struct CommandOutput;

/// A running child. Moving moves ownership; the destructor kills and reaps what is still running.
class ChildProcess {
 public:
  /// Errors: unavailable (no such program, not executable, out of processes), internal (not on the main
  /// thread).
  static Result<ChildProcess> start(const ProcessOptions& options);

  ChildProcess(ChildProcess&& other) noexcept;
  ChildProcess& operator=(ChildProcess&& other) noexcept;
  ~ChildProcess();

  pid_t pid() const { return pid_; }
  /// The status once the child has ended (it is then reaped); nothing while it runs.
  std::optional<ExitStatus> poll();
  /// Sends a signal to the child's process group; does nothing once it has ended.
  void signal(int number);
  /// SIGTERM (and SIGCONT, so that a paused child hears it), at most `grace`, then SIGKILL. Always returns a
  /// reaped child's status.
  ExitStatus stop(Nanoseconds grace);

 private:
  friend Result<CommandOutput> run_command(const ProcessOptions& options, Nanoseconds timeout,
                                           const std::stop_token& stop);
  explicit ChildProcess(pid_t pid) : pid_(pid) {}
  pid_t pid_ = -1;
  std::optional<ExitStatus> status_;
};

/// Starts a program that is meant to outlive its starter: in a session of its own, from any thread, never
/// killed by us. The caller reaps it if it wants its status (waitpid). Errors: as ChildProcess::start.
Result<pid_t> start_detached(const ProcessOptions& options);

/// Waits, at most `patience`, until a process that need not be a child of ours has ended (one that nobody has
/// reaped yet has ended too). True: it has.
bool wait_for_end(pid_t pid, Nanoseconds patience);

struct CommandOutput {
  ExitStatus status;
  std::string text;  ///< standard output and error, in the order written; without error when it has a file
};

/// Runs a command to its end, from any thread: it cannot outlive the call. Errors: those of start, timeout,
/// cancelled. The output is cut at 1 MiB.
Result<CommandOutput> run_command(const ProcessOptions& options, Nanoseconds timeout,
                                  const std::stop_token& stop = {});

/// The first of `names` found in PATH, or in /usr/sbin, /usr/local/bin and /usr/local/sbin, which a user's
/// PATH often lacks. Errors: not_found.
Result<std::filesystem::path> find_program(const std::vector<std::string>& names);

/// The last `lines` lines of a file, at most 8 KiB; empty when it cannot be read.
std::string tail_of_file(const std::filesystem::path& file, int lines);

}  // namespace obsctl::core
