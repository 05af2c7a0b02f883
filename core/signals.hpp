// Ctrl-C and SIGTERM as a stop token.
#pragma once

#include <atomic>
#include <stop_token>
#include <thread>

namespace obsctl::core {

/// From construction on, SIGINT, SIGTERM and SIGHUP trigger a stop instead of ending the process. Construct
/// it in main before any other thread, so that every thread inherits the blocked mask. SIGPIPE is ignored as
/// well.
class SignalStop {
 public:
  SignalStop();
  ~SignalStop();
  SignalStop(const SignalStop&) = delete;
  SignalStop& operator=(const SignalStop&) = delete;

  /// Triggered by the first signal.
  std::stop_token token() const { return first_.get_token(); }
  /// Triggered by the second: skip what only waits, keep what mends.
  std::stop_token urgent_token() const { return second_.get_token(); }
  /// The first signal received, or 0.
  int received() const { return received_.load(); }

 private:
  void watch();
  std::stop_source first_;
  std::stop_source second_;
  std::atomic<int> received_{0};
  std::atomic<bool> done_{false};
  std::thread watcher_;
};

}  // namespace obsctl::core
