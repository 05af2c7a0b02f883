// From findings to the verdict on a whole run. See expectation.hpp.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "scenarios/expectation.hpp"

namespace obsctl::scenarios {

namespace {

using core::WallTime;

struct Ending {
  std::string_view kind;
  Verdict verdict = Verdict::passed;
};
// What makes a run unsound, most important first.
constexpr std::array<Ending, 4> kEndings{{{"run.interrupted", Verdict::interrupted},
                                          {"run.error", Verdict::error},
                                          {"run.aborted", Verdict::aborted},
                                          {"run.inconclusive", Verdict::inconclusive}}};

bool is_ending(const Event& event) {
  return std::any_of(kEndings.begin(), kEndings.end(),
                     [&](const Ending& ending) { return event.kind == ending.kind; });
}

/// Until when something could still have been seen: what ended the run, or the latest event. An event may be
/// appended long after it happened, so that is not the last one.
WallTime watched_until(const std::vector<Event>& events) {
  WallTime latest{};
  for (const Event& event : events) {
    if (is_ending(event)) return event.at;
    latest = std::max(latest, event.at);
  }
  return latest;
}

/// The verdict by what ended the run, if it was unsound, with the reasons.
std::optional<Verdict> unsound(const std::vector<Event>& events, std::vector<std::string>& reasons) {
  std::optional<Verdict> verdict;
  for (const Ending& ending : kEndings) {
    for (const Event& event : events) {
      if (event.kind != ending.kind) continue;
      if (!verdict) verdict = ending.verdict;
      reasons.push_back(event.text("reason"));
    }
  }
  return verdict;
}

}  // namespace

std::string_view to_string(Verdict verdict) {
  constexpr std::array<std::string_view, 6> names{"passed",  "failed", "inconclusive",
                                                  "aborted", "error",  "interrupted"};
  return names[static_cast<std::size_t>(verdict)];
}

Judgement judge_run(const std::vector<Expectation>& expectations, const std::vector<Event>& events) {
  Judgement judgement;
  // What made the run itself unsound outranks what it seemed to show.
  const auto ended = unsound(events, judgement.reasons);
  const WallTime now = watched_until(events);
  bool failed = false;
  bool inconclusive = false;
  bool unsettled = false;
  for (const Expectation& expectation : expectations) {
    judgement.findings.push_back(judge(expectation, events, now, true));
    const Finding& finding = judgement.findings.back();
    if (finding.outcome == Outcome::passed) continue;
    if (finding.outcome == Outcome::not_reached) {
      unsettled = true;
      continue;
    }
    (finding.outcome == Outcome::inconclusive ? inconclusive : failed) = true;
    judgement.reasons.push_back(
        fmt::format("{} {}: {}", expectation.id, to_string(finding.outcome), finding.detail));
  }
  if (ended) {
    judgement.verdict = *ended;
  } else if (inconclusive) {
    judgement.verdict = Verdict::inconclusive;
  } else if (failed) {
    judgement.verdict = Verdict::failed;
  } else if (unsettled || expectations.empty()) {
    judgement.verdict = Verdict::inconclusive;
    judgement.reasons.emplace_back(expectations.empty() ? "nothing was expected"
                                                        : "not every expectation was reached");
  }
  return judgement;
}

}  // namespace obsctl::scenarios
