// Between fork and exec the child may only make async-signal-safe calls (another thread may have held the
// allocator's lock), so everything it needs is prepared before the fork, and a failure comes back as two
// integers over a pipe that a successful exec closes.
#include "core/spawn.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

extern char** environ;  // NOLINT(cppcoreguidelines-avoid-non-const-global-variables): POSIX has it so

namespace obsctl::core {

Descriptor above_standard(Descriptor fd) {
  if (!fd || fd.get() > 2) return fd;
  return Descriptor(::fcntl(fd.get(), F_DUPFD_CLOEXEC, 3));
}

Error cannot_start(const ProcessOptions& options, std::string_view what, int code) {
  std::string hint;
  if (code == EMFILE || code == ENFILE) hint = "too many open files: raise the limit with ulimit -n";
  if (code == EAGAIN) hint = "too many processes: raise the limit with ulimit -u";
  return make_error(ErrorKind::unavailable,
                    fmt::format("cannot start {}: {}{}", options.argv.front(), what, std::strerror(code)),
                    hint);
}

Result<Descriptor> open_log(const ProcessOptions& options, const char* path) {
  Descriptor fd = above_standard(Descriptor(::open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600)));
  if (!fd) return cannot_start(options, fmt::format("cannot write its log {}: ", path), errno);
  return fd;
}

namespace {

enum class Stage : int { set_up = 0, change_directory = 1, execute = 2, detached = 3 };

/// What the child writes to the pipe: why it cannot become the program, or (detached) its pid as `code`.
struct ChildMessage {
  Stage stage = Stage::set_up;
  int code = 0;
};

/// What the child needs, prepared by the parent: nothing here is allocated after the fork.
struct ChildPlan {
  std::vector<char*> argv;
  std::vector<std::string> environment_text;
  std::vector<char*> environment;
  std::vector<int> keep;  // sorted, descriptors that stay open (the inherited ones and failure_pipe)
  const char* directory = nullptr;
  pid_t parent = 0;
  bool own_session = false;
  Descriptor input;
  Descriptor output;
  Descriptor error;  // when it is not where the output goes
  Descriptor failure_pipe;
  Descriptor image;  // the program without its privileges, when it has any
};

/// Nothing can be done when even this fails; the parent then sees a child that exits with 127.
void tell_parent(int pipe, Stage stage, int code) {
  const ChildMessage message{stage, code};
  [[maybe_unused]] const ssize_t n = ::write(pipe, &message, sizeof message);
}

[[noreturn]] void fail_child(int pipe, Stage stage) {
  tell_parent(pipe, stage, errno);
  ::_exit(127);
}

/// Goes on as a grandchild, which init adopts and reaps, in a session of its own.
void leave_parent(int pipe) {
  const pid_t pid = ::_Fork();  // fork without the handlers that are not async-signal-safe
  if (pid < 0) fail_child(pipe, Stage::set_up);
  if (pid > 0) ::_exit(0);
  ::setsid();
  tell_parent(pipe, Stage::detached, ::getpid());
}

/// Every disposition back to its default and nothing blocked: obsctl ignores SIGPIPE and blocks SIGTERM for
/// itself.
void reset_signals() {
  // The kernel's own structure, all zeros, which is SIG_DFL: the C library would not touch the two signals
  // that it keeps for itself, and whoever started obsctl may have left one of them ignored.
  constexpr std::array<unsigned long, 4> kDefault{};
  constexpr std::size_t kMaskSize = 8;
  for (int number = 1; number < NSIG; ++number) {
    ::syscall(SYS_rt_sigaction, number, kDefault.data(), nullptr, kMaskSize);
  }
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

void close_range_of(unsigned first, unsigned last) {
  if (first > last) return;
  if (::syscall(SYS_close_range, first, last, 0U) == 0) return;
  // A kernel before 5.9.
  const long limit = std::min<long>(::sysconf(_SC_OPEN_MAX), 65'536);
  for (long fd = first; fd < limit && fd <= static_cast<long>(last); ++fd) ::close(static_cast<int>(fd));
}

void close_all_but(const std::vector<int>& keep) {
  unsigned first = 3;
  for (const int fd : keep) {
    const auto kept = static_cast<unsigned>(fd);
    if (kept > first) close_range_of(first, kept - 1);
    first = std::max(first, kept + 1);
  }
  close_range_of(first, ~0U);
}

/// The child's half of start. Only async-signal-safe calls.
[[noreturn]] void become_program(const ChildPlan& plan) {
  const int pipe = plan.failure_pipe.get();
  if (plan.own_session) {
    leave_parent(pipe);
  } else {
    ::setpgid(0, 0);
    if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) fail_child(pipe, Stage::set_up);
    // The parent may have died before prctl took effect; then nobody would ever kill this child.
    if (::getppid() != plan.parent) ::_exit(127);
  }
  reset_signals();
  const int error = plan.error ? plan.error.get() : plan.output.get();
  if (::dup2(plan.input.get(), 0) < 0 || ::dup2(plan.output.get(), 1) < 0 || ::dup2(error, 2) < 0) {
    fail_child(pipe, Stage::set_up);
  }
  if (plan.directory != nullptr && ::chdir(plan.directory) != 0) fail_child(pipe, Stage::change_directory);
  for (const int fd : plan.keep) {
    if (fd != pipe && fd != plan.image.get()) ::fcntl(fd, F_SETFD, 0);
  }
  close_all_but(plan.keep);
  if (plan.image) {
    ::syscall(SYS_execveat, plan.image.get(), "", plan.argv.data(), plan.environment.data(), AT_EMPTY_PATH);
  } else {
    ::execve(plan.argv.front(), plan.argv.data(), plan.environment.data());
  }
  fail_child(pipe, Stage::execute);
}

bool gains_privileges(const std::string& program) {
  struct stat status {};
  if (::stat(program.c_str(), &status) != 0) return false;
  if ((status.st_mode & (S_ISUID | S_ISGID)) != 0) return true;
  return ::geteuid() != 0 && ::getxattr(program.c_str(), "security.capability", nullptr, 0) > 0;
}

/// A copy of the program in memory: no file capabilities, no set-id bits, so the death signal survives the
/// exec.
Result<Descriptor> unprivileged_copy(const ProcessOptions& options) {
  const Descriptor source(::open(options.argv.front().c_str(), O_RDONLY | O_CLOEXEC));
  if (!source) return cannot_start(options, "cannot read it to drop its privileges: ", errno);
  Descriptor copy = above_standard(Descriptor(::memfd_create("obsctl-program", MFD_CLOEXEC)));
  if (!copy) return cannot_start(options, "cannot copy it to drop its privileges: ", errno);
  while (true) {
    const ssize_t n = ::sendfile(copy.get(), source.get(), nullptr, 1U << 24U);
    if (n == 0) return copy;
    if (n < 0 && errno != EINTR) {
      return cannot_start(options, "cannot copy it to drop its privileges: ", errno);
    }
  }
}

std::vector<std::string> merged_environment(const std::vector<std::string>& added) {
  const auto name_of = [](std::string_view entry) { return entry.substr(0, entry.find('=')); };
  std::vector<std::string> merged;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const auto overrides = [&](const std::string& other) { return name_of(other) == name_of(*entry); };
    if (std::none_of(added.begin(), added.end(), overrides)) merged.emplace_back(*entry);
  }
  merged.insert(merged.end(), added.begin(), added.end());
  return merged;
}

Result<ChildPlan> make_plan(const ProcessOptions& options, Descriptor output) {
  ChildPlan plan;
  for (const std::string& word : options.argv) plan.argv.push_back(const_cast<char*>(word.c_str()));
  plan.argv.push_back(nullptr);
  plan.environment_text = merged_environment(options.environment);
  for (std::string& entry : plan.environment_text) plan.environment.push_back(entry.data());
  plan.environment.push_back(nullptr);
  if (!options.working_directory.empty()) plan.directory = options.working_directory.c_str();
  plan.parent = ::getpid();
  plan.output = std::move(output);
  plan.input = above_standard(Descriptor(::open("/dev/null", O_RDONLY | O_CLOEXEC)));
  if (!plan.input) return cannot_start(options, "/dev/null: ", errno);
  if (!options.error_file.empty()) {
    Result<Descriptor> error = open_log(options, options.error_file.c_str());
    if (!error) return error.error();
    plan.error = std::move(*error);
  }
  if (gains_privileges(options.argv.front())) {
    Result<Descriptor> image = unprivileged_copy(options);
    if (!image) return image.error();
    plan.image = std::move(*image);
  }
  plan.keep = options.inherit;
  return plan;
}

/// Nothing at the pipe's end: every copy of the child's end was closed by a successful exec.
std::optional<ChildMessage> read_message(int pipe) {
  ChildMessage message;
  ssize_t n = 0;
  do {
    n = ::read(pipe, &message, sizeof message);
  } while (n < 0 && errno == EINTR);
  if (n != sizeof message) return std::nullopt;
  return message;
}

Error failure_text(const ProcessOptions& options, const ChildMessage& failure) {
  if (failure.stage == Stage::change_directory) {
    return cannot_start(options, fmt::format("cannot enter {}: ", options.working_directory.string()),
                        failure.code);
  }
  if (failure.stage == Stage::execute && failure.code == ENOEXEC) {
    return make_error(ErrorKind::unavailable,
                      fmt::format("cannot start {}: not a program for this machine", options.argv.front()));
  }
  return cannot_start(options, "", failure.code);
}

}  // namespace

Result<pid_t> spawn(const ProcessOptions& options, Descriptor output, Lifetime lifetime) {
  Result<ChildPlan> plan = make_plan(options, std::move(output));
  if (!plan) return plan.error();
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return cannot_start(options, "", errno);
  const Descriptor reader{ends[0]};
  plan->failure_pipe = above_standard(Descriptor(ends[1]));
  plan->own_session = lifetime == Lifetime::session;
  plan->keep.push_back(plan->failure_pipe.get());
  if (plan->image) plan->keep.push_back(plan->image.get());
  std::sort(plan->keep.begin(), plan->keep.end());

  // No handler of ours may run in the child before it has reset them.
  sigset_t all, before;
  sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  const pid_t pid = ::fork();
  if (pid == 0) become_program(*plan);
  const int fork_code = errno;
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (pid < 0) return cannot_start(options, "", fork_code);
  if (lifetime == Lifetime::parent) ::setpgid(pid, pid);  // whichever of the two comes first
  plan->failure_pipe.reset();

  std::optional<ChildMessage> message = read_message(reader.get());
  if (lifetime == Lifetime::parent && !message) return pid;
  ::waitpid(pid, nullptr, 0);
  if (!message)
    return make_error(ErrorKind::internal, fmt::format("{} was not detached", options.argv.front()));
  if (message->stage != Stage::detached) return failure_text(options, *message);
  const pid_t adopted = message->code;
  message = read_message(reader.get());
  if (message) return failure_text(options, *message);
  return adopted;
}

}  // namespace obsctl::core
