#include "verifiers/check.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/regex.hpp"
#include "core/text.hpp"

namespace obsctl::verifiers {

namespace {

using State = Answer::State;

core::Error missing(std::string_view what, std::string_view flag) {
  return core::make_error(core::ErrorKind::usage, fmt::format("there is no {} to ask", what),
                          fmt::format("add {}", flag));
}

/// "1 target", "3 targets".
std::string counted(std::size_t count, std::string_view one) {
  return fmt::format("{} {}{}", count, one, count == 1 ? "" : "s");
}

/// Asks one kind of question after another; what each needs is checked here.
class Asker {
 public:
  Asker(const Sources& sources, const std::stop_token& stop) : sources_(sources), stop_(stop) {}

  Result<Answer> operator()(const TargetsUp& question) const;
  Result<Answer> operator()(const RulesHealthy& question) const;
  Result<Answer> operator()(const QueryWithin& question) const;
  Result<Answer> operator()(const SeriesAbsent& question) const;
  Result<Answer> operator()(const RecordingAgrees& question) const;
  Result<Answer> operator()(const AlertIs& question) const;
  Result<Answer> operator()(const NothingFires& question) const;
  Result<Answer> operator()(const AlertSuppressed& question) const;
  Result<Answer> operator()(const NotificationArrived& question) const;
  Result<Answer> operator()(const HttpAnswers& question) const;

 private:
  const Sources& sources_;
  const std::stop_token& stop_;
};

Result<Answer> Asker::operator()(const TargetsUp& question) const {
  const auto targets = sources_.prometheus->targets(stop_);
  if (!targets) return targets.error();
  Answer answer;
  std::size_t seen = 0;
  for (const ScrapeTarget& target : *targets) {
    const std::string job(label_of(target.labels, "job"));
    if (!core::glob_matches(question.job, job)) continue;
    ++seen;
    if (target.up) continue;
    answer.details.push_back(fmt::format("{} ({}) is {}{}", target.scrape_url, job, target.health,
                                         target.last_error.empty() ? "" : ": " + target.last_error));
  }
  const bool enough = std::cmp_greater_equal(seen, question.at_least);
  answer.state = enough && answer.details.empty() ? State::holds : State::fails;
  answer.evidence = !enough ? fmt::format("{}, not {}", counted(seen, "target"), question.at_least)
                    : answer.details.empty()
                        ? fmt::format("{} up", counted(seen, "target"))
                        : fmt::format("{} of {} not up", answer.details.size(), counted(seen, "target"));
  return answer;
}

/// What is wrong with a rule; empty when nothing is.
std::string trouble(const RuleGroup& group, const Rule& rule, core::WallTime now) {
  if (rule.health == RuleHealth::err) return fmt::format("{}: {}", rule.name, rule.last_error);
  if (rule.health == RuleHealth::unknown) return fmt::format("{} has not been evaluated yet", rule.name);
  constexpr Nanoseconds slack = std::chrono::seconds(1);
  const Nanoseconds age = now - rule.last_evaluation;
  if (age <= 2 * group.interval + slack) return {};
  return fmt::format("{} was last evaluated {} ago, its group's interval is {}", rule.name,
                     core::format_rounded(age), core::format_duration(group.interval));
}

Result<Answer> Asker::operator()(const RulesHealthy& question) const {
  const auto groups = sources_.prometheus->rules(stop_);
  if (!groups) return groups.error();
  Answer answer;
  std::size_t seen = 0;
  for (const RuleGroup& group : *groups) {
    if (!core::glob_matches(question.group, group.name)) continue;
    for (const Rule& rule : group.rules) {
      ++seen;
      if (std::string problem = trouble(group, rule, sources_.clock->wall_now()); !problem.empty())
        answer.details.push_back(std::move(problem));
    }
  }
  if (seen == 0) return Answer{State::no_data, "no rule is loaded", {}};
  answer.state = answer.details.empty() ? State::holds : State::fails;
  answer.evidence = answer.details.empty()
                        ? fmt::format("{} healthy and evaluated", counted(seen, "rule"))
                        : fmt::format("{} of {} not", answer.details.size(), counted(seen, "rule"));
  return answer;
}

std::string sample_text(const Sample& sample) {
  return fmt::format("{} {:.6g}", to_text(sample.labels), sample.value);
}

Result<Answer> Asker::operator()(const QueryWithin& question) const {
  const auto samples = sources_.prometheus->query(question.query, stop_);
  if (!samples) return samples.error();
  if (samples->empty()) return Answer{State::no_data, "the query returns nothing", {}};
  Answer answer{State::holds, {}, {}};
  for (const Sample& sample : *samples) {
    if (question.bounds.empty() || question.bounds.hold_for(sample.value)) continue;
    answer.details.push_back(sample_text(sample));
  }
  if (!answer.details.empty()) answer.state = State::fails;
  answer.evidence =
      samples->size() == 1
          ? fmt::format("it is {:.6g}", samples->front().value)
          : fmt::format("{} of {} series {}", samples->size() - answer.details.size(), samples->size(),
                        question.bounds.empty() ? "are there" : "are in bounds");
  return answer;
}

Result<Answer> Asker::operator()(const SeriesAbsent& question) const {
  const auto samples = sources_.prometheus->query(question.query, stop_);
  if (!samples) return samples.error();
  if (samples->empty()) return Answer{State::holds, "the query returns nothing", {}};
  Answer answer{State::fails, fmt::format("the query returns {} series", samples->size()), {}};
  for (const Sample& sample : *samples) answer.details.push_back(sample_text(sample));
  return answer;
}

/// How far two values are apart, relative to the larger; 0 for two that are both not numbers.
double difference_of(double a, double b) {
  if (std::isnan(a) || std::isnan(b)) return std::isnan(a) && std::isnan(b) ? 0 : INFINITY;
  if (a == b) return 0;
  return std::abs(a - b) / std::max(std::abs(a), std::abs(b));
}

/// The labels of a recorded series, as its expression gives them: without its name and what the rule adds.
Labels recorded_from(Labels labels, const Rule& rule) {
  labels.erase("__name__");
  for (const auto& [name, value] : rule.labels) labels.erase(name);
  return labels;
}

Result<Answer> Asker::operator()(const RecordingAgrees& question) const {
  const auto groups = sources_.prometheus->rules(stop_);
  if (!groups) return groups.error();
  const Rule* rule = nullptr;
  for (const RuleGroup& group : *groups) {
    for (const Rule& one : group.rules) {
      if (!one.alerting && one.name == question.rule) rule = &one;
    }
  }
  if (rule == nullptr) {
    return core::make_error(core::ErrorKind::not_found,
                            fmt::format("Prometheus has no recording rule \"{}\"", question.rule));
  }
  if (rule->last_evaluation == core::WallTime::min())
    return Answer{State::no_data, fmt::format("{} has not been evaluated yet", rule->name), {}};
  // Evaluations are timed to the millisecond; what one recorded stands at exactly its time.
  const auto at = std::chrono::floor<std::chrono::milliseconds>(rule->last_evaluation);
  const auto recorded = sources_.prometheus->query_at(rule->name, at, stop_);
  if (!recorded) return recorded.error();
  const auto computed = sources_.prometheus->query_at(rule->query, at, stop_);
  if (!computed) return computed.error();
  std::map<Labels, double> expected;
  for (const Sample& sample : *computed) expected[recorded_from(sample.labels, *rule)] = sample.value;
  Answer answer;
  for (const Sample& sample : *recorded) {
    const auto found = expected.find(recorded_from(sample.labels, *rule));
    if (found == expected.end()) {
      answer.details.push_back(
          fmt::format("{} is recorded, the expression does not give it", sample_text(sample)));
      continue;
    }
    if (difference_of(sample.value, found->second) > question.tolerance)
      answer.details.push_back(
          fmt::format("{}, the expression gives {:.6g}", sample_text(sample), found->second));
    expected.erase(found);
  }
  for (const auto& [labels, value] : expected)
    answer.details.push_back(fmt::format("{} {:.6g} is not recorded", to_text(labels), value));
  if (recorded->empty() && expected.empty()) return Answer{State::no_data, "neither gives a series", {}};
  answer.state = answer.details.empty() ? State::holds : State::fails;
  answer.evidence = answer.details.empty() ? fmt::format("{} series agree", recorded->size())
                                           : fmt::format("{} series differ", answer.details.size());
  return answer;
}

Result<Answer> Asker::operator()(const AlertIs& question) const {
  const auto groups = sources_.prometheus->rules(stop_);
  if (!groups) return groups.error();
  bool known = false;
  Answer answer;
  std::size_t active = 0;
  std::size_t wanted = 0;
  for (const RuleGroup& group : *groups) {
    for (const Rule& rule : group.rules) {
      if (!rule.alerting || rule.name != question.alert) continue;
      known = true;
      for (const ActiveAlert& alert : rule.alerts) {
        if (!includes(alert.labels, question.labels)) continue;
        ++active;
        if (alert.state == question.state) ++wanted;
        answer.details.push_back(fmt::format("{} {} since {}", to_text(alert.labels), to_string(alert.state),
                                             core::format_utc(alert.active_at)));
      }
    }
  }
  if (!known) {
    return core::make_error(core::ErrorKind::not_found,
                            fmt::format("Prometheus has no alerting rule \"{}\"", question.alert));
  }
  const bool holds = question.state == AlertState::inactive ? active == 0 : wanted > 0;
  answer.state = holds ? State::holds : State::fails;
  answer.evidence = active == 0 ? "it is inactive"
                                : fmt::format("{} active, {} of them {}", counted(active, "instance"), wanted,
                                              to_string(question.state));
  return answer;
}

Result<Answer> Asker::operator()(const NothingFires& question) const {
  const auto alerts = sources_.prometheus->alerts(stop_);
  if (!alerts) return alerts.error();
  Answer answer;
  for (const ActiveAlert& alert : *alerts) {
    const std::string name(label_of(alert.labels, "alertname"));
    const bool excepted =
        std::any_of(question.except.begin(), question.except.end(),
                    [&](const std::string& glob) { return core::glob_matches(glob, name); });
    if (alert.state != AlertState::firing || excepted) continue;
    answer.details.push_back(
        fmt::format("{} fires since {}", to_text(alert.labels), core::format_utc(alert.active_at)));
  }
  answer.state = answer.details.empty() ? State::holds : State::fails;
  answer.evidence = answer.details.empty()
                        ? "nothing else fires"
                        : fmt::format("{} firing", counted(answer.details.size(), "alert"));
  return answer;
}

/// What suppresses a held alert, of one kind or any: "silence s1".
std::vector<std::string> suppressors(const HeldAlert& alert, std::string_view by) {
  std::vector<std::string> found;
  for (const auto& [kind, ids] :
       {std::pair{"inhibition", &alert.inhibited_by}, std::pair{"silence", &alert.silenced_by},
        std::pair{"mute", &alert.muted_by}}) {
    if (!by.empty() && by != kind) continue;
    for (const std::string& id : *ids) found.push_back(fmt::format("{} {}", kind, id));
  }
  return found;
}

Result<Answer> Asker::operator()(const AlertSuppressed& question) const {
  const auto held = sources_.alertmanager->alerts(stop_);
  if (!held) return held.error();
  Answer answer{State::holds, {}, {}};
  std::size_t seen = 0;
  for (const HeldAlert& alert : *held) {
    if (label_of(alert.labels, "alertname") != question.alert) continue;
    ++seen;
    const auto found = suppressors(alert, question.by);
    if (found.empty()) answer.state = State::fails;
    answer.details.push_back(
        fmt::format("{}: {}", to_text(alert.labels),
                    found.empty() ? "not suppressed" : fmt::format("by {}", fmt::join(found, ", "))));
  }
  if (seen == 0) return Answer{State::no_data, "Alertmanager does not hold it", {}};
  answer.evidence = answer.state == State::holds ? fmt::format("{} suppressed", counted(seen, "instance"))
                                                 : "not every instance is suppressed";
  return answer;
}

Result<Answer> Asker::operator()(const NotificationArrived& question) const {
  const auto notifications = sources_.receiver->next(question.after, Nanoseconds::zero(), stop_);
  if (!notifications) return notifications.error();
  for (const Notification& notification : *notifications) {
    if (notification.receiver != question.receiver || notification.refused) continue;
    const auto status =
        question.alert.empty() ? std::optional(notification.status) : status_of(notification, question.alert);
    if (!status || (question.status != NotifiedStatus::unknown && *status != question.status)) continue;
    return Answer{State::holds,
                  fmt::format("number {} arrived at {}", notification.sequence,
                              core::format_utc(notification.received_at)),
                  {}};
  }
  return Answer{State::fails, "it has not arrived", {}};
}

Result<Answer> Asker::operator()(const HttpAnswers& question) const {
  const auto pattern = core::Regex::parse(question.body);
  if (!pattern) return pattern.error();
  const auto reply = sources_.http->call({.url = question.url}, stop_);
  if (!reply) return reply.error();
  Answer answer{State::holds,
                fmt::format("it answered {} after {}", reply->status, core::format_rounded(reply->elapsed)),
                {}};
  const bool status = question.status == 0 ? reply->ok() : reply->status == question.status;
  const bool body = pattern->found_in(reply->body);
  if (!status || !body) answer.state = State::fails;
  if (status && !body) {
    constexpr std::size_t most = 200;
    answer.details.push_back(
        fmt::format("\"{}\" is not in its body: {}", question.body, reply->body.substr(0, most)));
  }
  return answer;
}

struct Describe {
  std::string operator()(const TargetsUp& q) const {
    return q.job == "*" ? "every target is up" : fmt::format("every target of {} is up", q.job);
  }
  std::string operator()(const RulesHealthy& q) const {
    return q.group == "*" ? "every rule is healthy" : fmt::format("every rule of {} is healthy", q.group);
  }
  std::string operator()(const QueryWithin& q) const {
    return fmt::format("{} {}", q.query, q.bounds.empty() ? "gives a series" : "is " + q.bounds.text());
  }
  std::string operator()(const SeriesAbsent& q) const { return q.query + " is absent"; }
  std::string operator()(const RecordingAgrees& q) const { return q.rule + " is what its expression gives"; }
  std::string operator()(const AlertIs& q) const {
    return fmt::format("{}{} is {}", q.alert, q.labels.empty() ? "" : to_text(q.labels), to_string(q.state));
  }
  std::string operator()(const NothingFires& q) const {
    return q.except.empty() ? "no alert fires"
                            : fmt::format("no alert but {} fires", fmt::join(q.except, ", "));
  }
  std::string operator()(const AlertSuppressed& q) const {
    return fmt::format("{} is suppressed{}", q.alert, q.by.empty() ? "" : " by " + q.by);
  }
  std::string operator()(const NotificationArrived& q) const {
    return fmt::format("a {}notification{} has reached {}",
                       q.status == NotifiedStatus::unknown ? "" : fmt::format("{} ", to_string(q.status)),
                       q.alert.empty() ? "" : " of " + q.alert, q.receiver);
  }
  std::string operator()(const HttpAnswers& q) const {
    return fmt::format("{} answers {}", q.url, q.status == 0 ? "2xx" : std::to_string(q.status));
  }
};

}  // namespace

std::string describe(const Question& question) {
  return std::visit(Describe(), question);
}

std::string_view to_string(Answer::State state) {
  switch (state) {
    case State::holds:
      return "holds";
    case State::fails:
      return "fails";
    case State::no_data:
      return "no_data";
  }
  return "?";
}

Result<Answer> ask(const Question& question, const Sources& sources, const std::stop_token& stop) {
  const bool of_http = std::holds_alternative<HttpAnswers>(question);
  const bool of_receiver = std::holds_alternative<NotificationArrived>(question);
  const bool of_alertmanager = std::holds_alternative<AlertSuppressed>(question);
  if (of_receiver && sources.receiver == nullptr) return missing("receiver", "--receiver URL");
  if (of_alertmanager && sources.alertmanager == nullptr)
    return missing("Alertmanager", "--alertmanager URL");
  if (!of_http && !of_receiver && !of_alertmanager && sources.prometheus == nullptr)
    return missing("Prometheus", "--prometheus URL, or --attach NAME for a stack that is up");
  return std::visit(Asker(sources, stop), question);
}

}  // namespace obsctl::verifiers
