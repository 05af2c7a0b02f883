// The native runtime: a stack's services as child processes on free loopback ports, from copies of the
// stack's files in which exactly the addresses, and with a time scale the durations, have been rewritten.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "core/duration.hpp"
#include "core/error.hpp"
#include "stacks/manifest.hpp"
#include "stacks/stack.hpp"

namespace obsctl::stacks {

struct UpOptions {
  /// Every duration in rules, scrape and evaluation intervals and group timers is multiplied by this.
  double time_scale = 1.0;
  /// The name of this copy. Empty: the stack's name and six random characters.
  std::string instance = {};
  /// Where run directories are made. Empty: core::state_directory()/stacks.
  std::filesystem::path parent = {};
  /// obsctl, which runs the sample services. Empty: $OBSCTL_BINARY, else this process's own program.
  std::filesystem::path obsctl = {};
  /// "NAME=value" for every service.
  std::vector<std::string> environment = {};
  /// For everything to become ready.
  core::Nanoseconds ready_within = std::chrono::seconds(60);
};

/// A step on the way up.
struct Progress {
  enum class Kind {
    started,             ///< `service` has been started
    service_ready,       ///< `service` answers its readiness probe
    targets_up,          ///< `done` of `total` scrape targets are up; reported on each change
    alertmanager_found,  ///< Prometheus has discovered its Alertmanager
    ready,               ///< all of it
  };
  Kind kind;
  std::string service;
  int done = 0;
  int total = 0;
  core::Nanoseconds elapsed{};  ///< since up_native was called
};

using ProgressCallback = std::function<void(const Progress&)>;

/// Starts every service at once and returns when each is ready, every scrape target of a Prometheus is up and
/// it has discovered its Alertmanagers. On failure nothing is left behind: no process, no file. Main thread
/// only. Errors: unavailable (a missing program, a service that ended: with its own last lines),
/// invalid_input (a file that cannot be rewritten faithfully, with its place; an instance name that is
/// taken), timeout (naming what is not ready), cancelled.
core::Result<std::unique_ptr<Stack>> up_native(const Manifest& manifest, const UpOptions& options,
                                               const ProgressCallback& progress, const std::stop_token& stop);

}  // namespace obsctl::stacks
