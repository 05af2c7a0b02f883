// The way up of a stack that this process starts: everything is started at once, then watched until it is
// ready or something ends. The same for every runtime; what differs is how a RisingStack starts its services.
#pragma once

#include <cstdint>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "core/clock.hpp"
#include "core/error.hpp"
#include "stacks/manifest.hpp"
#include "stacks/runtime.hpp"
#include "stacks/stack.hpp"

namespace obsctl::stacks {

class RisingStack : public Stack {
 public:
  /// Starts every service, without waiting. Main thread only. Errors: unavailable, timeout, cancelled.
  virtual core::Result<void> start_all(const std::stop_token& stop) = 0;
  /// Marks a service whose probe has answered.
  virtual void mark_ready(std::string_view service) = 0;
  /// Finds out what versions() tells. Main thread only.
  virtual void read_versions() = 0;
  /// Where a service of the stack listens on 127.0.0.1.
  virtual std::uint16_t port_of(std::string_view service) const = 0;
  /// The command that explains a bad configuration; empty when there is none.
  virtual std::vector<std::string> check_command(std::string_view service) const = 0;
};

/// `begin`: when the whole undertaking began; `options.ready_within` counts from there. Main thread only.
/// Errors: those of bring_up.
core::Result<void> climb(const Manifest& manifest, RisingStack& stack, const UpOptions& options,
                         const ProgressCallback& progress, const std::stop_token& stop,
                         core::SteadyTime begin);

}  // namespace obsctl::stacks
