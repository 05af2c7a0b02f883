// The load of a run: every [load.NAME] at once, in phases that follow the faults.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "core/log.hpp"
#include "loadgen/load_run.hpp"
#include "scenarios/faults/fault.hpp"
#include "scenarios/journal.hpp"
#include "scenarios/scenario.hpp"

namespace obsctl::scenarios {

/// Phases as thresholds name them. Between them lie "injecting" and "clearing", in which a request may have
/// met the fault or not, and which count for the whole run only.
inline constexpr const char* kBeforeFault = "before-fault";
inline constexpr const char* kInjecting = "injecting";
inline constexpr const char* kDuringFault = "during-fault";
inline constexpr const char* kClearing = "clearing";
inline constexpr const char* kAfterFault = "after-fault";

/// A figure of one phase by the name that scenarios use: error_ratio, achieved_rate (per second),
/// response_p95 and service_p95 (and p50, p90, p99; seconds). Nothing for other names.
std::optional<double> metric_of(const loadgen::Statistics& statistics, const std::string& metric);

/// One load as it goes on, for a display.
struct LoadView {
  std::string name;
  loadgen::Snapshot snapshot;
  std::vector<loadgen::Window> recent;
};

class RunLoad {
 public:
  RunLoad(Journal& journal, core::Logger& log) : journal_(journal), log_(log) {}

  /// Starts every load and journals it. Errors: LoadRun::start's.
  core::Result<void> start(const Scenario& scenario, const std::map<std::string, FaultPlace>& places);

  void begin_phase(const std::string& phase);
  /// What the load on a target (the first, where several go there) has seen in a phase. Nothing when there is
  /// none.
  std::optional<loadgen::Statistics> seen(const std::string& target, const std::string& phase) const;
  std::vector<LoadView> view() const;
  /// Why the load so far is not what the scenario asks for (obsctl ran late, or too little could be sent
  /// before the fault); empty when it is.
  std::string shortfall() const;
  /// Journals the shortfall, if there is one, as the end of the run, and only once. True: there is one.
  bool tell_shortfall();

  /// Stops sending, waits for what is in flight unless `urgent`, and journals the results. Again: does
  /// nothing.
  void finish(const std::stop_token& urgent);

 private:
  struct Running {
    Load spec;
    std::unique_ptr<loadgen::LoadRun> run;
  };
  Journal& journal_;
  core::Logger& log_;
  std::vector<Running> loads_;
  bool told_ = false;
};

}  // namespace obsctl::scenarios
