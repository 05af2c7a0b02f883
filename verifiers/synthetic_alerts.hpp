// Alerts that are nobody's: sent to an Alertmanager to see what it does with them, marked so that neither a
// person nor a program can take them for real, and always taken back.
#pragma once

#include <string>
#include <vector>

#include "verifiers/alertmanager_client.hpp"

namespace obsctl::verifiers {

/// On every synthetic alert. Its value is the run's id, a hyphen and a number. It keeps the alert apart from
/// a real one with the same labels, which it could otherwise end; no route, inhibition or silence sees it
/// unless one names it, and grouping sees it only where it is by all labels.
inline constexpr std::string_view kSyntheticLabel = "obsctl_synthetic";

/// One thread at a time. The client outlives it.
class SyntheticAlerts {
 public:
  SyntheticAlerts(AlertmanagerClient& alertmanager, core::Clock& clock, std::string run_id);
  /// As take_back(), whose errors it swallows.
  ~SyntheticAlerts();
  SyntheticAlerts(const SyntheticAlerts&) = delete;
  SyntheticAlerts& operator=(const SyntheticAlerts&) = delete;

  const std::string& run_id() const { return run_id_; }
  /// The labels as they will be sent: with the mark, whose number is new each time.
  Labels marked(Labels labels);
  /// Matches every alert of this run.
  const LabelMatcher& matcher() const { return matcher_; }

  /// Sends them, marked already. They end by themselves after `ttl`, should nobody take them back.
  Result<void> fire(const std::vector<PostedAlert>& alerts, core::Nanoseconds ttl,
                    const std::stop_token& stop);
  /// Silences what matches, but only alerts of this run. Returns its id. Ends by itself after `ttl`.
  Result<std::string> silence(std::vector<LabelMatcher> matchers, const std::string& comment,
                              core::Nanoseconds ttl, const std::stop_token& stop);

  /// Resolves every alert that Alertmanager still holds and waits until it lists none, at most ten seconds.
  /// Not stopped by anything. Errors: the client's; timeout.
  Result<void> resolve();
  /// resolve(), and ends the silences.
  Result<void> take_back();

 private:
  Result<bool> resolve_once(bool by_their_clock);

  AlertmanagerClient& alertmanager_;
  core::Clock& clock_;
  const std::string run_id_;
  LabelMatcher matcher_;
  int marks_ = 0;
  bool firing_ = false;
  std::vector<std::string> silences_;
};

}  // namespace obsctl::verifiers
