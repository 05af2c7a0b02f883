// A running stack as everyone else sees it: named services with an address each, that can be asked, stopped,
// started and signalled, and all of them taken down together. NativeStack owns child processes; RemoteStack
// talks to the supervisor of a detached stack, ComposeStack to the engine of a stack in containers.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

#include "core/error.hpp"
#include "core/process.hpp"
#include "stacks/manifest.hpp"

namespace obsctl::stacks {

enum class ServiceState {
  starting,  ///< started, not ready yet
  running,
  paused,   ///< by signal_service(SIGSTOP)
  stopped,  ///< by stop_service
  failed,   ///< ended by itself
};

/// "starting", "running", …
std::string_view to_string(ServiceState state);

struct ServiceStatus {
  std::string name;
  std::string url;      ///< "http://127.0.0.1:21234", as reached from this machine
  std::string address;  ///< as the stack's own files name it: "prometheus:9090"
  pid_t pid = 0;        ///< 0 when it is not running; of a container: as its engine tells it
  ServiceState state = ServiceState::starting;
  std::filesystem::path log_file;
};

/// A service that ended although nobody had asked it to.
struct ServiceFailure {
  std::string service;
  core::ExitStatus status;
  std::string last_lines;  ///< of its log; may be empty
  std::filesystem::path log_file;
};

/// "prometheus exited with code 1" and its last lines, as one error (unavailable).
core::Error to_error(const ServiceFailure& failure);

/// "the stack http-api has no service "prometeus" (did you mean …?)" (not_found).
core::Error unknown_service(std::string_view stack, std::string_view service,
                            const std::vector<std::string>& names);

/// Each line on a line of its own, four spaces in, for the end of an error's message; begins with a line end.
std::string indented(std::string_view lines);

/// A file of the stack as it was when the stack started.
struct FileChecksum {
  std::string path;      ///< relative to the stack's folder: "prometheus/alerts.yml"
  std::string kind;      ///< as in stack.toml: "prometheus", "rules", "alertmanager", "other"
  std::string source;    ///< SHA-256 of the file in the stack's folder, hexadecimal
  std::string rendered;  ///< SHA-256 of the copy the service reads (addresses and durations rewritten)
};

enum class StopMode {
  terminate,  ///< SIGTERM, then SIGKILL after the service's grace
  kill,       ///< SIGKILL at once
};

/// Safe to call from any thread, except where a function says otherwise. The destructor of a stack that this
/// process owns takes it down; that of an attached one leaves it alone.
class Stack {
 public:
  virtual ~Stack() = default;

  /// The name in stack.toml: "http-api".
  virtual std::string name() const = 0;
  /// The name of this running copy, unique on the machine for this user: "http-api", "http-api-4fk2q8".
  virtual std::string instance() const = 0;
  virtual double time_scale() const = 0;
  virtual Runtime runtime() const = 0;
  /// "http://127.0.0.1:21234" of "api", "prometheus", … Errors: not_found, with the nearest name.
  virtual core::Result<std::string> endpoint(std::string_view service) const = 0;
  /// In the order of stack.toml. Errors (attached stacks only): unavailable, timeout, protocol.
  virtual core::Result<std::vector<ServiceStatus>> status() = 0;
  /// The bearer token of the sample service's toggles, new for each stack.
  virtual std::string token() const = 0;

  /// Ends a service; its port stays reserved. A service that has already ended is not an error.
  /// Errors: not_found; those of status().
  virtual core::Result<void> stop_service(std::string_view service, StopMode mode) = 0;
  /// Starts a stopped or failed service on the port it had and returns once it is ready. Main thread only,
  /// when this process owns the stack. Errors: not_found, unavailable (with its last lines), timeout; those
  /// of status().
  virtual core::Result<void> start_service(std::string_view service) = 0;
  /// Sends a signal. SIGSTOP and SIGCONT are seen in the service's state. A service that this kills is
  /// `failed`: use stop_service for an end that is meant. Errors: not_found, unavailable (it is not running);
  /// those of status().
  virtual core::Result<void> signal_service(std::string_view service, int number) = 0;
  /// The first service that ended by itself, since the start or since it was started again. For an attached
  /// stack whose supervisor no longer answers: a failure of the service "supervisor".
  virtual std::optional<ServiceFailure> failed() = 0;
  /// Ends every service and removes the run directory. Again: does nothing. Main thread only, when this
  /// process owns the stack. Errors: those of status(); unavailable when something could not be removed.
  virtual core::Result<void> down() = 0;

  /// Service → the first line of its program's --version, "prometheus, version 2.42.0+ds (…)", or its
  /// container's image.
  virtual std::map<std::string, std::string> versions() const = 0;
  virtual std::vector<FileChecksum> checksums() const = 0;
  /// What a reader of a report should know about how the files were rewritten: a rule whose value depends on
  /// its window's length, say. Usually empty.
  virtual std::vector<std::string> notes() const = 0;
  /// Rendered files (config/), logs (logs/), data (data/). Private (0700).
  virtual std::filesystem::path run_directory() const = 0;
};

}  // namespace obsctl::stacks
