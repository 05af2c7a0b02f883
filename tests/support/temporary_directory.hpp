// A private folder for one test, gone when the test ends.
#pragma once

#include <filesystem>

#include "core/file.hpp"

namespace obsctl::tests {

class TemporaryDirectory {
 public:
  TemporaryDirectory()
      : path_(core::make_private_directory(std::filesystem::temp_directory_path(), "obsctl-test-").value()) {}
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(const std::filesystem::path& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

}  // namespace obsctl::tests
