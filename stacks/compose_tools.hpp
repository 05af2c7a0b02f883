// The programs that run containers on this machine: an engine (docker or podman) and something that
// understands a compose.yaml (docker compose, docker-compose 1.29, podman-compose, podman compose). Which of
// them there are and work differs from machine to machine, so they are found by asking them.
#pragma once

#include <filesystem>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "core/duration.hpp"
#include "core/error.hpp"

namespace obsctl::stacks {

struct ComposeTools {
  std::filesystem::path engine;      ///< docker or podman, whose command lines agree in what we need
  std::vector<std::string> compose;  ///< {"/usr/bin/docker", "compose"}, {"/usr/bin/podman-compose"}, …
  std::string title;                 ///< "podman with podman-compose"
};

/// What $OBSCTL_COMPOSE may be, in the order in which they are tried when it is not set: "docker compose",
/// "docker-compose", "podman-compose", "podman compose".
const std::vector<std::string>& compose_tool_names();

/// The first pair whose engine answers and whose compose tool starts. Errors: unavailable, with what was
/// tried and why it was not taken; usage ($OBSCTL_COMPOSE); cancelled.
core::Result<ComposeTools> find_compose_tools(const std::stop_token& stop);

/// Runs a command of the engine or the compose tool and returns its standard output. What it complains about
/// goes to `log` (empty: nowhere). Any thread. Errors: unavailable (it could not be run, or its code was not
/// 0: with what it said), timeout, cancelled.
core::Result<std::string> run_tool(const std::vector<std::string>& command, core::Nanoseconds timeout,
                                   const std::filesystem::path& log = {}, const std::stop_token& stop = {});

}  // namespace obsctl::stacks
