// Everything about a stack in containers that is decided before its first container starts: the tools, the
// ports, the copy of the stack's folder that is mounted, the variables of its compose.yaml.
#pragma once

#include <filesystem>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "core/process.hpp"
#include "stacks/compose_file.hpp"
#include "stacks/compose_tools.hpp"
#include "stacks/manifest.hpp"
#include "stacks/ports.hpp"
#include "stacks/run_directory.hpp"
#include "stacks/runtime.hpp"

namespace obsctl::stacks {

struct ComposeService {
  Service service;
  PortReservation port;  ///< that its compose.yaml is asked to publish it on
  std::string url;
  std::string container = {};  ///< the engine's id; empty before it is made
  std::string image = {};      ///< as the container names it
  pid_t pid = 0;
  ServiceState state = ServiceState::stopped;
  std::optional<ServiceFailure> failure = std::nullopt;
  /// Copies what the container writes into log_file.
  std::optional<core::ChildProcess> follower = std::nullopt;
  std::filesystem::path log_file = {};
};

struct ComposePlan {
  std::string name;
  std::string instance;
  double time_scale = 1.0;
  std::string token;
  ComposeTools tools;
  RunDirectory directory;
  std::string project;           ///< "obsctl-http-api"
  std::filesystem::path source;  ///< the stack's own compose file, which builds are made from
  ComposeFile file;
  std::vector<std::string> environment;  ///< "NAME=value" for the compose tool
  std::vector<ComposeService> services;
  std::vector<FileChecksum> checksums;
  std::vector<std::string> notes;

  /// The folder that compose.yaml runs in: a copy of the stack's, with the rendered files in place.
  std::filesystem::path folder() const { return directory.path() / "config"; }
  /// `compose -f FILE -p PROJECT words…`, to be run in folder().
  std::vector<std::string> command(std::vector<std::string> words) const;
};

/// `manifest` has the services that are wanted and no others. Errors: as bring_up; on failure nothing is
/// left.
core::Result<ComposePlan> plan_compose(const Manifest& manifest, const UpOptions& options,
                                       const std::stop_token& stop);

/// Sees that there is memory for the services and that their images are here: what is missing is built where
/// the compose file says how, else fetched. Errors: unavailable, timeout, cancelled.
core::Result<void> prepare_images(const ComposePlan& plan, const ProgressCallback& progress,
                                  const std::stop_token& stop);

}  // namespace obsctl::stacks
