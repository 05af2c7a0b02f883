// What goes on beside a load while it runs: the live line, /metrics, the conditions that end it early.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "cli/command_line.hpp"
#include "core/http_server.hpp"
#include "loadgen/condition.hpp"
#include "loadgen/load_run.hpp"

namespace obsctl::cli {

/// The line that is redrawn on a terminal; elsewhere, a line every ten seconds.
class LoadProgress {
 public:
  LoadProgress(bool quiet, bool terminal) : quiet_(quiet), terminal_(terminal) {}
  ~LoadProgress() { clear(); }

  void show(const loadgen::LoadRun& run);
  /// Takes the line off the terminal.
  void clear();

 private:
  bool quiet_;
  bool terminal_;
  bool started_ = false;
  bool drawn_ = false;
  core::SteadyTime next_{};
};

/// A live /metrics whose text the waiting loop renews; the server's thread only hands it out.
class LiveMetrics {
 public:
  /// `address` is ADDRESS:PORT. Errors: usage, unavailable (the port is taken).
  static core::Result<std::unique_ptr<LiveMetrics>> start(const std::string& address);
  void renew(std::string text);

 private:
  std::mutex mutex_;
  std::string text_;
  std::unique_ptr<core::HttpServer> server_;  ///< last, so that it ends before the text does
};

/// Waits for the run's end; the text of the condition that aborted it, or empty. `metrics` may be null.
std::string watch_load(loadgen::LoadRun& run, const std::vector<loadgen::Condition>& abort_if,
                       LoadProgress& progress, LiveMetrics* metrics, Context& context);

}  // namespace obsctl::cli
