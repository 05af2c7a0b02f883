// Detached stacks. A supervisor (obsctl itself, in a session of its own) owns the services on its main thread
// and serves a control API on loopback; its address and token are in stack.json in the run directory,
// readable by the user alone. When the supervisor dies, by whatever signal, the kernel ends the services.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "core/duration.hpp"
#include "core/error.hpp"
#include "stacks/runtime.hpp"
#include "stacks/stack.hpp"

namespace obsctl::stacks {

/// Starts a supervisor in the background, passes its progress on, and returns once the stack is ready. The
/// instance name defaults to the stack's name. Errors: those of bring_up; when it fails, or when `stop` is
/// triggered, nothing is left behind.
core::Result<std::unique_ptr<Stack>> up_detached(const Manifest& manifest, const UpOptions& options,
                                                 const ProgressCallback& progress,
                                                 const std::stop_token& stop);

/// A detached (or foreground) stack that is already up, by instance name. Errors: not_found (with the nearest
/// name, or with what is left of one whose supervisor died), unavailable, timeout, protocol.
core::Result<std::unique_ptr<Stack>> attach(std::string_view instance,
                                            const std::filesystem::path& parent = {});

struct RunningStack {
  std::string instance;
  std::string stack;
  double time_scale = 1.0;
  Runtime runtime = Runtime::native;
  pid_t supervisor = 0;
  std::filesystem::path run_directory;
};

/// The stacks of this user that are up and can be attached to, sorted by instance. Removes what dead ones
/// left.
std::vector<RunningStack> running_stacks(const std::filesystem::path& parent = {});

/// What the supervisor tells whoever started it.
struct SupervisorCallbacks {
  ProgressCallback progress = {};
  /// The stack is up and can be attached to.
  std::function<void(Stack&)> ready = {};
  /// A service ended by itself; once for each end.
  std::function<void(const ServiceFailure&)> failed = {};
};

/// The supervisor itself: brings the stack up, serves the control API and stays until `stop` is triggered or
/// somebody takes the stack down. Main thread only. Errors: those of bring_up, and unavailable when the
/// control API cannot listen. A service that ends by itself does not end the supervisor.
core::Result<void> supervise(const Manifest& manifest, const UpOptions& options,
                             const SupervisorCallbacks& callbacks, const std::stop_token& stop);

/// How a supervisor in the background tells its starter, one JSON line an event, over the descriptor that it
/// was given. Writing to a starter that has gone is no error.
class SupervisorReport {
 public:
  explicit SupervisorReport(int descriptor) : descriptor_(descriptor) {}
  void progress(const Progress& progress);
  void ready();
  void error(const core::Error& error);

 private:
  void write(const std::string& line);
  int descriptor_;
};

}  // namespace obsctl::stacks
