// Which Prometheus, Alertmanager and receiver a command means: by URL, by environment, or as those of a stack
// that is up.
#pragma once

#include <stop_token>
#include <string>

#include "cli/command_line.hpp"
#include "scenarios/situation.hpp"

namespace obsctl::cli {

struct Monitoring {
  std::string attach;  ///< a running stack's name; the URLs that are empty become its own
  std::string prometheus;
  std::string alertmanager;
  std::string receiver;
  double time_scale = 1.0;  ///< of the attached stack
  std::string stack;        ///< what the attached one is a copy of
};

/// --prometheus, --alertmanager and --attach, and their environment variables.
void add_monitoring(CLI::App& command, Monitoring& flags);
/// --receiver.
void add_receiver(CLI::App& command, Monitoring& flags);

/// With the URLs filled in and checked; they may be empty where no stack is named. Errors: those of
/// stacks::attach; invalid_input for what is no URL.
core::Result<Monitoring> find_monitoring(Monitoring flags);
/// The same, and there has to be a Prometheus. Errors: usage as well.
core::Result<Monitoring> find_prometheus(Monitoring flags);

/// What is loaded there. Errors: scenarios::look_at's.
core::Result<scenarios::Situation> look_at(const Monitoring& places, const std::stop_token& stop);

}  // namespace obsctl::cli
