// The private folder of one running stack: rendered files, logs, data. It is locked for as long as its owner
// lives, so that anyone can tell a running stack from what a killed one left behind, and tidy up after the
// latter.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

#include "core/error.hpp"

namespace obsctl::stacks {

/// core::state_directory()/stacks, or `parent` when it is not empty.
std::filesystem::path runs_folder(const std::filesystem::path& parent);

class RunDirectory {
 public:
  /// `parent`/`instance`, mode 0700, after removing what dead stacks left in `parent`. Errors: usage (an
  /// instance that is not a name), unavailable (one of that name is up; the folder cannot be made).
  static core::Result<RunDirectory> create(const std::filesystem::path& parent, const std::string& instance);

  RunDirectory(RunDirectory&& other) noexcept;
  RunDirectory& operator=(RunDirectory&& other) noexcept;
  /// Removes the folder.
  ~RunDirectory();

  const std::filesystem::path& path() const { return path_; }
  /// Removes the folder and everything in it. Again: does nothing. Errors: unavailable.
  core::Result<void> remove();
  /// Leaves the folder to whoever tidies up after the dead. Afterwards remove() does nothing.
  void abandon();

 private:
  RunDirectory(std::filesystem::path path, int lock) : path_(std::move(path)), lock_(lock) {}
  std::filesystem::path path_;
  int lock_;
};

/// The process that made a living instance's folder; 0 when it cannot be told.
pid_t owner_of(const std::filesystem::path& folder);

/// The instances in `parent` whose owner lives, sorted. Removes what dead ones left.
std::vector<std::string> living_instances(const std::filesystem::path& parent);

}  // namespace obsctl::stacks
