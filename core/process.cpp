// Child processes: their life after the start (spawn.cpp), commands run to their end, and finding programs.
#include "core/process.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/clock.hpp"
#include "core/file.hpp"
#include "core/spawn.hpp"
#include "core/text.hpp"

namespace obsctl::core {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t kMaxCommandOutput = 1U << 20U;
constexpr std::size_t kMaxTail = 8U << 10U;
/// How long a child may take to vanish after SIGKILL; only one stuck in the kernel takes longer.
constexpr auto kKillDeadline = 10s;

Result<Descriptor> open_output(const ProcessOptions& options) {
  return open_log(options, options.log_file.empty() ? "/dev/null" : options.log_file.c_str());
}

Result<void> check_names_program(const ProcessOptions& options) {
  if (!options.argv.empty()) return {};
  return make_error(ErrorKind::internal, "a process without a program was to be started");
}

Result<void> check_may_start(const ProcessOptions& options) {
  if (const auto named = check_names_program(options); !named) return named.error();
  if (::gettid() == ::getpid()) return {};
  return make_error(
      ErrorKind::internal,
      fmt::format("{} was to be started outside the main thread, where its life would not be tied to "
                  "obsctl's",
                  options.argv.front()));
}

ExitStatus read_status(int raw) {
  if (WIFSIGNALED(raw)) return {0, WTERMSIG(raw)};
  return {WEXITSTATUS(raw), 0};
}

/// Takes what the pipe has now. False at its end.
bool take_output(int fd, std::string& text) {
  std::array<char, 4096> buffer{};
  while (true) {
    const ssize_t n = ::read(fd, buffer.data(), buffer.size());
    if (n == 0) return false;
    if (n < 0) return errno == EAGAIN || errno == EINTR;
    const std::size_t room = kMaxCommandOutput - std::min(kMaxCommandOutput, text.size());
    text.append(buffer.data(), std::min(room, static_cast<std::size_t>(n)));
  }
}

/// Not gone, and not only waiting to be reaped. proc_pid_stat(5): the state follows the name in parentheses.
bool is_alive(pid_t pid) {
  const Result<std::string> stat = read_file(fmt::format("/proc/{}/stat", pid));
  if (!stat) return false;
  const std::size_t state = stat->rfind(')') + 2;
  return state < stat->size() && (*stat)[state] != 'Z' && (*stat)[state] != 'X';
}

bool is_program(const fs::path& path) {
  std::error_code ignored;
  return fs::is_regular_file(path, ignored) && ::access(path.c_str(), X_OK) == 0;
}

}  // namespace

std::string to_string(const ExitStatus& status) {
  if (status.signal == 0) return fmt::format("exited with code {}", status.code);
  const char* name = ::sigabbrev_np(status.signal);
  if (name == nullptr) return fmt::format("was killed by signal {}", status.signal);
  return fmt::format("was killed by SIG{}", name);
}

Result<ChildProcess> ChildProcess::start(const ProcessOptions& options) {
  if (const auto allowed = check_may_start(options); !allowed) return allowed.error();
  Result<Descriptor> output = open_output(options);
  if (!output) return output.error();
  const Result<pid_t> pid = spawn(options, std::move(*output), Lifetime::parent);
  if (!pid) return pid.error();
  return ChildProcess(*pid);
}

Result<pid_t> start_detached(const ProcessOptions& options) {
  if (const auto named = check_names_program(options); !named) return named.error();
  Result<Descriptor> output = open_output(options);
  if (!output) return output.error();
  return spawn(options, std::move(*output), Lifetime::session);
}

ChildProcess::ChildProcess(ChildProcess&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)), status_(other.status_) {}

ChildProcess& ChildProcess::operator=(ChildProcess&& other) noexcept {
  if (this == &other) return *this;
  stop(0s);
  pid_ = std::exchange(other.pid_, -1);
  status_ = other.status_;
  return *this;
}

ChildProcess::~ChildProcess() {
  stop(0s);
}

std::optional<ExitStatus> ChildProcess::poll() {
  if (pid_ < 0 || status_) return status_;
  siginfo_t info{};
  if (::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) != 0) {
    // Somebody else reaped it: its status is lost, but it has ended.
    status_ = ExitStatus{};
    return status_;
  }
  if (info.si_pid == 0) return std::nullopt;
  // While the dead child is not reaped its group's number cannot be given to anyone else: end what it left
  // behind.
  ::kill(-pid_, SIGKILL);
  int raw = 0;
  while (::waitpid(pid_, &raw, 0) < 0 && errno == EINTR) {
  }
  status_ = read_status(raw);
  return status_;
}

void ChildProcess::signal(int number) {
  if (pid_ > 0 && !poll()) ::kill(-pid_, number);
}

ExitStatus ChildProcess::stop(Nanoseconds grace) {
  if (pid_ < 0) return status_.value_or(ExitStatus{});
  const auto ended_within = [this](Nanoseconds time) {
    const SteadyTime deadline = std::chrono::steady_clock::now() + time;
    while (!poll()) {
      if (std::chrono::steady_clock::now() >= deadline) return false;
      std::this_thread::sleep_for(2ms);
    }
    return true;
  };
  if (grace > 0ns) {
    signal(SIGTERM);
    signal(SIGCONT);
    if (ended_within(grace)) return *status_;
  }
  signal(SIGKILL);
  if (!ended_within(kKillDeadline)) return {0, SIGKILL};
  return *status_;
}

bool wait_for_end(pid_t pid, Nanoseconds patience) {
  const SteadyTime deadline = std::chrono::steady_clock::now() + patience;
  while (is_alive(pid)) {
    if (std::chrono::steady_clock::now() >= deadline) return false;
    std::this_thread::sleep_for(2ms);
  }
  return true;
}

Result<CommandOutput> run_command(const ProcessOptions& options, Nanoseconds timeout,
                                  const std::stop_token& stop) {
  if (const auto named = check_names_program(options); !named) return named.error();
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return cannot_start(options, "", errno);
  const Descriptor reader{ends[0]};
  ::fcntl(reader.get(), F_SETFL, O_NONBLOCK);  // this end only; the program's end stays blocking
  const Result<pid_t> pid = spawn(options, above_standard(Descriptor(ends[1])), Lifetime::parent);
  if (!pid) return pid.error();
  ChildProcess child(*pid);

  CommandOutput result;
  const SteadyTime deadline = std::chrono::steady_clock::now() + timeout;
  bool open = true;
  while (true) {
    // The child first, then what it wrote: nothing written before its end is missed.
    const std::optional<ExitStatus> ended = child.poll();
    if (open) open = take_output(reader.get(), result.text);
    if (ended) {
      result.status = *ended;
      return result;
    }
    if (stop.stop_requested()) {
      return make_error(ErrorKind::cancelled, fmt::format("{} was stopped", options.argv.front()));
    }
    if (std::chrono::steady_clock::now() >= deadline) {
      return make_error(ErrorKind::timeout, fmt::format("{} did not end within {}", options.argv.front(),
                                                        format_rounded(timeout)));
    }
    pollfd waiting{reader.get(), POLLIN, 0};
    if (open) ::poll(&waiting, 1, 10);
    if (!open) std::this_thread::sleep_for(2ms);
  }
}

Result<fs::path> find_program(const std::vector<std::string>& names) {
  const char* path = std::getenv("PATH");
  std::vector<std::string> folders;
  for (const std::string_view folder : split(path == nullptr ? "/usr/bin:/bin" : path, ':')) {
    folders.emplace_back(folder.empty() ? "." : folder);
  }
  for (const char* folder : {"/usr/sbin", "/usr/local/bin", "/usr/local/sbin"}) {
    if (std::find(folders.begin(), folders.end(), folder) == folders.end()) folders.emplace_back(folder);
  }
  for (const std::string& name : names) {
    if (name.find('/') != std::string::npos) {
      if (is_program(name)) return fs::path(name);
      continue;
    }
    for (const std::string& folder : folders) {
      const fs::path program = fs::path(folder) / name;
      if (is_program(program)) return program;
    }
  }
  return make_error(ErrorKind::not_found, fmt::format("no program {} was found", fmt::join(names, " or ")),
                    fmt::format("searched {}", fmt::join(folders, ":")));
}

std::string tail_of_file(const fs::path& file, int lines) {
  const Descriptor fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat status {};
  if (!fd || ::fstat(fd.get(), &status) != 0 || !S_ISREG(status.st_mode)) return {};
  const auto size = static_cast<std::size_t>(status.st_size);
  std::string text(std::min(size, kMaxTail), '\0');
  const ssize_t n = ::pread(fd.get(), text.data(), text.size(), static_cast<off_t>(size - text.size()));
  if (n <= 0 || lines <= 0) return {};
  text.resize(static_cast<std::size_t>(n));
  while (!text.empty() && text.back() == '\n') text.pop_back();
  std::size_t begin = text.size();
  for (int line = 0; line < lines; ++line) {
    if (begin == 0) return text;
    begin = text.rfind('\n', begin - 1);
    if (begin == std::string::npos) return text;
  }
  return text.substr(begin + 1);
}

}  // namespace obsctl::core
