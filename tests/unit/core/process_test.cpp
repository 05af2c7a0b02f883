#include "core/process.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <thread>

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/file.hpp"
#include "tests/support/catch.hpp"

using namespace std::chrono_literals;
using namespace obsctl::core;
namespace fs = std::filesystem;

namespace {

/// A folder that is gone after the test.
struct TemporaryFolder {
  fs::path path = *make_private_directory(fs::temp_directory_path(), "obsctl-process-test-");
  ~TemporaryFolder() {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }
};

ProcessOptions shell(const std::string& script) {
  return {.argv = {"/bin/sh", "-c", script}};
}

/// 'R', 'S', 'Z' … from /proc; nothing when there is no such process.
char process_state(pid_t pid) {
  std::ifstream stat(fmt::format("/proc/{}/stat", pid));
  std::string text;
  std::getline(stat, text);
  const std::size_t end = text.rfind(')');
  return end == std::string::npos ? '\0' : text.at(end + 2);
}

/// Gone, or dead and only waiting for the machine's init to reap it.
bool has_ended(pid_t pid) {
  const char state = process_state(pid);
  return state == '\0' || state == 'Z' || state == 'X';
}

template <class Condition>
bool within(std::chrono::milliseconds time, Condition condition) {
  const auto deadline = std::chrono::steady_clock::now() + time;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(2ms);
  }
  return true;
}

/// Runs `body` in a forked process that is then killed with SIGKILL; returns the pid that `body` returned.
template <class Body>
pid_t pid_from_killed_parent(Body body) {
  std::array<int, 2> ends{};
  REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
  const pid_t parent = ::fork();
  REQUIRE(parent >= 0);
  if (parent == 0) {
    const pid_t pid = body();
    [[maybe_unused]] const ssize_t n = ::write(ends[1], &pid, sizeof pid);
    while (true) ::pause();
  }
  pid_t pid = -1;
  REQUIRE(::read(ends[0], &pid, sizeof pid) == sizeof pid);
  ::close(ends[0]);
  ::close(ends[1]);
  REQUIRE(pid > 0);
  CHECK_FALSE(has_ended(pid));
  REQUIRE(::kill(parent, SIGKILL) == 0);
  REQUIRE(::waitpid(parent, nullptr, 0) == parent);
  return pid;
}

}  // namespace

TEST_CASE("a child dies when its parent is killed with -9") {
  const pid_t pid = pid_from_killed_parent([] {
    auto child = ChildProcess::start({.argv = {"/bin/sleep", "60"}});
    if (!child) return pid_t{-1};
    const pid_t running = child->pid();
    new ChildProcess(std::move(*child));  // never destroyed: only the kernel can end it
    return running;
  });
  CHECK(within(2s, [&] { return has_ended(pid); }));
}

TEST_CASE("a child with file capabilities dies with its parent too, without the capabilities") {
  if (::geteuid() != 0) {
    WARN("skipped: only root can give a program capabilities");
    return;
  }
  const TemporaryFolder folder;
  const fs::path program = folder.path / "sleep";
  fs::copy_file("/bin/sleep", program);
  fs::permissions(folder.path, fs::perms::all);
  const auto tagged = run_command({.argv = {"/usr/sbin/setcap", "cap_net_raw=ep", program.string()}}, 5s);
  if (!tagged || !tagged->status.ok()) {
    WARN("skipped: setcap is missing or the file system cannot hold capabilities");
    return;
  }
  const pid_t pid = pid_from_killed_parent([&] {
    if (::setgid(65534) != 0 || ::setuid(65534) != 0) return pid_t{-1};
    auto child = ChildProcess::start({.argv = {program.string(), "60"}});
    if (!child) return pid_t{-1};
    const pid_t running = child->pid();
    new ChildProcess(std::move(*child));
    return running;
  });
  CHECK(within(2s, [&] { return has_ended(pid); }));
}

TEST_CASE("a detached program outlives its starter, in a session of its own") {
  const pid_t pid = pid_from_killed_parent([] {
    const auto pid = start_detached({.argv = {"/bin/sleep", "60"}});
    return pid ? *pid : pid_t{-1};
  });
  std::this_thread::sleep_for(100ms);
  CHECK_FALSE(has_ended(pid));
  CHECK(::getsid(pid) == pid);
  CHECK_FALSE(wait_for_end(pid, 10ms));
  ::kill(pid, SIGKILL);
  CHECK(wait_for_end(pid, 5s));
}

TEST_CASE("a detached program is nobody's child, and a failed start leaves none") {
  const auto pid = start_detached({.argv = {"/bin/sleep", "60"}});
  REQUIRE(pid);
  CHECK(::waitpid(*pid, nullptr, WNOHANG) == -1);
  ::kill(*pid, SIGKILL);
  CHECK(to_string(start_detached({.argv = {"/no/such/program"}}).error()) ==
        "cannot start /no/such/program: No such file or directory");
  CHECK(::waitpid(-1, nullptr, WNOHANG) == -1);
}

TEST_CASE("a child that lives on is started from the main thread only, a command from any") {
  std::string text;
  std::thread([&] { text = to_string(ChildProcess::start({.argv = {"/bin/true"}}).error()); }).join();
  CHECK(text ==
        "/bin/true was to be started outside the main thread, where its life would not be tied to obsctl's");
  std::thread([&] { text = run_command({.argv = {"/bin/echo", "here"}}, 5s)->text; }).join();
  CHECK(text == "here\n");
}

TEST_CASE("a command's standard error can be kept apart") {
  const TemporaryFolder folder;
  const fs::path errors = folder.path / "errors";
  const auto output = run_command(
      {.argv = {"/bin/sh", "-c", "echo one; echo two >&2; echo three"}, .error_file = errors}, 5s);
  REQUIRE(output);
  CHECK(output->text == "one\nthree\n");
  CHECK(read_file(errors).value() == "two\n");
}

TEST_CASE("a program that cannot be started is an error that says why") {
  const TemporaryFolder folder;
  SECTION("no such program") {
    const auto child = ChildProcess::start({.argv = {"/no/such/program"}});
    REQUIRE_FALSE(child);
    CHECK(child.error().kind == ErrorKind::unavailable);
    CHECK(to_string(child.error()) == "cannot start /no/such/program: No such file or directory");
  }
  SECTION("not executable") {
    const std::string file = (folder.path / "plain").string();
    REQUIRE(write_file(file, "x"));
    CHECK(to_string(ChildProcess::start({.argv = {file}}).error()) ==
          fmt::format("cannot start {}: Permission denied", file));
  }
  SECTION("not a program") {
    const std::string file = (folder.path / "text").string();
    REQUIRE(write_file(file, "just text", 0755));
    CHECK(to_string(ChildProcess::start({.argv = {file}}).error()) ==
          fmt::format("cannot start {}: not a program for this machine", file));
  }
  SECTION("no such working directory") {
    CHECK(to_string(
              ChildProcess::start({.argv = {"/bin/true"}, .working_directory = "/no/such/place"}).error()) ==
          "cannot start /bin/true: cannot enter /no/such/place: No such file or directory");
  }
  SECTION("no place for the log") {
    CHECK(to_string(ChildProcess::start({.argv = {"/bin/true"}, .log_file = "/no/such/place/log"}).error()) ==
          "cannot start /bin/true: cannot write its log /no/such/place/log: No such file or directory");
  }
  SECTION("no program at all") {
    CHECK(ChildProcess::start({.argv = {}}).error().kind == ErrorKind::internal);
  }
}

TEST_CASE("the end of a child is told by code or by signal") {
  auto exits = ChildProcess::start(shell("exit 3"));
  REQUIRE(exits);
  REQUIRE(within(2s, [&] { return exits->poll().has_value(); }));
  CHECK(to_string(*exits->poll()) == "exited with code 3");
  CHECK_FALSE(exits->poll()->ok());

  auto killed = ChildProcess::start(shell("kill -SEGV $$"));
  REQUIRE(killed);
  REQUIRE(within(2s, [&] { return killed->poll().has_value(); }));
  CHECK(to_string(*killed->poll()) == "was killed by SIGSEGV");
  CHECK(to_string(ExitStatus{0, SIGKILL}) == "was killed by SIGKILL");
}

TEST_CASE("stop is polite first and certain afterwards") {
  SECTION("a child that listens ends by itself") {
    auto child = ChildProcess::start(shell("trap 'exit 7' TERM; while :; do sleep 0.01; done"));
    REQUIRE(child);
    std::this_thread::sleep_for(100ms);  // until the trap is set
    CHECK(child->stop(5s).code == 7);
    CHECK(process_state(child->pid()) == '\0');
  }
  SECTION("a child that does not is killed when the grace is over") {
    auto child = ChildProcess::start(shell("trap '' TERM; while :; do sleep 0.01; done"));
    REQUIRE(child);
    std::this_thread::sleep_for(100ms);
    const auto before = std::chrono::steady_clock::now();
    CHECK(child->stop(200ms).signal == SIGKILL);
    CHECK(std::chrono::steady_clock::now() - before >= 200ms);
    CHECK(process_state(child->pid()) == '\0');
  }
  SECTION("a paused child hears it") {
    auto child = ChildProcess::start({.argv = {"/bin/sleep", "60"}});
    REQUIRE(child);
    child->signal(SIGSTOP);
    REQUIRE(within(2s, [&] { return process_state(child->pid()) == 'T'; }));
    CHECK(child->stop(5s).signal == SIGTERM);
  }
  SECTION("twice is once") {
    auto child = ChildProcess::start(shell("exit 4"));
    REQUIRE(child);
    REQUIRE(within(2s, [&] { return child->poll().has_value(); }));
    CHECK(child->stop(1s).code == 4);
    CHECK(child->stop(1s).code == 4);
  }
}

TEST_CASE("what a child started ends with it") {
  const TemporaryFolder folder;
  const fs::path file = folder.path / "pid";
  auto child = ChildProcess::start(shell(fmt::format("sleep 60 & echo $! > {}; exit 0", file.string())));
  REQUIRE(child);
  REQUIRE(within(2s, [&] { return child->poll().has_value(); }));
  const pid_t grandchild = std::stoi(*read_file(file));
  CHECK(within(2s, [&] { return has_ended(grandchild); }));
}

TEST_CASE("the destructor leaves no process") {
  pid_t pid = -1;
  {
    auto child = ChildProcess::start({.argv = {"/bin/sleep", "60"}});
    REQUIRE(child);
    pid = child->pid();
    ChildProcess moved = std::move(*child);
    CHECK(process_state(moved.pid()) != '\0');
  }
  CHECK(process_state(pid) == '\0');
}

TEST_CASE("a child gets its environment, folder, log and nothing else") {
  const TemporaryFolder folder;
  const fs::path log = folder.path / "log";
  // High, so that the shell's own descriptors are not among them.
  const int any = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  const int secret = ::fcntl(any, F_DUPFD, 77);  // without O_CLOEXEC
  const int wanted = ::fcntl(any, F_DUPFD_CLOEXEC, 88);
  ::close(any);
  ::setenv("OBSCTL_PROCESS_TEST", "ours", 1);
  auto child = ChildProcess::start({.argv = {"/bin/sh", "-c",
                                             "echo $OBSCTL_PROCESS_TEST $ADDED; pwd; echo to-stderr >&2; "
                                             "cat; for fd in /proc/self/fd/*; do echo $fd; done"},
                                    .environment = {"OBSCTL_PROCESS_TEST=changed", "ADDED=1"},
                                    .working_directory = folder.path,
                                    .log_file = log,
                                    .inherit = {wanted}});
  ::unsetenv("OBSCTL_PROCESS_TEST");
  REQUIRE(child);
  REQUIRE(within(2s, [&] { return child->poll().has_value(); }));
  const std::string text = *read_file(log);
  ::close(secret);
  ::close(wanted);
  CHECK_THAT(text,
             Catch::Matchers::StartsWith(fmt::format("changed 1\n{}\nto-stderr\n", folder.path.string())));
  CHECK_THAT(text, Catch::Matchers::Contains(fmt::format("/proc/self/fd/{}\n", wanted)));
  CHECK_THAT(text, !Catch::Matchers::Contains(fmt::format("/proc/self/fd/{}\n", secret)));
  struct stat status {};
  REQUIRE(::stat(log.c_str(), &status) == 0);
  CHECK((status.st_mode & 0777U) == 0600U);
}

TEST_CASE("a child starts with default signals, whatever its parent blocks or ignores") {
  sigset_t blocked, before;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGTERM);
  ::pthread_sigmask(SIG_BLOCK, &blocked, &before);
  const auto old = ::signal(SIGPIPE, SIG_IGN);
  const auto output = run_command({.argv = {"/bin/grep", "-E", "^Sig(Blk|Ign)", "/proc/self/status"}}, 5s);
  ::signal(SIGPIPE, old);
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  REQUIRE(output);
  CHECK(output->text == "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
}

TEST_CASE("a command's output and status come back together") {
  const auto output = run_command(shell("echo one; echo two >&2; exit 5"), 5s);
  REQUIRE(output);
  CHECK(output->text == "one\ntwo\n");
  CHECK(output->status.code == 5);
}

TEST_CASE("a command's endless output is cut at 1 MiB") {
  const auto output = run_command(shell("head -c 3000000 /dev/zero"), 5s);
  REQUIRE(output);
  CHECK(output->status.ok());
  CHECK(output->text.size() == (1U << 20U));
}

TEST_CASE("a command that takes too long is ended") {
  const auto before = std::chrono::steady_clock::now();
  SECTION("by its deadline") {
    const auto output = run_command({.argv = {"/bin/sleep", "60"}}, 100ms);
    REQUIRE_FALSE(output);
    CHECK(output.error().kind == ErrorKind::timeout);
    CHECK(to_string(output.error()) == "/bin/sleep did not end within 100ms");
  }
  SECTION("by the caller") {
    std::stop_source stop;
    std::thread presser([&] {
      std::this_thread::sleep_for(50ms);
      stop.request_stop();
    });
    const auto output = run_command({.argv = {"/bin/sleep", "60"}}, 30s, stop.get_token());
    presser.join();
    REQUIRE_FALSE(output);
    CHECK(output.error().kind == ErrorKind::cancelled);
  }
  SECTION("also when a grandchild keeps its output open") {
    const auto output = run_command(shell("sleep 60 & exit 0"), 30s);
    REQUIRE(output);
    CHECK(output->status.ok());
  }
  CHECK(std::chrono::steady_clock::now() - before < 5s);
}

TEST_CASE("a program is found by the first of its names that exists") {
  const TemporaryFolder folder;
  const fs::path program = folder.path / "obsctl-test-program";
  const std::string path = std::getenv("PATH");
  ::setenv("PATH", folder.path.c_str(), 1);
  REQUIRE(write_file(program, "#!/bin/sh\n", 0755));
  REQUIRE(write_file(folder.path / "not-executable", "", 0644));
  const auto found = find_program({"obsctl-no-such", "not-executable", "obsctl-test-program"});
  const auto missing = find_program({"obsctl-no-such", "obsctl-nor-this"});
  ::setenv("PATH", path.c_str(), 1);
  REQUIRE(found);
  CHECK(*found == program);
  REQUIRE_FALSE(missing);
  CHECK(missing.error().kind == ErrorKind::not_found);
  CHECK(missing.error().message == "no program obsctl-no-such or obsctl-nor-this was found");
  CHECK(missing.error().hint ==
        fmt::format("searched {}:/usr/sbin:/usr/local/bin:/usr/local/sbin", folder.path.string()));
  CHECK(*find_program({program.string()}) == program);
}

TEST_CASE("the tail of a file is its last lines") {
  const TemporaryFolder folder;
  const fs::path file = folder.path / "log";
  REQUIRE(write_file(file, "1\n2\n3\n\n"));
  CHECK(tail_of_file(file, 2) == "2\n3");
  CHECK(tail_of_file(file, 9) == "1\n2\n3");
  CHECK(tail_of_file(file, 0).empty());
  REQUIRE(write_file(file, "unfinished"));
  CHECK(tail_of_file(file, 1) == "unfinished");
  REQUIRE(write_file(file, std::string(20'000, 'x')));
  CHECK(tail_of_file(file, 1).size() == 8192);
  CHECK(tail_of_file(folder.path / "none", 3).empty());
  CHECK(tail_of_file(folder.path, 3).empty());
}
