// Everything that watches during a run, each on a thread of its own: Prometheus' rules, Alertmanager, the
// receiver, and queries. They append to the journal and decide nothing, except that a run whose eyes are gone
// is inconclusive.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "core/clock.hpp"
#include "scenarios/journal.hpp"
#include "scenarios/scenario.hpp"

namespace obsctl::scenarios {

/// What is watched, and how closely.
struct Watch {
  std::string prometheus_url;
  std::string alertmanager_url;          ///< empty: not watched
  std::string receiver_url;              ///< empty: not watched
  std::uint64_t notifications_seen = 0;  ///< earlier ones are not this run's
  Nanoseconds evaluation_interval{};
  std::vector<std::string> alert_names;  ///< all that are loaded, to find them in messages that are only text
  std::set<std::string> groups;          ///< of the expected alerts' rules: trouble with these ends the run
  std::vector<QueryExpectation> queries;
  std::vector<AbortCondition> aborts;
};

/// Watches from construction to destruction. The journal and the clock outlive it.
class Observers {
 public:
  Observers(Watch watch, Journal& journal, core::Clock& clock);
  ~Observers();
  Observers(const Observers&) = delete;
  Observers& operator=(const Observers&) = delete;

 private:
  void watch_rules(const std::stop_token& stop);
  void watch_alertmanager(const std::stop_token& stop);
  void watch_receiver(const std::stop_token& stop);
  void watch_queries(const std::stop_token& stop);

  const Watch watch_;
  Journal& journal_;
  core::Clock& clock_;
  std::vector<std::jthread> threads_;
};

}  // namespace obsctl::scenarios
