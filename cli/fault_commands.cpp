// obsctl fault: faults by hand. `set` breaks something, `list` says what is broken and by whom, `clear` mends
// it, also what a run that was killed has left behind. The kinds and their keys are those of scenarios.
#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "cli/command_line.hpp"
#include "cli/stack_display.hpp"
#include "core/file.hpp"
#include "core/http_client.hpp"
#include "core/text.hpp"
#include "core/toml_reader.hpp"
#include "scenarios/fault_ledger.hpp"
#include "scenarios/faults/fault_kind.hpp"
#include "scenarios/safety.hpp"
#include "scenarios/scenario_parts.hpp"
#include "stacks/supervisor.hpp"

namespace obsctl::cli {

using core::ErrorKind;
using core::Result;
using scenarios::FaultLedger;
using scenarios::FaultPlace;
using scenarios::FaultRecord;
using scenarios::FaultSpec;
using scenarios::Json;

namespace {

struct FaultFlags {
  std::vector<std::string> words;  ///< of set: KIND, TARGET, KEY=VALUE …
  std::string attach;
  std::string token_env;
  std::string ttl = "5m";
  std::string hold;
  std::vector<std::string> allow_targets;
  std::string run;
  bool all = false;
  bool forget = false;
  bool json = false;
};

Result<int> list_kinds(bool json) {
  Json document{{"schema", 1}, {"kinds", Json::array()}};
  std::vector<std::vector<std::string>> rows{{"KIND", "WHAT IT DOES", "ITS KEYS"}};
  for (const scenarios::FaultKind& kind : scenarios::fault_kinds()) {
    rows.push_back({kind.name, kind.summary, fmt::format("{}", fmt::join(kind.keys, " "))});
    document["kinds"].push_back({{"kind", kind.name}, {"summary", kind.summary}, {"keys", kind.keys}});
  }
  if (json) {
    fmt::print("{}\n", document.dump(2));
  } else {
    fmt::print("{}", table(rows));
  }
  return kPassed;
}

/// JSON's strings are TOML's. What is no UTF-8 is replaced, and refused by what reads it.
std::string quoted(const std::string& text) {
  return Json(text).dump(-1, ' ', false, Json::error_handler_t::replace);
}

/// A value as it stands on a command line: TOML where it is TOML ("0.3", "true", "[\"/a\"]"), else text.
std::string toml_value(const std::string& text) {
  if (core::TomlFile::parse("value = " + text, "value")) return text;
  return quoted(text);
}

/// What was typed, read as a scenario's [[fault]] is. Errors: usage with every mistake.
Result<FaultSpec> read_words(const FaultFlags& flags, core::Nanoseconds longest) {
  std::string toml = fmt::format("[fault]\nkind = {}\nmax_duration = \"{}\"\n", quoted(flags.words[0]),
                                 core::format_duration(longest));
  std::size_t first = 1;
  if (flags.words.size() > 1 && flags.words[1].find('=') == std::string::npos) {
    toml += fmt::format("target = {}\n", quoted(flags.words[1]));
    first = 2;
  }
  for (std::size_t i = first; i < flags.words.size(); ++i) {
    const std::size_t equals = flags.words[i].find('=');
    if (equals == 0 || equals == std::string::npos) {
      return core::make_error(ErrorKind::usage, fmt::format("\"{}\" is not KEY=VALUE", flags.words[i]),
                              "such as rate=0.3; \"obsctl fault kinds\" lists the keys");
    }
    toml += fmt::format("{} = {}\n", flags.words[i].substr(0, equals),
                        toml_value(flags.words[i].substr(equals + 1)));
  }
  auto file = core::TomlFile::parse(toml, "fault");
  if (!file) return core::make_error(ErrorKind::usage, "the keys cannot be read: " + file.error().message);
  auto table = file->root().table("fault");
  FaultSpec fault = scenarios::read_fault(*table, 0);
  std::string mistakes;
  for (const core::Error& error : file->errors()) {
    mistakes += (mistakes.empty() ? "" : "\n") + error.message;
    if (!error.hint.empty()) mistakes += "\n  hint: " + error.hint;
  }
  if (!mistakes.empty()) return core::make_error(ErrorKind::usage, mistakes);
  return fault;
}

/// The stack that is meant: the one that is named, or the only one that is up.
Result<std::unique_ptr<stacks::Stack>> find_stack(const FaultFlags& flags) {
  if (!flags.attach.empty()) return stacks::attach(flags.attach);
  const auto running = stacks::running_stacks();
  if (running.size() == 1) return stacks::attach(running.front().instance);
  std::vector<std::string> names;
  for (const stacks::RunningStack& stack : running) names.push_back(stack.instance);
  return core::make_error(
      ErrorKind::usage,
      names.empty() ? std::string("the target is no URL, and no stack is up whose service it could be")
                    : fmt::format("several stacks are up: {}", fmt::join(names, ", ")),
      names.empty() ? "write the target as http://…, or start a stack" : "add --attach NAME");
}

/// Where the fault is done. `stack` is kept alive by the caller.
Result<FaultPlace> find_place(const FaultFlags& flags, const FaultSpec& fault,
                              std::unique_ptr<stacks::Stack>& stack) {
  FaultPlace place;
  place.target = fault.target;
  if (!flags.token_env.empty()) place.token_variable = flags.token_env;
  place.token = scenarios::token_from(place.token_variable);
  if (fault.target.empty()) return place;
  if (fault.target.find("://") != std::string::npos) {
    place.url = fault.target;
    while (!place.url.empty() && place.url.back() == '/') place.url.pop_back();
    return place;
  }
  auto found = find_stack(flags);
  if (!found) return found.error();
  stack = std::move(*found);
  const auto url = stack->endpoint(fault.target);
  if (!url) return url.error();
  place.url = *url;
  place.stack = stack.get();
  place.token = stack->token();
  return place;
}

Result<void> check_hosts(const FaultFlags& flags, const FaultSpec& fault, const FaultPlace& place) {
  std::vector<std::string> urls = fault.urls;
  if (!place.url.empty()) urls.push_back(place.url);
  for (const std::string& url : urls) {
    if (auto checked = scenarios::check_fault_url("the fault", url, flags.allow_targets); !checked)
      return checked;
  }
  return {};
}

/// Until the fault itself says that it is there. Errors: unavailable.
Result<void> confirm(scenarios::Fault& fault, Context& context) {
  const core::SteadyTime deadline = context.clock.steady_now() + std::chrono::seconds(10);
  while (true) {
    const auto sight = fault.look({});
    if (sight && sight->present) return {};
    if (context.clock.steady_now() < deadline) {
      context.clock.sleep_for(std::chrono::milliseconds(200), {});
      continue;
    }
    return core::make_error(ErrorKind::unavailable,
                            fmt::format("it was injected but is not seen to be there: {}",
                                        sight ? sight->evidence : to_line(sight.error())),
                            "by hand: " + fault.undo());
  }
}

/// Mends it. Errors: with the command that mends it by hand.
Result<void> take_away(scenarios::Fault& fault, Context& context) {
  const auto cleared = clear_for_sure(fault, context.clock, {});
  if (cleared) return {};
  return core::make_error(ErrorKind::unavailable, to_line(cleared.error()), "by hand: " + fault.undo());
}

Result<int> set(const FaultFlags& flags, Context& context) {
  const auto hold = core::parse_duration(flags.hold.empty() ? "0s" : flags.hold);
  if (!hold) return core::make_error(ErrorKind::usage, "--for: " + hold.error().message, hold.error().hint);
  const auto ttl = core::parse_duration(flags.ttl);
  if (!ttl || ttl->count() <= 0)
    return core::make_error(ErrorKind::usage, fmt::format("--ttl: \"{}\" is no duration above 0", flags.ttl));
  // A fault that is held ends a little after it would be cleared, should this process be killed.
  const core::Nanoseconds longest = hold->count() > 0 ? *hold + std::chrono::seconds(5) : *ttl;
  auto spec = read_words(flags, longest);
  if (!spec) return spec.error();
  std::unique_ptr<stacks::Stack> stack;
  const auto place = find_place(flags, *spec, stack);
  if (!place) return place.error();
  if (const auto allowed = check_hosts(flags, *spec, *place); !allowed) return allowed.error();
  const auto fault = make_fault(*spec, *place, context.clock);
  if (!fault) return fault.error();
  if (const auto possible = (*fault)->check(context.stop); !possible) return possible.error();

  const std::string id = core::new_run_id();
  FaultRecord record = record_of(*spec, *place, **fault, id, context.clock.wall_now());
  record.held = hold->count() == 0;
  auto recorded = FaultLedger().add(record);
  if (!recorded) return recorded.error();
  const auto injected = (*fault)->inject(context.stop);
  if (!injected && injected.error().kind == ErrorKind::conflict) {  // what is there is not ours
    recorded->remove();
    return injected.error();
  }
  const Result<void> confirmed = injected ? confirm(**fault, context) : Result<void>(injected.error());
  if (!confirmed) {
    if (const auto away = take_away(**fault, context); !away) {
      tell("not removed: {}\n", to_string(away.error()));
    } else {
      recorded->remove();
    }
    return confirmed.error();
  }
  if (record.held) {
    if (flags.json) {
      fmt::print("{}\n", Json{{"schema", 1}, {"run", id}, {"description", spec->description}}.dump(2));
    } else {
      fmt::print("{}\n", spec->description);
    }
    tell("  {}\n  take it away: obsctl fault clear --run {}\n",
         record.has_ttl ? fmt::format("ends by itself after {}", flags.ttl) : "does not end by itself", id);
    return kPassed;
  }
  tell("{}, for {} or until Ctrl-C\n", spec->description, core::format_duration(*hold));
  context.clock.sleep_for(*hold, context.stop);
  if (const auto away = take_away(**fault, context); !away) return away.error();
  recorded->remove();
  fmt::print("{}: taken away\n", spec->description);
  return context.stop.stop_requested() ? kInterrupted : kPassed;
}

/// Says what the ledger cannot make sense of. False: there is something.
bool all_readable(const FaultLedger& ledger) {
  const auto files = ledger.unreadable();
  for (const std::filesystem::path& file : files) {
    tell(
        "{} cannot be read: of another version or user, or damaged\n  it may tell of a fault that is in "
        "place; "
        "look at it, mend that by hand, and remove it\n",
        file.string());
  }
  return files.empty();
}

/// "in a run", "left by a run that died", …
std::string state_of(const FaultLedger::Entry& entry, core::WallTime now) {
  if (entry.looked_after) return "in a run";
  if (entry.record.is_over(now)) return "ended by itself";
  return entry.record.held ? "set by hand" : "left by a run that ended";
}

Result<int> list(const FaultFlags& flags, Context& context) {
  const core::WallTime now = context.clock.wall_now();
  Json document{{"schema", 1}, {"faults", Json::array()}};
  std::vector<std::vector<std::string>> rows{{"RUN", "FAULT", "SINCE", "ENDS BY ITSELF", "STATE"}};
  FaultLedger ledger;
  for (const FaultLedger::Entry& entry : ledger.entries()) {
    const FaultRecord& record = entry.record;
    if (record.held && record.is_over(now) && ledger.clear(entry, context.clock, context.stop)) continue;
    const std::string ends = record.has_ttl ? core::format_utc(record.since + record.spec.max_duration) : "";
    rows.push_back({record.run, record.spec.description, core::format_utc(record.since),
                    ends.empty() ? "no" : ends, state_of(entry, now)});
    document["faults"].push_back({{"run", record.run},
                                  {"fault", record.spec.name},
                                  {"kind", record.spec.kind},
                                  {"description", record.spec.description},
                                  {"since", core::format_utc(record.since)},
                                  {"ends_at", ends.empty() ? Json() : Json(ends)},
                                  {"state", state_of(entry, now)},
                                  {"undo", record.undo}});
  }
  if (flags.json) {
    fmt::print("{}\n", document.dump(2));
  } else if (rows.size() == 1) {
    if (ledger.unreadable().empty()) fmt::print("no fault is in place\n");
  } else {
    fmt::print("{}", table(rows));
  }
  return all_readable(ledger) ? kPassed : kError;
}

Result<int> clear(const FaultFlags& flags, Context& context) {
  if (flags.all == !flags.run.empty()) {
    return core::make_error(ErrorKind::usage, "which faults are meant?",
                            "use --run ID, as \"obsctl fault list\" shows it, or --all");
  }
  FaultLedger ledger;
  std::size_t found = 0;
  int result = all_readable(ledger) ? kPassed : kError;
  std::vector<FaultLedger::Entry> entries = ledger.entries();
  std::reverse(entries.begin(), entries.end());  // the last first, as they lie on each other
  for (const FaultLedger::Entry& entry : entries) {
    if (!flags.all && entry.record.run != flags.run) continue;
    ++found;
    const std::string& what = entry.record.spec.description;
    if (entry.looked_after) {
      tell("{}: run {} is still going and takes it away itself\n", what, entry.record.run);
      result = kError;
    } else if (flags.forget) {
      ledger.forget(entry);
      fmt::print("{}: forgotten\n", what);
    } else if (const auto cleared = ledger.clear(entry, context.clock, context.stop); !cleared) {
      tell("{}: not removed: {}\n  by hand: {}\n  then:    obsctl fault clear --run {} --forget\n", what,
           to_line(cleared.error()), entry.record.undo, entry.record.run);
      result = kError;
    } else {
      fmt::print("{}: taken away\n", what);
    }
  }
  if (found > 0 || flags.all) {
    if (found == 0 && result == kPassed) fmt::print("no fault is in place\n");
    return result;
  }
  return core::make_error(ErrorKind::not_found, fmt::format("no fault of run {} is in place", flags.run),
                          "\"obsctl fault list\" shows what is");
}

void add_set(CLI::App& group, CommandLine& line) {
  const auto flags = std::make_shared<FaultFlags>();
  CLI::App* command = group.add_subcommand("set", "breaks something, on purpose and for a while");
  command
      ->add_option("KIND [TARGET] [KEY=VALUE]", flags->words,
                   "a kind of \"obsctl fault kinds\"; a URL, or a service of a stack that is up; its keys")
      ->required();
  command->add_option("--for", flags->hold, "stay, and take it away after this time or on Ctrl-C")
      ->type_name("DURATION");
  command->add_option("--ttl", flags->ttl, "without --for: when it ends by itself, where its kind can")
      ->type_name("DURATION")
      ->capture_default_str();
  command->add_option("--attach", flags->attach, "the stack, where several are up")->type_name("NAME");
  command
      ->add_option("--token-env", flags->token_env,
                   "the variable with the target's token (default: OBSCTL_SERVICE_TOKEN)")
      ->type_name("NAME");
  command
      ->add_option("--allow-target", flags->allow_targets,
                   "a host besides this machine that it may be done to; may be repeated")
      ->type_name("HOST");
  command->add_flag("--json", flags->json, "one JSON document");
  command->footer(
      "obsctl fault set error-rate api rate=0.3 status=503\n"
      "obsctl fault set latency http://127.0.0.1:8080 delay=400ms --for 30s");
  command->callback(
      [flags, &line] { line.action = [flags](Context& context) { return set(*flags, context); }; });
}

void add_clear(CLI::App& group, CommandLine& line) {
  const auto flags = std::make_shared<FaultFlags>();
  CLI::App* command = group.add_subcommand("clear", "takes faults away, also those of runs that were killed");
  command->add_option("--run", flags->run, "those of one run")->type_name("ID");
  command->add_flag("--all", flags->all, "all of them");
  command->add_flag("--forget", flags->forget, "only drop the record: it has been mended by hand");
  command->callback(
      [flags, &line] { line.action = [flags](Context& context) { return clear(*flags, context); }; });
}

}  // namespace

void add_fault_commands(CommandLine& line) {
  CLI::App* group = line.app.add_subcommand("fault", "breaks things by hand, lists what is broken, mends it");
  group->require_subcommand(1);
  add_set(*group, line);

  const auto flags = std::make_shared<FaultFlags>();
  CLI::App* listing = group->add_subcommand("list", "the faults that are in place");
  listing->add_flag("--json", flags->json, "one JSON document");
  listing->callback(
      [flags, &line] { line.action = [flags](Context& context) { return list(*flags, context); }; });

  add_clear(*group, line);

  const auto json = std::make_shared<bool>(false);
  CLI::App* kinds = group->add_subcommand("kinds", "the kinds of faults and their keys");
  kinds->add_flag("--json", *json, "one JSON document");
  kinds->callback([json, &line] { line.action = [json](Context&) { return list_kinds(*json); }; });
}

}  // namespace obsctl::cli
