// obsctl scenario: list, show, validate and run.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/command_line.hpp"
#include "cli/git_revision.hpp"
#include "cli/report/html_report.hpp"
#include "cli/report/junit_report.hpp"
#include "cli/report/markdown_report.hpp"
#include "cli/run_display.hpp"
#include "cli/run_store.hpp"
#include "cli/runtime_flags.hpp"
#include "cli/stack_display.hpp"
#include "cli/version.hpp"
#include "core/file.hpp"
#include "scenarios/library.hpp"
#include "scenarios/run_document.hpp"
#include "scenarios/runner.hpp"

namespace obsctl::cli {

namespace fs = std::filesystem;
using core::ErrorKind;
using core::Result;
using scenarios::Json;
using scenarios::Scenario;
using scenarios::ScenarioFile;

namespace {

struct RunFlags {
  std::string scenario;
  scenarios::RunOptions run;
  std::vector<std::string> targets;
  std::string max_duration;
  std::string runtime = "native";
  bool json = false;
  std::string junit;
  std::string markdown;
  std::string html;
};

/// The scenario, or all its mistakes as one error.
Result<ScenarioFile> open_valid(const std::string& name) {
  auto file = scenarios::open_scenario(name);
  if (!file) return file.error();
  if (!file->errors.empty()) return scenarios::joined(file->errors);
  return file;
}

std::vector<std::string> expected_of(const Scenario& scenario) {
  std::vector<std::string> lines;
  for (const auto& alert : scenario.alerts)
    lines.push_back(fmt::format("alert {} fires and clears", alert.name));
  for (const auto& one : scenario.notifications) {
    lines.push_back(fmt::format("notification of {} reaches {}", one.alert, one.receiver));
  }
  for (const auto& one : scenario.suppressions) {
    lines.push_back(fmt::format("alert {} fires and is suppressed by {}", one.alert, one.by));
  }
  for (const auto& query : scenario.queries) {
    lines.push_back(fmt::format("query {} becomes {}", query.name, query.tolerance.text()));
  }
  for (const auto& state : scenario.steady_states) {
    lines.push_back(fmt::format("steady state {} before and after", state.name));
  }
  for (const auto& check : scenario.checks) {
    lines.push_back(fmt::format("{} ({})", describe(check.question),
                                check.before && check.after ? "before and after"
                                : check.before              ? "before"
                                                            : "after"));
  }
  for (const auto& threshold : scenario.thresholds) {
    lines.push_back(fmt::format("{} of {} {} ({})", threshold.metric, threshold.load, threshold.bounds.text(),
                                threshold.phase));
  }
  if (scenario.nothing_else) lines.emplace_back("nothing else fires");
  return lines;
}

Json scenario_json(const Scenario& scenario) {
  Json faults = Json::array();
  for (const auto& fault : scenario.faults) faults.push_back(fault.description);
  return {{"id", scenario.id},     {"title", scenario.title},     {"stack", scenario.stack},
          {"file", scenario.file}, {"faults", std::move(faults)}, {"expects", expected_of(scenario)}};
}

void print(const Json& document) {
  fmt::print("{}\n", document.dump(2, ' ', false, Json::error_handler_t::replace));
}

Result<int> list(bool json) {
  Json document{{"schema", 1}, {"scenarios", Json::array()}};
  std::vector<std::vector<std::string>> rows{{"SCENARIO", "STACK", "WHAT IT PROVES"}};
  for (const std::string& id : scenarios::bundled_scenarios()) {
    const auto file = scenarios::open_scenario(id);
    if (!file) return file.error();
    document["scenarios"].push_back(scenario_json(file->scenario));
    rows.push_back({id, file->scenario.stack, file->scenario.title});
  }
  if (rows.size() == 1) {
    return core::make_error(ErrorKind::not_found, "the bundled scenarios were not found",
                            "set OBSCTL_DATA_DIR to the folder that holds scenarios/library/");
  }
  if (json) {
    print(document);
  } else {
    fmt::print("{}", table(rows));
  }
  return kPassed;
}

Result<int> show(const std::string& name, bool json, bool toml) {
  const auto file = open_valid(name);
  if (!file) return file.error();
  const Scenario& scenario = file->scenario;
  if (json) {
    print(scenario_json(scenario));
    return kPassed;
  }
  if (toml) {
    fmt::print("{}", file->text);
    return kPassed;
  }
  fmt::print("{}: {}\n", scenario.id, scenario.title);
  if (!scenario.description.empty()) fmt::print("\n{}\n", scenario.description);
  fmt::print("\nstack   {}\nfile    {}\n", scenario.stack.empty() ? "none" : scenario.stack, scenario.file);
  for (const auto& load : scenario.loads) {
    fmt::print("load    {}: {} to {}\n", load.name, rate_text(load), load.target);
  }
  for (const auto& fault : scenario.faults) fmt::print("fault   {}: {}\n", fault.name, fault.description);
  for (const std::string& line : expected_of(scenario)) fmt::print("expect  {}\n", line);
  return kPassed;
}

Result<int> validate(const std::vector<std::string>& names) {
  bool valid = true;
  for (const std::string& name : names) {
    const auto file = scenarios::open_scenario(name);
    if (!file) return file.error();
    for (const core::Error& error : file->errors) tell("{}\n", to_string(error));
    if (file->errors.empty()) {
      fmt::print("{}: valid\n", name);
    } else {
      valid = false;
      fmt::print("{}: {} mistake{}\n", name, file->errors.size(), file->errors.size() == 1 ? "" : "s");
    }
  }
  return valid ? kPassed : kUsage;
}

int exit_code_of(const std::string& verdict) {
  if (verdict == "passed") return kPassed;
  if (verdict == "failed") return kFailed;
  if (verdict == "inconclusive") return kInconclusive;
  if (verdict == "aborted") return kAborted;
  if (verdict == "interrupted") return kInterrupted;
  return kError;
}

std::string run_title(const RunFlags& flags, const Scenario& scenario, const std::string& id) {
  std::string title = scenario.id;
  if (!flags.run.places.attach.empty()) {
    title += " · in " + flags.run.places.attach;
  } else if (!flags.run.places.elsewhere() && !scenario.stack.empty()) {
    title += fmt::format(" · {} · {}", scenario.stack, to_string(flags.run.places.runtime));
  }
  if (flags.run.places.time_scale != 1.0)
    title += fmt::format(" · time scale {}", flags.run.places.time_scale);
  return title + " · run " + id;
}

Result<void> read_targets(RunFlags& flags) {
  for (const std::string& text : flags.targets) {
    const std::size_t equals = text.find('=');
    if (equals == 0 || equals == std::string::npos || equals + 1 == text.size()) {
      return core::make_error(ErrorKind::usage, fmt::format("--target: \"{}\" is not NAME=URL", text),
                              "write it as --target api=http://127.0.0.1:8080");
    }
    flags.run.places.targets[text.substr(0, equals)] = text.substr(equals + 1);
  }
  return {};
}

/// Appends to the summary of a GitHub job, which takes 1 MiB from one step: whatever else that step has put
/// there counts.
Result<void> append_step_summary(const RunReport& report) {
  const char* path = std::getenv("GITHUB_STEP_SUMMARY");
  if (path == nullptr || *path == '\0') return {};
  std::error_code failure;
  const std::uintmax_t size = fs::file_size(path, failure);
  const std::size_t taken = failure ? 0 : static_cast<std::size_t>(size);
  constexpr std::size_t kLeast = 8192;
  if (taken + kLeast > kLongestMarkdown) {
    tell("the step's summary is full: the report is not in it\n");
    return {};
  }
  std::ofstream file(path, std::ios::app);
  file << markdown_report(report, kLongestMarkdown - taken) << "\n" << std::flush;
  if (file) return {};
  return core::make_error(ErrorKind::unavailable, fmt::format("cannot append to the step's summary {}", path),
                          "unset GITHUB_STEP_SUMMARY, or let it name a file that can be written");
}

/// The reports in the run's folder and where the flags and the CI system want them.
Result<void> write_reports(const RunReport& report, const RunFlags& flags, const fs::path& folder) {
  const std::string page = html_report(report);
  const std::string markdown = markdown_report(report);
  if (auto written = core::write_file(folder / "report.html", page); !written) return written;
  if (auto written = core::write_file(folder / "report.md", markdown); !written) return written;
  if (!flags.html.empty()) {
    if (auto written = core::write_file(flags.html, page); !written) return written;
  }
  if (!flags.markdown.empty()) {
    if (auto written = core::write_file(flags.markdown, markdown); !written) return written;
  }
  if (!flags.junit.empty()) {
    if (auto written = core::write_file(flags.junit, junit_report(report)); !written) return written;
  }
  return append_step_summary(report);
}

/// Nothing that the verdict has to know of, but whoever looks at the dashboards does.
void warn_of_annotations(const scenarios::Journal& journal, core::Logger& log) {
  const auto events = journal.events();
  const scenarios::Event* failed = find_first(events, "annotation.failed");
  if (failed != nullptr) log.warn("not all of the run is annotated in Grafana: " + failed->text("reason"));
}

Result<int> run(RunFlags flags, Context& context) {
  if (auto read = read_targets(flags); !read) return read.error();
  flags.run.places.runtime = runtime_named(flags.runtime);
  const auto file = open_valid(flags.scenario);
  if (!file) return file.error();
  const std::string id = core::new_run_id();
  const Result<fs::path> folder = new_run_folder(id);
  if (!folder) return folder.error();
  if (!flags.max_duration.empty()) {
    const auto longest = core::parse_duration(flags.max_duration);
    if (!longest) return core::make_error(ErrorKind::usage, "--max-duration: " + longest.error().message);
    flags.run.max_duration = *longest;
  }
  flags.run.id = id;
  flags.run.version = version_number();
  flags.run.revision = git_revision(fs::path(file->scenario.file).parent_path(), context.stop);

  scenarios::Journal journal(context.clock);
  if (auto opened = journal.write_to(*folder / "journal.ndjson"); !opened) return opened.error();
  RunDisplay display(run_title(flags, file->scenario, id), journal, context.clock, context.colour_err);
  journal.listen([&](const scenarios::Event& event) { display.on_event(event); });
  const auto outcome = scenarios::run_scenario(
      *file, flags.run, journal, [&](const scenarios::RunView& view) { display.on_tick(view); },
      context.clock, context.log, context.stop, context.urgent);
  display.finish();
  if (!outcome) return outcome.error();
  warn_of_annotations(journal, context.log);

  const Json document = scenarios::run_document(id, journal.events(), journal.start());
  const std::string text = document.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
  if (auto written = core::write_file(*folder / "journal.json", text); !written) return written.error();
  const auto reported = write_reports(read_report(document), flags, *folder);
  if (flags.json) {
    fmt::print("{}", text);
  } else {
    fmt::print("{}", run_summary(document, context.colour_out));
  }
  std::fflush(stdout);
  tell("\n  journal  {}\n", (*folder / "journal.json").string());
  if (!reported) return reported.error();
  tell("  report   {}\n", (*folder / "report.html").string());
  return exit_code_of(document.value("verdict", "error"));
}

void add_run(CLI::App& group, CommandLine& line) {
  const auto flags = std::make_shared<RunFlags>();
  scenarios::PlaceOptions& places = flags->run.places;
  CLI::App* command = group.add_subcommand("run", "runs a scenario and proves its alerts");
  command->add_option("SCENARIO", flags->scenario, "a bundled scenario, or a .toml file")->required();
  command
      ->add_option("--time-scale", places.time_scale,
                   "multiplies every duration that counts: rules, intervals, timers")
      ->check(CLI::Range(0.01, 100.0))
      ->capture_default_str();
  add_runtime_flags(*command, flags->runtime, places.without);
  command->add_flag("--without-fault", flags->run.without_fault,
                    "leave the fault out: a scenario that proves something fails then");
  command->add_flag("--keep", places.keep, "leave the stack up afterwards");
  command->add_option("--attach", places.attach, "use a stack that is up: its name in \"obsctl stack list\"")
      ->type_name("NAME");
  command->add_option("--prometheus", places.prometheus, "a Prometheus that runs elsewhere; starts no stack")
      ->type_name("URL");
  command->add_option("--alertmanager", places.alertmanager, "an Alertmanager that runs elsewhere")
      ->type_name("URL");
  command->add_option("--receiver", places.receiver, "the \"obsctl serve receiver\" that it notifies")
      ->type_name("URL");
  command->add_option("--listen", places.listen, "where a receiver of the run's own listens instead")
      ->type_name("HOST:PORT");
  command->add_option("--target", flags->targets, "a target that runs elsewhere; may be repeated")
      ->type_name("NAME=URL");
  command->add_option("--grafana", places.grafana, "a Grafana that gets faults and alerts as annotations")
      ->envname("OBSCTL_GRAFANA_URL")
      ->type_name("URL");
  command
      ->add_option("--grafana-dashboard", places.grafana_dashboard,
                   "the dashboard that they are for (default: all that show the tag obsctl)")
      ->type_name("UID");
  command
      ->add_option("--allow-target", places.allow_targets,
                   "a host besides this machine that load and faults may go to; may be repeated")
      ->type_name("HOST");
  command->add_option("--max-duration", flags->max_duration, "abort the run then, every fault taken back")
      ->type_name("DURATION");
  command->add_option("--seed", flags->run.seed, "draw the faults of [chaos] from this number");
  command->add_flag("--json", flags->json, "print the journal document instead of the summary");
  command->add_option("--html", flags->html, "also write the report as a page to this file")
      ->type_name("FILE");
  command->add_option("--markdown", flags->markdown, "also write the report as Markdown to this file")
      ->type_name("FILE");
  command->add_option("--junit", flags->junit, "write JUnit XML to this file")->type_name("FILE");
  command->footer(
      "Exit codes: 0 passed, 1 failed, 2 usage, 3 inconclusive, 4 aborted, 5 error, 130 interrupted.\n"
      "Toggles of targets elsewhere take their token from $OBSCTL_SERVICE_TOKEN, or what the scenario "
      "names.");
  command->callback(
      [flags, &line] { line.action = [flags](Context& context) { return run(*flags, context); }; });
}

}  // namespace

void add_scenario_commands(CommandLine& line) {
  CLI::App* group =
      line.app.add_subcommand("scenario", "proves alerts: load, fault, alert, notification, recovery");
  group->require_subcommand(1);

  const auto json = std::make_shared<bool>(false);
  CLI::App* listing = group->add_subcommand("list", "the bundled scenarios");
  listing->add_flag("--json", *json, "one JSON document");
  listing->callback([json, &line] { line.action = [json](Context&) { return list(*json); }; });

  const auto name = std::make_shared<std::string>();
  const auto toml = std::make_shared<bool>(false);
  CLI::App* showing = group->add_subcommand("show", "what a scenario does and expects");
  showing->add_option("SCENARIO", *name, "a bundled scenario, or a .toml file")->required();
  showing->add_flag("--json", *json, "one JSON document");
  showing->add_flag("--toml", *toml, "the file itself, to start your own from");
  showing->callback([=, &line] { line.action = [=](Context&) { return show(*name, *json, *toml); }; });

  const auto names = std::make_shared<std::vector<std::string>>();
  CLI::App* validating =
      group->add_subcommand("validate", "checks files; every mistake of each, with its place");
  validating->add_option("SCENARIO", *names, "bundled scenarios, or .toml files")->required();
  validating->callback([names, &line] { line.action = [names](Context&) { return validate(*names); }; });

  add_scenario_plan(*group, line);
  add_scenario_new(*group, line);
  add_run(*group, line);
}

}  // namespace obsctl::cli
