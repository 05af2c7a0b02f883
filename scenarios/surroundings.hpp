// Where a run takes place: a bundled stack that it starts, one that is up already, or parts that run
// elsewhere. Whatever it is, the rest of a run sees URLs and places.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/log.hpp"
#include "scenarios/annotations.hpp"
#include "scenarios/faults/fault.hpp"
#include "scenarios/json.hpp"
#include "scenarios/scenario.hpp"
#include "stacks/runtime.hpp"
#include "stacks/stack.hpp"
#include "verifiers/receiver.hpp"

namespace obsctl::scenarios {

/// What the command line says about where things are; empty values leave it to the scenario.
struct PlaceOptions {
  double time_scale = 1.0;
  stacks::Runtime runtime = stacks::Runtime::native;
  std::vector<std::string> without = {};  ///< services of the stack that are not started
  bool keep = false;                      ///< leave the stack up afterwards
  std::string attach = {};                ///< an instance that is up already
  std::string prometheus = {};
  std::string alertmanager = {};
  std::string receiver = {};  ///< the URL of an `obsctl serve receiver`
  std::string listen = {};    ///< host:port for a receiver of the run's own
  std::map<std::string, std::string> targets = {};
  std::string grafana = {};            ///< a Grafana to annotate, instead of the stack's own
  std::string grafana_dashboard = {};  ///< the uid of the dashboard that the annotations are for; empty: all
  std::vector<std::string> allow_targets = {};  ///< hosts besides this machine, as Safety has them

  /// Some part is named that runs elsewhere: no stack is started then.
  bool elsewhere() const {
    return !prometheus.empty() || !alertmanager.empty() || !receiver.empty() || !targets.empty();
  }
};

struct Surroundings {
  std::unique_ptr<stacks::Stack> stack;  ///< null when everything is elsewhere
  bool take_down = false;                ///< the stack is the run's own
  bool fresh = false;                    ///< the stack has just been started
  double time_scale = 1.0;
  std::unique_ptr<verifiers::Receiver> receiver;  ///< null when it is elsewhere or not wanted
  std::string prometheus_url;
  std::string alertmanager_url;  ///< empty: none is watched
  std::string receiver_url;      ///< empty: no notification is expected
  std::optional<AnnotatedGrafana> grafana;
  std::map<std::string, FaultPlace> places;  ///< by target

  /// Of a stack on this machine; empty for an Alertmanager that runs elsewhere.
  std::filesystem::path alertmanager_log() const;
};

/// For the journal: the URLs, and the stack with its versions and files.
Json to_json(const Surroundings& around);

/// Contradictions between a scenario and what the command line says, found before anything is started.
/// Errors: usage.
core::Result<void> check_places(const Scenario& scenario, const PlaceOptions& options);

/// Starts or finds everything. On failure nothing that was started is left. Main thread only. Errors: those
/// of stacks::bring_up, stacks::attach and verifiers::Receiver::start; usage, for a host that is not
/// allowed.
core::Result<Surroundings> open_surroundings(const Scenario& scenario, const PlaceOptions& options,
                                             const stacks::ProgressCallback& progress, core::Clock& clock,
                                             core::Logger& log, const std::stop_token& stop);

/// The scenario for a stack with this time scale: durations and the ranges in its queries. Errors:
/// invalid_input, when a query cannot be scaled faithfully.
core::Result<Scenario> for_time_scale(Scenario scenario, double factor);

}  // namespace obsctl::scenarios
