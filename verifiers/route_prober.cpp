// One wave after the other: fire, look until what is seen is what is expected (or has had time enough to
// become it), watch for notifications, judge, resolve.
#include "verifiers/route_prober.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "verifiers/route_waves.hpp"

namespace obsctl::verifiers {

using namespace std::chrono_literals;
using core::Nanoseconds;

namespace {

// Alertmanager takes alerts into its groups and its inhibitor in the background, within milliseconds. What
// looks right sooner than this could still change.
constexpr Nanoseconds kSettled = 300ms;
// What has not become right by then does not.
constexpr Nanoseconds kGivenUp = 3s;
constexpr Nanoseconds kPause = 50ms;
// From a flush until its notification has arrived, retries on a busy machine included.
constexpr Nanoseconds kDelivery = 10s;
// From a flush until a notification would have arrived that must not.
constexpr Nanoseconds kQuiet = 1s;
// Beyond the longest that a wave can take: should we be killed, its alerts end by themselves.
constexpr Nanoseconds kSpare = 1min;

class Wave {
 public:
  Wave(AlertmanagerClient& alertmanager, const AlertmanagerConfig& config, const RouteProberOptions& options,
       SyntheticAlerts& alerts, core::Clock& clock, const std::stop_token& stop)
      : alertmanager_(alertmanager),
        config_(config),
        options_(options),
        alerts_(alerts),
        clock_(clock),
        stop_(stop) {}

  void add(const RouteCheck& check, RouteResult& result) { members_.push_back({&check, &result}); }

  Result<void> run(std::uint64_t& sequence) {
    Result<void> skipped = skip_older(sequence);
    if (!skipped) return skipped;
    Result<void> fired = fire();
    if (!fired) return fired;
    Result<void> settled = settle();
    if (!settled) return settled;
    if (options_.notifications) {
      auto watched = watch(sequence);
      if (!watched) return watched;
    } else {
      auto told = wait_for_muting();
      if (!told) return told;
    }
    judge();
    auto resolved = alerts_.resolve();
    if (!resolved) return resolved;
    return options_.is_private ? empty_groups() : Result<void>();
  }

 private:
  struct Member {
    const RouteCheck* check;
    RouteResult* result;
    RouteObservation& seen() const { return result->seen; }
  };

  /// What has arrived before is about something else.
  Result<void> skip_older(std::uint64_t& sequence) {
    if (!options_.notifications) return {};
    for (;;) {
      const auto older = options_.notifications(sequence, {}, stop_);
      if (!older) return older.error();
      if (older->empty()) return {};
      sequence = older->back().sequence;
    }
  }

  /// When the last group of the wave is flushed, counted from now: at most.
  Nanoseconds flush() const {
    Nanoseconds longest{};
    for (const Member& member : members_) {
      for (const Route* route : routes_for(config_, member.seen().sent)) {
        // A group that is there already (a private one that has been emptied is, for up to half a minute) is
        // flushed by its interval.
        longest = std::max({longest, route->group_wait, route->group_interval});
      }
    }
    return longest;
  }

  Result<void> fire() {
    std::vector<PostedAlert> posted;
    const auto add = [&](const Labels& labels, Labels annotations) {
      annotations[std::string(kSyntheticLabel)] =
          fmt::format("sent by obsctl verify routes, run {}: nothing is wrong", alerts_.run_id());
      posted.push_back({alerts_.marked(labels), std::move(annotations)});
      return posted.back().labels;
    };
    for (const Member& member : members_) {
      member.seen().sent = add(member.check->labels, member.check->annotations);
      for (const Labels& labels : member.check->beside) add(labels, {});
    }
    if (options_.has_muted) options_.has_muted();  // what it said before
    fired_ = clock_.steady_now();
    return alerts_.fire(posted, flush() + kGivenUp + kDelivery + kSpare, stop_);
  }

  /// What Alertmanager makes of the alerts now.
  Result<void> look() {
    const auto held = alertmanager_.alerts({alerts_.matcher()}, stop_);
    if (!held) return held.error();
    const auto groups = alertmanager_.groups({alerts_.matcher()}, stop_);
    if (!groups) return groups.error();
    for (const Member& member : members_) {
      RouteObservation& seen = member.seen();
      const auto is_ours = [&](const HeldAlert& alert) { return alert.labels == seen.sent; };
      const auto alert = std::find_if(held->begin(), held->end(), is_ours);
      seen.groups.clear();
      for (const AlertGroup& group : *groups) {
        if (std::any_of(group.alerts.begin(), group.alerts.end(), is_ours))
          seen.groups.push_back({group.receiver, group.labels});
      }
      seen.held = alert != held->end() && !seen.groups.empty();
      if (alert == held->end()) continue;
      seen.receivers = alert->receivers;
      seen.silenced_by.clear();
      for (const std::string& id : alert->silenced_by) {
        const auto& own = options_.own_silences;
        if (std::find(own.begin(), own.end(), id) == own.end()) seen.silenced_by.push_back(id);
      }
      seen.inhibited_by = alert->inhibited_by;
      if (!alert->muted_by.empty()) seen.muted_by = alert->muted_by;
      tells_muting_ = alert->tells_muting;
    }
    return {};
  }

  bool any_failed() const {
    return std::any_of(members_.begin(), members_.end(), [&](const Member& member) {
      RouteFinding finding = judge_route(*member.check, member.seen(), config_);
      return !member.seen().held || finding.outcome == RouteFinding::Outcome::failed;
    });
  }

  Result<void> settle() {
    for (;;) {
      const Nanoseconds elapsed = clock_.steady_now() - fired_;
      auto looked = look();
      if (!looked) return looked;
      if (elapsed >= kGivenUp || (elapsed >= kSettled && !any_failed())) return {};
      if (!clock_.sleep_for(kPause, stop_)) return cancelled();
    }
  }

  /// From 0.28 on Alertmanager says what mutes a group, once it has come to flush it.
  Result<void> wait_for_muting() {
    const auto wanting = [](const Member& member) {
      return member.check->suppressed_by == Suppression::time && member.seen().muted_by.empty();
    };
    const core::SteadyTime deadline = fired_ + flush() + kQuiet;
    while (tells_muting_ && std::any_of(members_.begin(), members_.end(), wanting) &&
           clock_.steady_now() < deadline) {
      if (!clock_.sleep_for(kPause * 4, stop_)) return cancelled();
      auto looked = look();
      if (!looked) return looked;
    }
    return {};
  }

  /// Whether a notification is still to come that nothing speaks against.
  bool is_waiting(const Member& member) const {
    const RouteObservation& seen = member.seen();
    if (member.check->suppressed_by != Suppression::none) return false;
    if (!seen.inhibited_by.empty() || !seen.silenced_by.empty()) return false;
    return any_arrival_missing(seen, config_);
  }

  /// Where one notification will do, the others of the same flush are given time to come too.
  core::SteadyTime others_until() const {
    const bool missing = std::any_of(members_.begin(), members_.end(), [&](const Member& member) {
      return member.check->suppressed_by == Suppression::none && !member.seen().notifications.empty() &&
             !missing_arrivals(member.seen(), config_).empty();
    });
    return missing ? last_came_ + kQuiet : core::SteadyTime::min();
  }

  Result<void> watch(std::uint64_t& sequence) {
    const Nanoseconds flush_within = flush();
    const core::SteadyTime deadline = fired_ + flush_within + kDelivery;
    const bool quiet = std::any_of(members_.begin(), members_.end(), [](const Member& member) {
      return member.check->suppressed_by != Suppression::none;
    });
    const core::SteadyTime quiet_until = quiet ? fired_ + flush_within + kQuiet : fired_;
    for (const Member& member : members_)
      member.seen().proof = options_.is_private ? NotificationProof::complete : NotificationProof::some;
    for (;;) {
      const core::SteadyTime now = clock_.steady_now();
      const bool waiting = std::any_of(members_.begin(), members_.end(),
                                       [&](const Member& member) { return is_waiting(member); });
      const core::SteadyTime until = waiting ? deadline : std::max(quiet_until, others_until());
      if (now >= until) break;
      const auto came = options_.notifications(sequence, std::min<Nanoseconds>(until - now, kSettled), stop_);
      if (!came) return came.error();
      if (stop_.stop_requested()) return cancelled();
      for (const Notification& one : *came) take(one);
      if (came->empty()) continue;
      sequence = came->back().sequence;
      last_came_ = clock_.steady_now();
    }
    for (const Member& member : members_) member.seen().waited = clock_.steady_now() - fired_;
    note_muted();
    return look();
  }

  void take(const Notification& notification) {
    if (notification.refused) return;
    for (const Member& member : members_) {
      const auto reaches = [&](const std::string& name) { return is_for_receiver(notification, name); };
      const auto& receivers = member.seen().receivers;
      const bool ours = !options_.is_private || std::any_of(receivers.begin(), receivers.end(), reaches);
      if (ours && is_about(notification, member.seen().sent))
        member.seen().notifications.push_back(notification);
    }
  }

  /// What an Alertmanager before 0.28 says about muting, it says in its log, and not of which group: a
  /// private one's wave has at most one check that may be meant.
  void note_muted() {
    if (!options_.has_muted || !options_.has_muted()) return;
    for (const Member& member : members_) {
      for (const Route* route : timed_routes(config_, member.seen().sent)) {
        const auto reached = [&](const Notification& one) { return is_for_receiver(one, route->receiver); };
        const auto& came = member.seen().notifications;
        if (std::any_of(came.begin(), came.end(), reached)) continue;
        auto& by = member.seen().muted_by;
        by.insert(by.end(), route->mute_time_intervals.begin(), route->mute_time_intervals.end());
        for (const std::string& name : route->active_time_intervals) by.push_back("outside " + name);
      }
    }
  }

  /// Ids say nothing to a person.
  void name_suppressors() {
    const bool any = std::any_of(members_.begin(), members_.end(), [](const Member& member) {
      return !member.seen().inhibited_by.empty() || !member.seen().silenced_by.empty();
    });
    if (!any) return;
    const auto held = alertmanager_.alerts(stop_);
    const auto silences = alertmanager_.silences(stop_);
    for (const Member& member : members_) {
      for (std::string& by : member.seen().inhibited_by) {
        if (!held) continue;
        for (const HeldAlert& alert : *held) {
          if (alert.fingerprint == by) by = to_text(alert.labels);
        }
      }
      for (std::string& by : member.seen().silenced_by) {
        if (!silences) continue;
        for (const Silence& silence : *silences) {
          if (silence.id == by) by = fmt::format("{} ({})", silence.id, silence.comment);
        }
      }
    }
  }

  void judge() {
    name_suppressors();
    for (const Member& member : members_)
      member.result->finding = judge_route(*member.check, member.seen(), config_);
  }

  /// A resolved alert stays in its group until the group has been flushed, and would be in the next wave's
  /// notification.
  Result<void> empty_groups() {
    const core::SteadyTime deadline = clock_.steady_now() + flush() + kGivenUp;
    while (clock_.steady_now() < deadline) {
      const auto groups = alertmanager_.groups({alerts_.matcher()}, stop_);
      if (!groups) return groups.error();
      if (groups->empty()) break;
      if (!clock_.sleep_for(kPause, stop_)) return cancelled();
    }
    return {};
  }

  static core::Error cancelled() { return core::make_error(core::ErrorKind::cancelled, "interrupted"); }

  AlertmanagerClient& alertmanager_;
  const AlertmanagerConfig& config_;
  const RouteProberOptions& options_;
  SyntheticAlerts& alerts_;
  core::Clock& clock_;
  const std::stop_token& stop_;
  std::vector<Member> members_;
  core::SteadyTime fired_{};
  core::SteadyTime last_came_{};
  bool tells_muting_ = false;
};

}  // namespace

Result<std::vector<RouteResult>> probe_routes(AlertmanagerClient& alertmanager,
                                              const AlertmanagerConfig& config,
                                              const std::vector<RouteCheck>& checks,
                                              const RouteProberOptions& options, SyntheticAlerts& alerts,
                                              core::Clock& clock, const std::stop_token& stop) {
  std::vector<RouteResult> results(checks.size());
  std::uint64_t sequence = 0;
  for (const auto& members : waves_of(checks, config, options.is_private)) {
    Wave wave(alertmanager, config, options, alerts, clock, stop);
    for (const std::size_t i : members) wave.add(checks[i], results[i]);
    const auto run = wave.run(sequence);
    if (!run) return run.error();
  }
  return results;
}

}  // namespace obsctl::verifiers
