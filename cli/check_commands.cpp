// obsctl verify and obsctl wait: the same questions, asked once, or again and again until they hold.
#include <array>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/command_line.hpp"
#include "cli/monitoring.hpp"
#include "cli/terminal.hpp"
#include "core/regex.hpp"
#include "verifiers/check.hpp"

namespace obsctl::cli {

using core::ErrorKind;
using core::Nanoseconds;
using core::Result;
using verifiers::Answer;
using verifiers::Question;

namespace {

struct CheckFlags {
  Monitoring monitoring;
  bool json = false;
  bool waits = false;
  std::string within = "1m", hold = "0s", every = "250ms";

  std::string subject;  ///< the positional
  std::string glob = "*";
  std::int64_t at_least = 1;
  verifiers::Bounds bounds;
  double tolerance = 1e-6;
  std::vector<std::string> labels, except;
  std::string state, by, alert, body;
  std::int64_t status = 200;
  bool only_new = false;
};

/// One question as a command: the options it takes, and what they ask.
struct CheckCommand {
  const char* name;
  const char* verify;  ///< its description
  const char* wait;
  void (*add_options)(CLI::App& command, CheckFlags& flags);
  Result<Question> (*question)(const CheckFlags& flags);
};

void add_bounds(CLI::App& command, verifiers::Bounds& bounds) {
  command.add_option("--below", bounds.below, "less than this")->type_name("NUMBER");
  command.add_option("--at-most", bounds.at_most, "this or less")->type_name("NUMBER");
  command.add_option("--above", bounds.above, "more than this")->type_name("NUMBER");
  command.add_option("--at-least", bounds.at_least, "this or more")->type_name("NUMBER");
  command.add_option("--equals", bounds.equals, "exactly this")->type_name("NUMBER");
}

void add_subject(CLI::App& command, CheckFlags& flags, const char* name, const char* description) {
  command.add_option(name, flags.subject, description)->required();
}

Result<verifiers::Labels> read_labels(const std::vector<std::string>& texts) {
  verifiers::Labels labels;
  for (const std::string& text : texts) {
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0) {
      return core::make_error(ErrorKind::usage, fmt::format("--label {}: not a label", text),
                              "write it as name=value");
    }
    labels[text.substr(0, equals)] = text.substr(equals + 1);
  }
  return labels;
}

const std::array kCommands{
    CheckCommand{"targets", "every scrape target is up", "until every scrape target is up",
                 [](CLI::App& command, CheckFlags& flags) {
                   command.add_option("--job", flags.glob, "only those of jobs that this glob matches")
                       ->type_name("GLOB");
                   command.add_option("--at-least", flags.at_least, "how many there have to be")
                       ->check(CLI::NonNegativeNumber)
                       ->capture_default_str();
                 },
                 [](const CheckFlags& flags) -> Result<Question> {
                   return verifiers::TargetsUp{flags.glob, flags.at_least};
                 }},
    CheckCommand{
        "rules", "every rule is healthy and evaluated", "until every rule is healthy and evaluated",
        [](CLI::App& command, CheckFlags& flags) {
          command.add_option("--group", flags.glob, "only those of groups that this glob matches")
              ->type_name("GLOB");
        },
        [](const CheckFlags& flags) -> Result<Question> { return verifiers::RulesHealthy{flags.glob}; }},
    CheckCommand{"query", "every series of a query is in bounds, and there is one",
                 "until every series of a query is in bounds, and there is one",
                 [](CLI::App& command, CheckFlags& flags) {
                   add_subject(command, flags, "QUERY", "an expression, such as 'up{job=\"api\"}'");
                   add_bounds(command, flags.bounds);
                 },
                 [](const CheckFlags& flags) -> Result<Question> {
                   return verifiers::QueryWithin{flags.subject, flags.bounds};
                 }},
    CheckCommand{
        "absent", "a query returns nothing", "until a query returns nothing",
        [](CLI::App& command, CheckFlags& flags) { add_subject(command, flags, "QUERY", "an expression"); },
        [](const CheckFlags& flags) -> Result<Question> { return verifiers::SeriesAbsent{flags.subject}; }},
    CheckCommand{"recording", "a recording rule's series are what its expression gives",
                 "until a recording rule's series are what its expression gives",
                 [](CLI::App& command, CheckFlags& flags) {
                   add_subject(command, flags, "RULE", "the rule's name");
                   command.add_option("--tolerance", flags.tolerance, "relative difference that is none")
                       ->check(CLI::NonNegativeNumber)
                       ->capture_default_str();
                 },
                 [](const CheckFlags& flags) -> Result<Question> {
                   return verifiers::RecordingAgrees{flags.subject, flags.tolerance};
                 }},
    CheckCommand{"alert", "an alert is in a state", "until an alert is in a state",
                 [](CLI::App& command, CheckFlags& flags) {
                   add_subject(command, flags, "ALERT", "the alerting rule's name");
                   flags.state = "firing";
                   command.add_option("--state", flags.state, "inactive: no instance is active")
                       ->check(CLI::IsMember({"inactive", "pending", "firing"}))
                       ->capture_default_str();
                   command
                       .add_option("--label", flags.labels, "only instances with this label; may be repeated")
                       ->type_name("NAME=VALUE");
                 },
                 [](const CheckFlags& flags) -> Result<Question> {
                   auto labels = read_labels(flags.labels);
                   if (!labels) return labels.error();
                   const auto state = flags.state == "inactive"  ? verifiers::AlertState::inactive
                                      : flags.state == "pending" ? verifiers::AlertState::pending
                                                                 : verifiers::AlertState::firing;
                   return verifiers::AlertIs{flags.subject, std::move(*labels), state};
                 }},
    CheckCommand{
        "quiet", "no alert fires", "until no alert fires",
        [](CLI::App& command, CheckFlags& flags) {
          command.add_option("--except", flags.except, "an alert that may; a glob; may be repeated")
              ->type_name("GLOB");
        },
        [](const CheckFlags& flags) -> Result<Question> { return verifiers::NothingFires{flags.except}; }},
    CheckCommand{"suppressed", "Alertmanager holds an alert back", "until Alertmanager holds an alert back",
                 [](CLI::App& command, CheckFlags& flags) {
                   add_subject(command, flags, "ALERT", "the alert's name");
                   command.add_option("--by", flags.by, "by nothing else")
                       ->check(CLI::IsMember({"inhibition", "silence", "mute"}));
                 },
                 [](const CheckFlags& flags) -> Result<Question> {
                   return verifiers::AlertSuppressed{flags.subject, flags.by};
                 }},
    CheckCommand{"notification", "obsctl's receiver has got a notification",
                 "until obsctl's receiver has got a notification",
                 [](CLI::App& command, CheckFlags& flags) {
                   add_subject(command, flags, "RECEIVER", "the last part of the path that it is sent to");
                   flags.state = "firing";
                   command.add_option("--alert", flags.alert, "about this alert")->type_name("NAME");
                   command.add_option("--state", flags.state, "what it says")
                       ->check(CLI::IsMember({"firing", "resolved", "any"}))
                       ->capture_default_str();
                   if (flags.waits) command.add_flag("--new", flags.only_new, "one that arrives from now on");
                 },
                 [](const CheckFlags& flags) -> Result<Question> {
                   const auto status = flags.state == "firing"     ? verifiers::NotifiedStatus::firing
                                       : flags.state == "resolved" ? verifiers::NotifiedStatus::resolved
                                                                   : verifiers::NotifiedStatus::unknown;
                   return verifiers::NotificationArrived{flags.subject, flags.alert, status, 0};
                 }},
    CheckCommand{
        "http", "an endpoint answers", "until an endpoint answers",
        [](CLI::App& command, CheckFlags& flags) {
          add_subject(command, flags, "URL", "what to GET");
          command.add_option("--status", flags.status, "what it has to answer; 0: any 2xx")
              ->check(CLI::Range(0, 599))
              ->capture_default_str();
          command.add_option("--body", flags.body, "what its body has to contain")->type_name("REGEX");
        },
        [](const CheckFlags& flags) -> Result<Question> {
          if (auto body = core::Regex::parse(flags.body); !body) return body.error();
          if (auto url = core::parse_url(flags.subject); !url) return url.error();
          return verifiers::HttpAnswers{flags.subject, flags.status, flags.body};
        }},
};

/// The clients that the flags name.
struct Clients {
  std::optional<verifiers::PrometheusClient> prometheus;
  std::optional<verifiers::AlertmanagerClient> alertmanager;
  std::optional<verifiers::ReceiverClient> receiver;
  core::HttpClient http;

  verifiers::Sources sources(core::Clock& clock) {
    return {prometheus ? &*prometheus : nullptr, alertmanager ? &*alertmanager : nullptr,
            receiver ? &*receiver : nullptr, &http, &clock};
  }
};

Result<std::unique_ptr<Clients>> open_clients(const CheckFlags& flags) {
  const auto places = find_monitoring(flags.monitoring);
  if (!places) return places.error();
  auto clients = std::make_unique<Clients>();
  if (!places->prometheus.empty()) clients->prometheus.emplace(places->prometheus);
  if (!places->alertmanager.empty()) clients->alertmanager.emplace(places->alertmanager);
  if (!places->receiver.empty()) clients->receiver.emplace(places->receiver);
  return clients;
}

int exit_code_of(Answer::State state) {
  if (state == Answer::State::holds) return kPassed;
  return state == Answer::State::fails ? kFailed : kInconclusive;
}

void print_answer(const Question& question, const Answer& answer, std::optional<Nanoseconds> waited,
                  const CheckFlags& flags, bool colour) {
  if (flags.json) {
    nlohmann::json document{{"schema", 1},
                            {"check", describe(question)},
                            {"state", to_string(answer.state)},
                            {"evidence", answer.evidence},
                            {"details", answer.details}};
    if (waited) document["waited_s"] = core::to_seconds(*waited);
    fmt::print("{}\n", document.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
    return;
  }
  const std::string sign = answer.holds()                         ? paint("✓", Colour::green, colour)
                           : answer.state == Answer::State::fails ? paint("✗", Colour::red, colour)
                                                                  : paint("?", Colour::yellow, colour);
  fmt::print("{} {}: {}{}\n", sign, describe(question), answer.evidence,
             waited ? fmt::format(" (after {})", core::format_rounded(*waited)) : "");
  for (const std::string& detail : answer.details) fmt::print("    {}\n", detail);
}

Result<int> verify(const Question& question, const CheckFlags& flags, Context& context) {
  const auto clients = open_clients(flags);
  if (!clients) return clients.error();
  const auto answer = ask(question, (*clients)->sources(context.clock), context.stop);
  if (!answer) return answer.error();
  print_answer(question, *answer, std::nullopt, flags, context.colour_out);
  return exit_code_of(answer->state);
}

struct Patience {
  Nanoseconds within{}, hold{}, every{};
};

Result<Patience> patience_of(const CheckFlags& flags) {
  Patience patience;
  for (const auto& [flag, text, value] : {std::tuple{"--within", &flags.within, &patience.within},
                                          std::tuple{"--for", &flags.hold, &patience.hold},
                                          std::tuple{"--every", &flags.every, &patience.every}}) {
    const auto duration = core::parse_duration(*text);
    if (!duration) {
      return core::make_error(ErrorKind::usage, fmt::format("{}: {}", flag, duration.error().message),
                              "write it as 30s, 500ms or 1m30s");
    }
    *value = *duration;
  }
  if (patience.every <= Nanoseconds::zero())
    return core::make_error(ErrorKind::usage, "--every must be above 0", "use 250ms");
  return patience;
}

/// Whether asking again can help. An endpoint that does not answer may do so yet; what cannot be asked will
/// not.
bool may_change(const core::Error& error) {
  return error.kind != ErrorKind::usage && error.kind != ErrorKind::invalid_input &&
         error.kind != ErrorKind::cancelled;
}

Result<int> wait(Question question, const CheckFlags& flags, Context& context) {
  const auto patience = patience_of(flags);
  if (!patience) return patience.error();
  const auto clients = open_clients(flags);
  if (!clients) return clients.error();
  const verifiers::Sources sources = (*clients)->sources(context.clock);
  if (auto* arrived = std::get_if<verifiers::NotificationArrived>(&question);
      arrived != nullptr && flags.only_new) {
    if (sources.receiver == nullptr) return ask(question, sources, context.stop).error();
    const auto earlier = sources.receiver->next(0, Nanoseconds::zero(), context.stop);
    if (!earlier) return earlier.error();
    if (!earlier->empty()) arrived->after = earlier->back().sequence;
  }
  constexpr Nanoseconds heartbeat = std::chrono::seconds(10);
  const core::SteadyTime began = context.clock.steady_now();
  std::optional<core::SteadyTime> held_since;
  core::SteadyTime told = began;
  while (true) {
    const auto answer = ask(question, sources, context.stop);
    if (!answer && !may_change(answer.error())) return answer.error();
    const core::SteadyTime now = context.clock.steady_now();
    const bool holds = answer && answer->holds();
    if (!holds) held_since.reset();
    if (holds && !held_since) held_since = now;
    if (holds && now - *held_since >= patience->hold) {
      print_answer(question, *answer, now - began, flags, context.colour_out);
      return kPassed;
    }
    if (now - began >= patience->within) {
      if (!answer) return answer.error();
      print_answer(question, *answer, now - began, flags, context.colour_out);
      return holds ? int{kFailed} : exit_code_of(answer->state);
    }
    if (now - told >= heartbeat) {
      told = now;
      context.log.info(fmt::format("waiting until {}: {}", describe(question),
                                   answer ? answer->evidence : to_line(answer.error())));
    }
    const Nanoseconds rest = began + patience->within - now;
    if (!context.clock.sleep_for(std::min(patience->every, rest), context.stop))
      return core::make_error(ErrorKind::cancelled, "interrupted");
  }
}

void add_patience(CLI::App& command, CheckFlags& flags) {
  command.add_option("--within", flags.within, "give up after this long")
      ->type_name("DURATION")
      ->capture_default_str();
  command.add_option("--for", flags.hold, "it has to hold this long")
      ->type_name("DURATION")
      ->capture_default_str();
  command.add_option("--every", flags.every, "how often to ask")
      ->type_name("DURATION")
      ->capture_default_str();
}

void add_checks(CLI::App& group, CommandLine& line, bool waits) {
  for (const CheckCommand& check : kCommands) {
    const auto flags = std::make_shared<CheckFlags>();
    flags->waits = waits;
    CLI::App* command = group.add_subcommand(check.name, waits ? check.wait : check.verify);
    check.add_options(*command, *flags);
    add_monitoring(*command, flags->monitoring);
    add_receiver(*command, flags->monitoring);
    command->add_flag("--json", flags->json, "one document on standard output");
    if (waits) add_patience(*command, *flags);
    command->callback([flags, &check, &line] {
      line.action = [flags, &check](Context& context) -> Result<int> {
        auto question = check.question(*flags);
        if (!question) return question.error();
        return flags->waits ? wait(std::move(*question), *flags, context)
                            : verify(*question, *flags, context);
      };
    });
  }
}

}  // namespace

void add_verify_checks(CLI::App& verify, CommandLine& line) {
  add_checks(verify, line, false);
}

void add_wait_commands(CommandLine& line) {
  CLI::App* wait = line.app.add_subcommand("wait", "ask again and again until something holds");
  wait->require_subcommand(1);
  add_checks(*wait, line, true);
}

}  // namespace obsctl::cli
