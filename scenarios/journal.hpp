// The journal: everything that happened in a run, in one list, on one clock. Load, faults and observers only
// append to it; verdicts, displays and reports only read it.
#pragma once

#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <functional>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "core/clock.hpp"
#include "scenarios/json.hpp"

namespace obsctl::scenarios {

/// One thing that happened. Kinds and their fields are listed in docs/reference/journal.md.
struct Event {
  core::WallTime at;  ///< when it happened, which may be before it was learnt
  std::string kind;   ///< "fault.injected"
  Json fields = Json::object();

  /// A field as text; empty when it is absent or not a string.
  std::string text(std::string_view key) const;
  /// A field as a number; 0 when it is absent or none.
  double number(std::string_view key) const;
  /// Whether a field is there and true.
  bool flag(std::string_view key) const;
};

/// An event as the journal document shows it: {t_s, at, kind, …fields}. `t_s` counts from `start`. A field
/// with one of these three names is left out.
Json to_json(const Event& event, core::WallTime start);

/// Append-only and safe to use from several threads.
class Journal {
 public:
  explicit Journal(core::Clock& clock) : clock_(clock), start_(clock.wall_now()) {}

  /// Also writes every event from now on to `path`, one JSON object a line, flushed at once, so that a run
  /// that dies leaves what it knew. Errors: unavailable.
  core::Result<void> write_to(const std::filesystem::path& path);

  /// Calls `listener` for every event from now on, in order, on the appending thread, which waits for it. It
  /// must not use the journal, which is locked meanwhile; what it throws is dropped.
  void listen(std::function<void(const Event&)> listener);

  void append(std::string kind, Json fields = Json::object());
  void append_at(core::WallTime at, std::string kind, Json fields = Json::object());

  /// When the run began; t_s of every event counts from here.
  core::WallTime start() const { return start_; }
  std::vector<Event> events() const;
  std::size_t size() const;

  /// Waits until the journal holds more than `seen` events, `deadline` has passed or `stop` is triggered.
  void wait_for_more(std::size_t seen, core::SteadyTime deadline, const std::stop_token& stop) const;

 private:
  core::Clock& clock_;
  const core::WallTime start_;
  mutable std::mutex mutex_;
  mutable std::condition_variable_any grown_;
  std::vector<Event> events_;
  std::vector<std::function<void(const Event&)>> listeners_;
  std::ofstream file_;
};

/// The first event of a kind for which `matches` holds, or nothing.
const Event* find_first(const std::vector<Event>& events, std::string_view kind,
                        const std::function<bool(const Event&)>& matches = nullptr);

}  // namespace obsctl::scenarios
