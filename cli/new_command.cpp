// obsctl scenario new: a first scenario for a rule, to be looked at and run.
#include <algorithm>
#include <filesystem>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "cli/command_line.hpp"
#include "cli/coverage_command.hpp"
#include "core/file.hpp"
#include "core/http_client.hpp"
#include "core/text.hpp"
#include "scenarios/first_scenario.hpp"

namespace obsctl::cli {

using core::ErrorKind;
using core::Result;
namespace fs = std::filesystem;

namespace {

struct NewFlags {
  Monitoring monitoring;
  std::vector<std::string> alerts;
  std::vector<std::string> journals;
  bool from_rules = false;
  std::string stack;
  std::string target = "api";
  std::string target_url;
  std::string path = "/";
  std::string out = ".";
  bool force = false;
};

/// The alerts of which some receiver was never proven, or not as they are now; each once, in the rules'
/// order.
std::vector<std::string> uncovered(const scenarios::Coverage& coverage) {
  std::vector<std::string> alerts;
  for (const scenarios::CoverageRow& row : coverage.rows) {
    const bool known = std::find(alerts.begin(), alerts.end(), row.alert) != alerts.end();
    if (row.state != scenarios::CoverageRow::State::proven && !known) alerts.push_back(row.alert);
  }
  return alerts;
}

Result<std::vector<std::string>> wanted_alerts(const NewFlags& flags, const Monitoring& places,
                                               const scenarios::Situation& situation, Context& context) {
  if (!flags.from_rules) {
    const std::vector<std::string> known = situation.alert_names();
    for (const std::string& alert : flags.alerts) {
      if (situation.rule(alert) != nullptr) continue;
      return core::make_error(ErrorKind::not_found, fmt::format("Prometheus has no alerting rule \"{}\"{}",
                                                                alert, core::did_you_mean(alert, known)));
    }
    return flags.alerts;
  }
  const auto journals = read_journals(flags.journals, context.log);
  if (!journals) return journals.error();
  return uncovered(cover(situation, places.time_scale, *journals));
}

Result<scenarios::FirstPlaces> first_places(const NewFlags& flags, const Monitoring& places) {
  scenarios::FirstPlaces first;
  first.stack = flags.stack.empty() ? places.stack : flags.stack;
  first.prometheus_url = places.prometheus;
  first.alertmanager_url = places.alertmanager;
  first.target = flags.target;
  first.target_url = flags.target_url;
  first.path = flags.path;
  if (!flags.path.starts_with('/')) {
    return core::make_error(ErrorKind::usage, fmt::format("--path {}: a path begins with /", flags.path),
                            "write it as /api/v1/ping");
  }
  if (!first.stack.empty()) return first;
  if (flags.target_url.empty()) {
    return core::make_error(ErrorKind::usage, fmt::format("where is the target \"{}\"?", flags.target),
                            "add --target-url URL, or --stack NAME for a scenario of a stack");
  }
  if (const auto url = core::parse_url(flags.target_url); !url) return url.error();
  return first;
}

Result<int> new_scenarios(const NewFlags& flags, Context& context) {
  if (flags.from_rules != flags.alerts.empty()) {
    return core::make_error(ErrorKind::usage,
                            flags.from_rules ? "--from-rules chooses the alerts itself" : "which alerts?",
                            "name alerts, or use --from-rules for every one that is not proven yet");
  }
  const auto places = find_prometheus(flags.monitoring);
  if (!places) return places.error();
  const auto first = first_places(flags, *places);
  if (!first) return first.error();
  const auto situation = look_at(*places, context.stop);
  if (!situation) return situation.error();
  const auto alerts = wanted_alerts(flags, *places, *situation, context);
  if (!alerts) return alerts.error();
  std::set<fs::path> files;
  for (const std::string& alert : *alerts)
    files.insert(fs::path(flags.out) / (scenarios::scenario_name(alert) + ".toml"));
  for (const fs::path& file : files) {
    if (flags.force || !fs::exists(file)) continue;
    return core::make_error(ErrorKind::usage,
                            fmt::format("{} is there already; nothing was written", file.string()),
                            "use another --out, or --force to write over it");
  }
  std::error_code problem;
  fs::create_directories(flags.out, problem);
  for (const std::string& alert : *alerts) {
    const fs::path file = fs::path(flags.out) / (scenarios::scenario_name(alert) + ".toml");
    const auto written = core::write_file(file, first_scenario(*situation->rule(alert), *situation, *first));
    if (!written) return written.error();
    fmt::print("{}\n", file.string());
  }
  if (alerts->empty()) context.log.info("every rule is proven already: nothing to write");
  return kPassed;
}

}  // namespace

void add_scenario_new(CLI::App& group, CommandLine& line) {
  const auto flags = std::make_shared<NewFlags>();
  CLI::App* command = group.add_subcommand("new", "write a first scenario for a loaded rule");
  command->add_option("ALERT", flags->alerts, "alerting rules, each of which gets a file");
  command->add_flag("--from-rules", flags->from_rules,
                    "instead: every rule that \"verify coverage\" does not call proven");
  add_monitoring(*command, flags->monitoring);
  add_journals(*command, flags->journals);
  command
      ->add_option("--stack", flags->stack,
                   "the stack that the scenarios are for (default: the attached one)")
      ->type_name("STACK");
  command->add_option("--target", flags->target, "the service that is put under load and broken")
      ->type_name("NAME")
      ->capture_default_str();
  command->add_option("--target-url", flags->target_url, "where it is, when there is no stack")
      ->type_name("URL");
  command->add_option("--path", flags->path, "what the load asks for")
      ->type_name("PATH")
      ->capture_default_str();
  command->add_option("--out", flags->out, "where to write the files")
      ->type_name("FOLDER")
      ->capture_default_str();
  command->add_flag("--force", flags->force, "write over files that are there");
  command->callback(
      [flags, &line] { line.action = [flags](Context& context) { return new_scenarios(*flags, context); }; });
}

}  // namespace obsctl::cli
