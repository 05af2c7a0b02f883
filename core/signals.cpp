#include "core/signals.hpp"

#include <pthread.h>
#include <signal.h>
#include <time.h>

namespace obsctl::core {

namespace {

sigset_t stop_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGHUP);
  // Only sent to the watcher itself, to end it.
  sigaddset(&set, SIGUSR1);
  return set;
}

}  // namespace

SignalStop::SignalStop() {
  const sigset_t set = stop_signals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  signal(SIGPIPE, SIG_IGN);  // NOLINT(performance-no-int-to-ptr): the macro's own cast
  watcher_ = std::thread([this] { watch(); });
}

SignalStop::~SignalStop() {
  done_ = true;
  pthread_kill(watcher_.native_handle(), SIGUSR1);
  watcher_.join();
}

void SignalStop::watch() {
  const sigset_t set = stop_signals();
  while (!done_) {
    int number = 0;
    if (sigwait(&set, &number) != 0 || number == SIGUSR1) continue;
    if (received_ == 0) {
      received_ = number;
      first_.request_stop();
    } else {
      second_.request_stop();
    }
  }
}

}  // namespace obsctl::core
