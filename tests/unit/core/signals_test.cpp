// Each case runs in a child process of its own: a SignalStop changes the signal mask of the whole process.
#include "core/signals.hpp"

#include <array>
#include <cerrno>
#include <functional>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/clock.hpp"
#include "tests/support/catch.hpp"

using namespace std::chrono_literals;
using obsctl::core::SignalStop;
using obsctl::core::SystemClock;

namespace {

/// Runs `body` in a child and returns its result, or minus the signal that ended it.
int result_in_child(const std::function<int()>& body) {
  const pid_t pid = ::fork();
  REQUIRE(pid >= 0);
  if (pid == 0) {
    ::alarm(20);  // a body that hangs ends as -SIGALRM
    ::_exit(body());
  }
  int status = 0;
  REQUIRE(::waitpid(pid, &status, 0) == pid);
  return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

/// Whether `token` is triggered soon.
bool triggered(const std::stop_token& token) {
  return !SystemClock().sleep_for(10s, token);
}

}  // namespace

TEST_CASE("the first signal stops, the second makes it urgent") {
  const int number = GENERATE(SIGINT, SIGTERM, SIGHUP);
  CAPTURE(number);
  const int step = result_in_child([number] {
    const SignalStop signals;
    if (signals.token().stop_requested() || signals.received() != 0) return 1;
    ::kill(::getpid(), number);
    if (!triggered(signals.token())) return 2;
    if (signals.urgent_token().stop_requested()) return 3;
    if (signals.received() != number) return 4;
    ::kill(::getpid(), SIGINT);
    if (!triggered(signals.urgent_token())) return 5;
    if (signals.received() != number) return 6;  // the first one counts
    return 0;
  });
  CHECK(step == 0);
}

TEST_CASE("a signal also reaches a stop when other threads run") {
  const int step = result_in_child([] {
    const SignalStop signals;
    std::jthread busy([](const std::stop_token& stop) { SystemClock().sleep_for(1min, stop); });
    ::kill(::getpid(), SIGTERM);
    return triggered(signals.token()) ? 0 : 1;
  });
  CHECK(step == 0);
}

TEST_CASE("without a signal it ends quietly") {
  const int step = result_in_child([] {
    { const SignalStop signals; }
    return 0;
  });
  CHECK(step == 0);
}

TEST_CASE("writing to a peer that has gone is an error, not the end of the process") {
  const int step = result_in_child([] {
    const SignalStop signals;
    std::array<int, 2> ends{};
    if (::pipe(ends.data()) != 0) return 1;
    ::close(ends[0]);
    return ::write(ends[1], "x", 1) == -1 && errno == EPIPE ? 0 : 2;
  });
  CHECK(step == 0);
}
