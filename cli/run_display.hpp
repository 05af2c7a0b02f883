// How a run looks in a terminal: a panel that is redrawn while it goes on, or one line an event where nobody
// watches; and the summary at its end.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "core/clock.hpp"
#include "scenarios/journal.hpp"
#include "scenarios/runner.hpp"

namespace obsctl::cli {

/// One line for an event, without time and line end; empty for events that are not worth a line.
std::string event_line(const scenarios::Event& event);

/// The panel of a run as it stands: at most `height` lines of at most `width` columns, without cursor codes.
std::vector<std::string> run_panel(const scenarios::RunView& view,
                                   const std::vector<scenarios::Event>& events, const std::string& title,
                                   core::Nanoseconds elapsed, core::WallTime now, bool colour, int width,
                                   int height);

/// The summary: verdict, reasons, every expectation with what was measured against its budget. `document` is
/// the journal document.
std::string run_summary(const scenarios::Json& document, bool colour);

/// Writes to standard error while a run goes on.
class RunDisplay {
 public:
  /// `live`: standard error is a terminal that may be redrawn.
  RunDisplay(std::string title, const scenarios::Journal& journal, core::Clock& clock, bool live);

  /// For Journal::listen.
  void on_event(const scenarios::Event& event);
  /// For RunTick.
  void on_tick(const scenarios::RunView& view);
  /// Wipes the panel, so that the summary takes its place.
  void finish();

 private:
  void draw(const scenarios::RunView& view);
  void heartbeat(const scenarios::RunView& view);

  const std::string title_;
  const scenarios::Journal& journal_;
  core::Clock& clock_;
  const bool live_;
  const core::SteadyTime started_;
  std::mutex writing_;
  core::SteadyTime last_draw_{};
  core::SteadyTime last_line_;
  int drawn_lines_ = 0;
};

}  // namespace obsctl::cli
