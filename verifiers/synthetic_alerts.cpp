// Taking back asks Alertmanager what it holds instead of remembering what was sent: an answer that was lost
// on the way does not leave an alert behind.
#include "verifiers/synthetic_alerts.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace obsctl::verifiers {

using namespace std::chrono_literals;

namespace {

constexpr core::Nanoseconds kPatience = 10s;
constexpr core::Nanoseconds kPause = 50ms;

LabelMatcher run_matcher(const std::string& run_id) {
  return LabelMatcher::make(std::string(kSyntheticLabel), LabelMatcher::Operator::regex, run_id + "-[0-9]+")
      .value();
}

}  // namespace

SyntheticAlerts::SyntheticAlerts(AlertmanagerClient& alertmanager, core::Clock& clock, std::string run_id)
    : alertmanager_(alertmanager),
      clock_(clock),
      run_id_(std::move(run_id)),
      matcher_(run_matcher(run_id_)) {}

SyntheticAlerts::~SyntheticAlerts() {
  static_cast<void>(take_back());
}

Labels SyntheticAlerts::marked(Labels labels) {
  labels[std::string(kSyntheticLabel)] = fmt::format("{}-{}", run_id_, ++marks_);
  return labels;
}

Result<void> SyntheticAlerts::fire(const std::vector<PostedAlert>& alerts, core::Nanoseconds ttl,
                                   const std::stop_token& stop) {
  std::vector<PostedAlert> posted = alerts;
  for (PostedAlert& alert : posted) {
    alert.starts_at = clock_.wall_now();  // where it is left out, Alertmanager takes the end for it
    alert.ends_at = alert.starts_at + ttl;
  }
  firing_ = true;  // also when the answer is lost
  return alertmanager_.post_alerts(posted, stop);
}

Result<std::string> SyntheticAlerts::silence(std::vector<LabelMatcher> matchers, const std::string& comment,
                                             core::Nanoseconds ttl, const std::stop_token& stop) {
  matchers.push_back(matcher_);
  const WallTime now = clock_.wall_now();
  auto id = alertmanager_.add_silence(matchers, now, now + ttl, comment, stop);
  if (id) silences_.push_back(*id);
  return id;
}

/// True once there is nothing left to resolve. Where Alertmanager's clock is behind ours, an end that is just
/// over by ours lies in its future: the later tries count from when it took the alert, by its own clock.
Result<bool> SyntheticAlerts::resolve_once(bool by_their_clock) {
  const auto held = alertmanager_.alerts({matcher_});
  if (!held) return held.error();
  if (held->empty()) return true;
  std::vector<PostedAlert> ended;
  for (const HeldAlert& alert : *held) {
    const WallTime end = by_their_clock ? alert.updated_at : clock_.wall_now();
    ended.push_back({alert.labels, alert.annotations, std::min(alert.starts_at, end), end});
  }
  const auto posted = alertmanager_.post_alerts(ended);
  if (!posted) return posted.error();
  return false;
}

Result<void> SyntheticAlerts::resolve() {
  if (!firing_) return {};
  const core::SteadyTime deadline = clock_.steady_now() + kPatience;
  for (int attempt = 0;; ++attempt) {
    const auto done = resolve_once(attempt > 5);
    if (done && *done) break;
    if (clock_.steady_now() >= deadline) {
      if (!done) return done.error();
      return core::make_error(
          core::ErrorKind::timeout,
          fmt::format("Alertmanager at {} still holds synthetic alerts", alertmanager_.url()),
          fmt::format("they have the label {}=\"{}-…\" and end by themselves", kSyntheticLabel, run_id_));
    }
    clock_.sleep_for(kPause, {});
  }
  firing_ = false;
  return {};
}

Result<void> SyntheticAlerts::take_back() {
  const Result<void> resolved = resolve();
  std::optional<core::Error> error;
  if (!resolved) error = resolved.error();
  for (const std::string& id : silences_) {
    const auto deleted = alertmanager_.delete_silence(id);
    if (!deleted && !error) error = deleted.error();
  }
  silences_.clear();
  if (error) return *error;
  return {};
}

}  // namespace obsctl::verifiers
