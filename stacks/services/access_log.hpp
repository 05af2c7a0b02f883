// One JSON line a request, at a cost that a hundred thousand of them a second can bear: lines are put
// together on the server's thread and written by another one, so that a reader who is slow never holds up an
// answer.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "core/clock.hpp"
#include "core/error.hpp"
#include "stacks/services/fraction.hpp"

namespace obsctl::stacks {

enum class AccessLogMode {
  all,
  errors,  ///< status 400 and up
  off,
};

/// "all", "errors" or "off". Errors: invalid_input.
core::Result<AccessLogMode> parse_access_log_mode(std::string_view text);

struct AccessEntry {
  std::string_view request_id = {};
  std::string_view method = {};
  std::string_view path = {};
  std::string_view route = {};
  std::string_view remote = {};
  std::string_view user_agent = {};
  /// The toggles that affected the request, "latency,error-rate"; empty: none.
  std::string_view faults = {};
  int status = 0;
  std::size_t bytes = 0;  ///< of the body
  core::Nanoseconds duration{};
};

/// Appends the line of one request, with its line end. `time` is RFC 3339.
void append_access_line(std::string& out, std::string_view time, const AccessEntry& entry);

struct AccessLogOptions {
  AccessLogMode mode = AccessLogMode::all;
  /// The fraction of the requests below status 400 that are written; errors always are.
  double sample = 1;
  /// A line is written at the latest this long after its request.
  core::Nanoseconds flush_delay = std::chrono::milliseconds(100);
  /// Stays open and belongs to the caller.
  int descriptor = 1;
  std::uint64_t seed = 1;
};

class AccessLog {
 public:
  explicit AccessLog(const AccessLogOptions& options);
  /// Writes what is left.
  ~AccessLog();
  AccessLog(const AccessLog&) = delete;
  AccessLog& operator=(const AccessLog&) = delete;

  /// Whether the next request of that status is to be written. From one thread, like write().
  bool wants(int status);
  void write(core::WallTime time, const AccessEntry& entry);
  /// Any line, with its line end, whatever the mode; from any thread.
  void write_line(std::string_view line);
  /// Lines that were lost because the descriptor did not take them in time.
  std::uint64_t dropped() const;

 private:
  void flush_until_stopped(const std::stop_token& stop);
  std::string_view timestamp(core::WallTime time);

  const AccessLogOptions options_;
  ExactFraction sample_;
  std::string line_;
  std::string timestamp_;
  std::int64_t timestamp_second_ = -1;
  mutable std::mutex mutex_;
  std::condition_variable_any wake_;
  std::string waiting_;
  std::uint64_t dropped_ = 0;
  std::jthread writer_;
};

}  // namespace obsctl::stacks
