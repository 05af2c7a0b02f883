#include "core/file.hpp"

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <random>
#include <sstream>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

namespace obsctl::core {

namespace fs = std::filesystem;

namespace {

Error cannot(std::string_view what, const fs::path& path, int code) {
  const ErrorKind kind = code == ENOENT ? ErrorKind::not_found : ErrorKind::unavailable;
  return make_error(kind, fmt::format("cannot {} {}: {}", what, path.string(), std::strerror(code)));
}

}  // namespace

Result<std::string> read_file(const fs::path& path) {
  std::error_code ignored;
  if (fs::is_directory(path, ignored)) return cannot("read", path, EISDIR);
  errno = 0;
  std::ifstream in(path, std::ios::binary);
  if (!in) return cannot("read", path, errno == 0 ? EIO : errno);
  std::ostringstream text;
  text << in.rdbuf();
  if (in.bad()) return cannot("read", path, EIO);
  return std::move(text).str();
}

Result<void> write_file(const fs::path& path, std::string_view content, unsigned mode) {
  std::error_code failure;
  if (path.has_parent_path()) fs::create_directories(path.parent_path(), failure);
  if (failure) return cannot("make the folder of", path, failure.value());
  std::string temporary = path.string() + ".XXXXXX";
  const int fd = ::mkostemp(temporary.data(), O_CLOEXEC);
  if (fd < 0) return cannot("write", path, errno);
  std::string_view rest = content;
  int problem = 0;
  while (!rest.empty() && problem == 0) {
    const ssize_t n = ::write(fd, rest.data(), rest.size());
    if (n >= 0) {
      rest.remove_prefix(static_cast<std::size_t>(n));
    } else if (errno != EINTR) {
      problem = errno;
    }
  }
  if (problem == 0 && ::fchmod(fd, mode) != 0) problem = errno;
  if (::close(fd) != 0 && problem == 0) problem = errno;
  if (problem == 0 && ::rename(temporary.c_str(), path.c_str()) != 0) problem = errno;
  if (problem == 0) return {};
  ::unlink(temporary.c_str());
  return cannot("write", path, problem);
}

fs::path state_directory() {
  if (const char* state = std::getenv("XDG_STATE_HOME"); state != nullptr && *state != '\0') {
    return fs::path(state) / "obsctl";
  }
  if (const char* home = std::getenv("HOME"); home != nullptr && *home != '\0') {
    return fs::path(home) / ".local" / "state" / "obsctl";
  }
  return fmt::format("/tmp/obsctl-{}", ::getuid());
}

std::vector<fs::path> data_directories() {
  if (const char* data = std::getenv("OBSCTL_DATA_DIR"); data != nullptr && *data != '\0') return {data};
  std::error_code failure;
  fs::path program = fs::read_symlink("/proc/self/exe", failure);
  if (const char* binary = std::getenv("OBSCTL_BINARY"); binary != nullptr && *binary != '\0') {
    program = fs::absolute(binary, failure);
  }
  const fs::path folder = program.parent_path();
  return {(folder / "..").lexically_normal(), (folder / "../..").lexically_normal(),
          (folder / "../share/obsctl").lexically_normal()};
}

Result<fs::path> make_private_directory(const fs::path& parent, std::string_view prefix) {
  std::error_code failure;
  fs::create_directories(parent, failure);
  if (failure) return cannot("make the folder", parent, failure.value());
  std::string path = (parent / fmt::format("{}XXXXXX", prefix)).string();
  if (::mkdtemp(path.data()) == nullptr) return cannot("make a folder in", parent, errno);
  return fs::path(path);
}

std::string new_run_id() {
  constexpr std::string_view alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";  // Crockford's base 32
  const auto millis = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
  auto time = static_cast<std::uint64_t>(millis.time_since_epoch().count());
  std::string id(26, '0');
  for (int i = 9; i >= 0; --i, time >>= 5U) id[static_cast<std::size_t>(i)] = alphabet[time & 31U];
  std::random_device random;
  for (std::size_t i = 10; i < id.size(); ++i) id[i] = alphabet[random() & 31U];
  return id;
}

}  // namespace obsctl::core
