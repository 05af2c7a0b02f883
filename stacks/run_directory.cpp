// See run_directory.hpp. The lock is flock(2): the kernel releases it when its owner ends, by whatever
// signal, and a pid that has been given to another process cannot be mistaken for the owner.
#include "stacks/run_directory.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/file.hpp"
#include "stacks/compose_project.hpp"

namespace obsctl::stacks {

namespace fs = std::filesystem;
using core::ErrorKind;
using core::Result;
using namespace std::chrono_literals;

namespace {

/// Only folders with this file are ours: nothing else in the parent is ever removed.
constexpr const char* kLockFile = "obsctl.lock";

int open_lock(const fs::path& file) {
  return ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
}

/// Held while folders are made or removed, so that nobody removes one that has not been locked yet.
class ParentLock {
 public:
  explicit ParentLock(const fs::path& parent) : fd_(open_lock(parent / ".lock")) {
    const auto deadline = std::chrono::steady_clock::now() + 10s;
    while (fd_ >= 0 && ::flock(fd_, LOCK_EX | LOCK_NB) != 0) {
      if (std::chrono::steady_clock::now() > deadline) {
        ::close(std::exchange(fd_, -1));
        return;
      }
      std::this_thread::sleep_for(5ms);
    }
  }
  ParentLock(const ParentLock&) = delete;
  ParentLock& operator=(const ParentLock&) = delete;
  ~ParentLock() {
    if (fd_ >= 0) ::close(fd_);
  }
  bool held() const { return fd_ >= 0; }

 private:
  int fd_;
};

/// The lock's descriptor when its owner is dead, else -1.
int take_over(const fs::path& folder) {
  const int fd = ::open((folder / kLockFile).c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW);
  if (fd >= 0 && ::flock(fd, LOCK_EX | LOCK_NB) == 0) return fd;
  if (fd >= 0) ::close(fd);
  return -1;
}

/// Removes dead folders; returns the names of the living. Called with the parent's lock.
std::vector<std::string> prune(const fs::path& parent) {
  std::vector<std::string> living;
  std::error_code failure;
  for (const auto& entry : fs::directory_iterator(parent, failure)) {
    if (!fs::exists(entry.path() / kLockFile, failure)) continue;
    const int lock = take_over(entry.path());
    if (lock < 0) {
      living.push_back(entry.path().filename().string());
      continue;
    }
    // Containers outlive their owner's death; where they cannot be removed the note of them has to stay.
    if (remove_noted_project(entry.path())) fs::remove_all(entry.path(), failure);
    ::close(lock);
  }
  std::sort(living.begin(), living.end());
  return living;
}

core::Error cannot(std::string_view what, const fs::path& path, int code) {
  return core::make_error(ErrorKind::unavailable,
                          fmt::format("cannot {} {}: {}", what, path.string(), std::strerror(code)));
}

bool is_instance(std::string_view name) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  };
  return !name.empty() && name.size() <= 64 && std::all_of(name.begin(), name.end(), allowed);
}

}  // namespace

fs::path runs_folder(const fs::path& parent) {
  return parent.empty() ? core::state_directory() / "stacks" : parent;
}

Result<RunDirectory> RunDirectory::create(const fs::path& parent, const std::string& instance) {
  if (!is_instance(instance)) {
    return core::make_error(ErrorKind::usage,
                            fmt::format("\"{}\" cannot be the name of a running stack", instance),
                            "use letters, digits, dashes and underscores");
  }
  std::error_code failure;
  fs::create_directories(parent, failure);
  if (failure) return cannot("make the folder", parent, failure.value());
  const ParentLock held(parent);
  if (!held.held()) return cannot("lock", parent / ".lock", errno == 0 ? EWOULDBLOCK : errno);
  const std::vector<std::string> living = prune(parent);
  if (std::find(living.begin(), living.end(), instance) != living.end()) {
    return core::make_error(
        ErrorKind::unavailable, fmt::format("a stack called {} is already up", instance),
        fmt::format("obsctl stack status {0} shows it, obsctl stack down {0} ends it, and --name "
                    "starts another beside it",
                    instance));
  }
  const fs::path path = parent / instance;
  if (::mkdir(path.c_str(), 0700) != 0) return cannot("make the folder", path, errno);
  const int lock = open_lock(path / kLockFile);
  if (lock < 0 || ::flock(lock, LOCK_EX | LOCK_NB) != 0) {
    const int code = errno;
    if (lock >= 0) ::close(lock);
    fs::remove_all(path, failure);
    return cannot("lock", path, code);
  }
  // For people: whether the owner lives is told by the lock alone.
  ::dprintf(lock, "%d\n", static_cast<int>(::getpid()));
  return RunDirectory(path, lock);
}

RunDirectory::RunDirectory(RunDirectory&& other) noexcept
    : path_(std::move(other.path_)), lock_(std::exchange(other.lock_, -1)) {}

RunDirectory& RunDirectory::operator=(RunDirectory&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(lock_, other.lock_);
  return *this;
}

RunDirectory::~RunDirectory() {
  static_cast<void>(remove());
}

Result<void> RunDirectory::remove() {
  if (lock_ < 0) return {};
  std::error_code failure;
  fs::remove_all(path_, failure);
  ::close(std::exchange(lock_, -1));
  if (failure) return cannot("remove", path_, failure.value());
  return {};
}

void RunDirectory::abandon() {
  if (lock_ >= 0) ::close(std::exchange(lock_, -1));
}

pid_t owner_of(const fs::path& folder) {
  const Result<std::string> text = core::read_file(folder / kLockFile);
  return text ? static_cast<pid_t>(std::strtol(text->c_str(), nullptr, 10)) : 0;
}

std::vector<std::string> living_instances(const fs::path& parent) {
  std::error_code ignored;
  if (!fs::is_directory(parent, ignored)) return {};
  const ParentLock held(parent);
  return held.held() ? prune(parent) : std::vector<std::string>();
}

}  // namespace obsctl::stacks
