// The faults of a run, from injection to proof that they are gone. Each goes through its states on its own,
// so that several can overlap; the runner calls `step` whenever there is news.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/clock.hpp"
#include "core/http_client.hpp"
#include "scenarios/expectation.hpp"
#include "scenarios/fault_ledger.hpp"
#include "scenarios/faults/fault.hpp"
#include "scenarios/journal.hpp"
#include "scenarios/run_load.hpp"
#include "scenarios/scenario.hpp"

namespace obsctl::scenarios {

class RunFaults {
 public:
  /// `run` is the id that the faults are recorded under.
  RunFaults(Journal& journal, RunLoad& load, core::Clock& clock, std::string run)
      : journal_(journal), load_(load), clock_(clock), run_(std::move(run)) {}

  /// Takes away what runs that were killed have left, and journals each as left_fault.cleared
  /// or left_fault.still_there. Main thread only.
  void pick_up_left(const std::stop_token& stop);

  /// Errors: make_fault's.
  core::Result<void> prepare(const std::vector<FaultSpec>& specs,
                             const std::map<std::string, FaultPlace>& places, bool skip);

  /// Whether each could be injected now, before anything is done: a wrong token is better found at once than
  /// in the middle of a run. False: one cannot, which is journalled as run.inconclusive.
  bool all_possible(const std::stop_token& stop);

  /// Takes every fault one step on if its time has come. `started` is when the load began, `gate` the
  /// earliest time of the first injection. What cannot be done, or cannot be confirmed, is journalled as
  /// run.inconclusive.
  void step(core::SteadyTime gate, core::SteadyTime started, const std::vector<Expectation>& expectations,
            const std::stop_token& stop);
  bool all_done() const;

  /// Takes away whatever may still be there, the last first, trying again for a while; what cannot be removed
  /// is journalled with the command that removes it. With `stack_goes` the stack has been or is about to be
  /// taken down, and a fault of one of its services with it: that the service does not answer is no concern
  /// then.
  void roll_back(bool stack_goes);

 private:
  enum class State { waiting, confirming, active, clearing, confirming_clear, done };
  struct Running {
    FaultSpec spec;
    FaultPlace place;
    std::unique_ptr<Fault> fault;
    std::optional<RecordedFault> record;  ///< until it is known to be gone
    Confirmation confirmation;
    std::string phase;  ///< of the load, in which it has to be seen, or seen gone
    State state = State::waiting;
    bool skip = false;
    bool in_place = false;     ///< injected, or perhaps, and not yet taken away
    core::SteadyTime since{};  ///< of the state
    core::SteadyTime injected{};
  };

  /// Whether its time has come, counted from the start of the load or from what it comes after.
  bool is_due(const Running& fault, core::SteadyTime gate, core::SteadyTime started);
  bool is_possible(Running& fault, const std::stop_token& stop);
  void inject(Running& fault, const std::stop_token& stop);
  void clear(Running& fault);
  void roll_back(Running& fault, bool stack_goes);
  static void drop_record(Running& fault);
  static bool is_confirmed(const Running& fault, const FaultSight& sight, bool present,
                           const std::stop_token& stop);
  void confirm(Running& fault, bool present, const std::stop_token& stop);
  bool is_time_to_clear(const Running& fault, const std::vector<Expectation>& expectations) const;
  /// Whether the fault is seen, with the evidence; nothing while too little has been seen to tell.
  std::optional<FaultSight> look(const Running& fault, const std::stop_token& stop);
  /// A part of `phase` for this fault: what was before it would water down what is seen of it.
  void begin_phase_of(Running& fault, const char* phase);
  void enter(Running& fault, State state);
  void give_up(const std::string& reason);
  bool any_other_in_place(const Running& fault) const;

  Journal& journal_;
  RunLoad& load_;
  core::Clock& clock_;
  const std::string run_;
  FaultLedger ledger_;
  core::HttpClient http_;
  std::vector<Running> faults_;
  bool given_up_ = false;
};

/// How a fault with this effect shows itself, where the scenario does not say. Neither a metric nor a path:
/// only the fault itself can tell.
Confirmation default_confirmation(const FaultEffect& effect);

}  // namespace obsctl::scenarios
