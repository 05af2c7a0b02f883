// A run as reports tell it: plain values, read from the journal document once, so that no renderer has to
// know how a journal is spelt or mistrust what it holds. Everything in it is text from outside.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "scenarios/journal.hpp"

namespace obsctl::cli {

/// Seconds since the run began, or a length in seconds.
using Seconds = double;
using Pairs = std::vector<std::pair<std::string, std::string>>;

/// One expectation with its finding; fields as in docs/reference/journal.md.
struct ReportedExpectation {
  std::string id, kind, stage, fault, alert, receiver, derivation, verdict, detail;
  std::string cause;  ///< of a notification that is missing or late, in one word
  std::optional<Seconds> earliest, budget, measured;
  bool loose = false;

  bool passed() const { return verdict == "passed"; }
  /// Counted from the fault's injection (true) or from its removal.
  bool from_injection() const { return stage != "inactive" && stage != "resolved"; }
  std::optional<Seconds> margin() const {
    return measured && budget ? std::optional(*budget - *measured) : std::nullopt;
  }
};

struct ReportedRule {
  std::string alert, group, file, query, shape;
  std::vector<std::string> receivers;
  Pairs labels, annotations;
  /// By the letters of docs/explanation/alert-timing.md and in their order; absent: not recorded.
  std::optional<Seconds> scrape, evaluation, hold, keep_firing, query_offset, group_wait, group_interval;
};

/// One series of what a rule looked at. A value that is not there is a gap.
struct ReportedSeries {
  Pairs labels;
  std::vector<std::pair<Seconds, std::optional<double>>> points;
};

struct ReportedSamples {
  std::string alert, expression, operation;
  std::optional<double> threshold;
  std::vector<ReportedSeries> series;
  std::int64_t left_out = 0;
};

struct LoadPhase {
  std::string name;
  std::int64_t completed = 0;
  std::optional<Seconds> length;
  std::optional<double> error_ratio, achieved_rate;
  std::map<std::string, Seconds> times;  ///< "response_p50" …
};

struct LoadWindow {
  Seconds start = 0, length = 0;  ///< since the run began
  double asked = 0, sent = 0, errors = 0;
  Seconds p50 = 0, p95 = 0, p99 = 0, lag_p99 = 0;
};

struct ReportedLoad {
  std::string name, target, url, rate;
  std::optional<std::int64_t> seed;
  std::optional<Seconds> started, finished;
  std::optional<double> asked_rate, achieved_rate;
  std::optional<Seconds> lag_p99;
  bool generator_limited = false;
  std::vector<std::pair<std::string, std::int64_t>> counts;
  std::vector<LoadPhase> phases;
  std::vector<LoadWindow> windows;
};

struct ReportedFault {
  std::string name, description, target, undo;
  std::string evidence, clear_evidence, not_removed;
  std::optional<Seconds> injecting, injected, confirmed, clearing, cleared, clear_confirmed;
  bool skipped = false, rolled_back = false, went_with_stack = false;
};

/// A time in which an alert was in one state.
struct AlertSpan {
  std::string state;  ///< pending, firing
  Seconds from = 0, to = 0;
  bool exact = true;  ///< that it began then
};

struct ReportedAlert {
  std::string alert;
  Pairs labels;  ///< without alertname
  std::vector<AlertSpan> spans;
  std::vector<std::pair<Seconds, std::string>> suppressed;  ///< when it was seen, and by what
  bool preexisting = false;
};

/// One request that the receiver took.
struct ReportedNotification {
  Seconds t = 0;
  std::string at, receiver, via, raw;
  std::vector<std::string> firing, resolved;
  bool refused = false;  ///< the receiver was told to misbehave: nobody was notified
  std::vector<std::string> refused_alerts;
  std::int64_t sequence = 0;
};

struct ReportedEvent {
  Seconds t = 0;
  std::string at, kind;
  scenarios::Event event;  ///< for cli::event_line
};

struct RunReport {
  std::string id, scenario, title, file, scenario_sha256, stack, instance, obsctl, revision;
  std::string started_at, finished_at;
  Seconds length = 0;
  double time_scale = 1;
  bool without_fault = false;
  Pairs versions, places, files;  ///< places: part and URL; files: path and SHA-256
  std::vector<std::string> notes;
  std::string verdict;
  std::vector<std::string> reasons, remarks;
  std::vector<ReportedExpectation> expectations;
  std::vector<ReportedRule> rules;
  std::vector<ReportedSamples> samples;
  std::vector<ReportedLoad> loads;
  std::vector<ReportedFault> faults;
  std::vector<ReportedAlert> alerts;
  std::vector<ReportedNotification> notifications;
  std::vector<ReportedEvent> events;

  const ReportedRule* rule(const std::string& alert) const;
};

/// Reads a journal document of schema 1. What is missing or has another type is as if it had not been
/// recorded, so that an older journal of the schema can be told as well. Never fails.
RunReport read_report(const scenarios::Json& document);

}  // namespace obsctl::cli
