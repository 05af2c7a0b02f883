// Bringing a stack up, whatever its services run in: child processes of obsctl (native_runtime.hpp) or
// containers (compose_runtime.hpp). What is the same for both is said here.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
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
  Runtime runtime = Runtime::native;
  /// Services that are left out, by name: one whose image cannot be had here, say.
  std::vector<std::string> without = {};
  /// "NAME=value" for every service, and for what starts them.
  std::vector<std::string> environment = {};
  /// For everything to become ready.
  core::Nanoseconds ready_within = std::chrono::seconds(60);
};

/// A step on the way up.
struct Progress {
  enum class Kind {
    image_wanted,        ///< the image of `service` is fetched or built, which can take minutes
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
  core::Nanoseconds elapsed{};  ///< since bring_up was called
};

using ProgressCallback = std::function<void(const Progress&)>;

/// Starts every service and returns when each is ready, every scrape target of a Prometheus is up and it has
/// discovered its Alertmanagers. On failure nothing is left behind: no process, no container, no file. Main
/// thread only. Errors: unavailable (a missing program, engine or image; a service that ended: with its own
/// last lines), invalid_input (a file that cannot be rewritten faithfully, with its place; an instance name
/// that is taken), not_found (a service in `without` that the stack does not have), timeout (naming what is
/// not ready), cancelled.
core::Result<std::unique_ptr<Stack>> bring_up(const Manifest& manifest, const UpOptions& options,
                                              const ProgressCallback& progress, const std::stop_token& stop);

}  // namespace obsctl::stacks
