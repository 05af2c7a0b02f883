// The containers of one Compose project, as their engine knows them. All that is asked and done here goes by
// the labels that every compose tool puts on what it makes, so it works whatever tool that was, and after the
// tool and its files have gone.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

#include "core/duration.hpp"
#include "core/error.hpp"

namespace obsctl::stacks {

struct Container {
  std::string id;
  std::string service;
  std::string state;  ///< of the engine: "running", "paused", "exited", …
  pid_t pid = 0;      ///< 0 when it is not running; not of this machine when the engine is elsewhere
  int exit_code = 0;
  std::string image;  ///< as it was named: "docker.io/prom/prometheus:v2.55.1"
  /// Port in the container → port on this machine.
  std::map<std::uint16_t, std::uint16_t> ports;
};

class ComposeProject {
 public:
  /// `log`: where the engine's complaints go; empty: nowhere.
  ComposeProject(std::filesystem::path engine, std::string name, std::filesystem::path log)
      : engine_(std::move(engine)), name_(std::move(name)), log_(std::move(log)) {}

  const std::string& name() const { return name_; }
  const std::filesystem::path& engine() const { return engine_; }

  /// Every container of the project, stopped ones too. Errors: those of run_tool.
  core::Result<std::vector<Container>> containers(const std::stop_token& stop) const;
  /// Runs `engine WORDS…` on one container. Errors: those of run_tool.
  core::Result<void> act(const std::vector<std::string>& words, const std::string& container,
                         core::Nanoseconds timeout) const;
  /// Ends and removes the project's containers, anonymous volumes, volumes and networks. Nothing there is no
  /// error. Errors: those of run_tool; unavailable when something is still there.
  core::Result<void> remove(std::chrono::seconds grace) const;

 private:
  core::Result<std::string> ask(std::vector<std::string> words, core::Nanoseconds timeout,
                                const std::stop_token& stop) const;
  core::Result<std::vector<std::string>> ids_of(const std::vector<std::string>& list,
                                                const std::stop_token& stop) const;
  core::Result<void> on_all(std::vector<std::string> words, const std::vector<std::string>& ids,
                            core::Nanoseconds timeout) const;

  std::filesystem::path engine_;
  std::string name_;
  std::filesystem::path log_;
};

/// Leaves a note in a run directory of what has to be removed when its owner is killed. Errors: unavailable.
core::Result<void> write_project_note(const std::filesystem::path& folder, const ComposeProject& project);

/// Removes the project that a dead stack's run directory has a note of; without a note it does nothing.
/// Errors: those of ComposeProject::remove.
core::Result<void> remove_noted_project(const std::filesystem::path& folder);

}  // namespace obsctl::stacks
