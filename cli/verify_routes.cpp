// obsctl verify routes: its flags, and what they ask for.
#include "scenarios/verify_routes.hpp"

#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/command_line.hpp"
#include "cli/verify_routes_output.hpp"
#include "core/file.hpp"
#include "core/http_client.hpp"
#include "scenarios/library.hpp"
#include "stacks/supervisor.hpp"

namespace obsctl::cli {

using core::ErrorKind;
using core::Result;
using scenarios::Json;
using scenarios::RoutesPlace;

namespace {

constexpr const char* kFooter =
    R"(Try it:  obsctl verify routes --config alertmanager.yml alertname=Down,severity=critical --expect receiver=pager

What can be expected: receiver=NAME (repeat for several, in any order), group_by=LABEL,LABEL, and
suppressed_by=inhibition, silence or time. Without any, a label set has to reach somebody.

With --config nothing leaves this machine: a private Alertmanager is started, and all that it sends comes
to obsctl. At an Alertmanager that runs the alerts are silenced, so that nobody is told, unless --receiver
says where its notifications arrive or --notify lets them go out. The alerts are labelled obsctl_synthetic
and resolved however the command ends. See docs/reference/verify-routes.md.

Exit codes: 0 passed, 1 failed, 2 usage, 3 inconclusive, 5 error, 130 interrupted.)";

struct RoutesFlags {
  std::vector<std::string> label_sets;
  std::vector<std::string> expectations;
  std::string file;
  std::string attach;
  RoutesPlace place;
  std::string config;
  bool json = false;
  std::string junit;
};

Result<verifiers::RouteChecks> read_checks(const RoutesFlags& flags) {
  verifiers::RouteChecks checks;
  if (!flags.file.empty()) {
    const auto text = core::read_file(flags.file);
    if (!text) return text.error();
    std::vector<core::Error> errors;
    checks = verifiers::read_route_checks(*text, flags.file, errors);
    if (!errors.empty()) return scenarios::joined(errors);
  }
  if (!flags.expectations.empty() && flags.label_sets.empty()) {
    return core::make_error(ErrorKind::usage,
                            "--expect is about label sets on the command line, and there are none",
                            "give one, such as alertname=HighErrorRate; a file holds its own expectations");
  }
  for (const std::string& text : flags.label_sets) {
    const auto labels = verifiers::parse_label_set(text);
    if (!labels) return labels.error();
    verifiers::RouteCheck check{.name = verifiers::to_text(*labels), .labels = *labels};
    for (const std::string& expectation : flags.expectations) {
      const auto added = verifiers::add_expectation(check, expectation);
      if (!added) return added.error();
    }
    checks.checks.push_back(std::move(check));
  }
  return checks;
}

Result<RoutesPlace> find_place(const RoutesFlags& flags) {
  RoutesPlace place = flags.place;
  place.config = flags.config;
  const int places = !place.alertmanager.empty() + !flags.config.empty() + !flags.attach.empty();
  if (places != 1) {
    return core::make_error(ErrorKind::usage,
                            places == 0 ? "routes are proven at an Alertmanager, and none is named"
                                        : "--alertmanager, --attach and --config exclude each other",
                            "give --alertmanager URL, --attach NAME of a stack that is up, or --config FILE");
  }
  if (place.alertmanager.empty() && !place.receiver.empty()) {
    return core::make_error(ErrorKind::usage, "--receiver belongs to --alertmanager",
                            "--attach and --config have a receiver of their own");
  }
  if (!flags.config.empty() && place.notify)
    return core::make_error(ErrorKind::usage, "--notify belongs to --alertmanager",
                            "with --config nobody is told");
  for (const std::string* url : {&place.alertmanager, &place.receiver}) {
    if (url->empty()) continue;
    const auto parsed = core::parse_url(*url);
    if (!parsed) return core::make_error(ErrorKind::usage, parsed.error().message, parsed.error().hint);
  }
  if (flags.attach.empty()) return place;
  const auto stack = stacks::attach(flags.attach);
  if (!stack) return stack.error();
  const auto alertmanager = (*stack)->endpoint("alertmanager");
  if (!alertmanager) return alertmanager.error();
  const auto receiver = (*stack)->endpoint("receiver");
  if (!receiver) return receiver.error();
  place.alertmanager = *alertmanager;
  place.receiver = *receiver;
  return place;
}

Result<int> verify(const RoutesFlags& flags, Context& context) {
  const auto checks = read_checks(flags);
  if (!checks) return checks.error();
  const auto place = find_place(flags);
  if (!place) return place.error();
  const auto report = scenarios::verify_routes(*checks, *place, context.clock, context.log, context.stop);
  if (!report) return report.error();
  if (!flags.junit.empty()) {
    if (auto written = core::write_file(flags.junit, routes_junit(*report)); !written) return written.error();
  }
  if (flags.json) {
    fmt::print("{}\n",
               scenarios::routes_document(*report).dump(2, ' ', false, Json::error_handler_t::replace));
  } else {
    fmt::print("{}", routes_table(*report, context.colour_out));
  }
  std::fflush(stdout);
  for (const std::string& note : report->notes) tell("note: {}\n", note);
  if (!report->not_reached.empty())
    tell("note: no label set reached {}\n", fmt::join(report->not_reached, ", "));
  switch (report->verdict()) {
    case verifiers::RouteFinding::Outcome::passed:
      return kPassed;
    case verifiers::RouteFinding::Outcome::failed:
      return kFailed;
    case verifiers::RouteFinding::Outcome::inconclusive:
      return kInconclusive;
  }
  return kError;
}

}  // namespace

void add_verify_routes(CLI::App& verify_group, CommandLine& line) {
  const auto flags = std::make_shared<RoutesFlags>();
  RoutesPlace& place = flags->place;
  CLI::App* command = verify_group.add_subcommand(
      "routes", "which receiver an alert reaches, and whether it is grouped, inhibited, silenced or muted");
  command->add_option("LABELS", flags->label_sets, "label sets, each as NAME=VALUE,NAME=VALUE");
  command->add_option("--expect", flags->expectations, "what every label set must show; repeat for more")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
  command->add_option("--file", flags->file, "a TOML file of label sets and what each must show")
      ->type_name("FILE");
  command->add_option("--alertmanager", place.alertmanager, "prove them at this Alertmanager")
      ->type_name("URL");
  command->add_option("--attach", flags->attach, "at a stack that is up: its name in \"obsctl stack list\"")
      ->type_name("NAME");
  command->add_option("--config", flags->config, "in a private Alertmanager with this configuration")
      ->type_name("FILE");
  command
      ->add_option("--receiver", place.receiver, "the \"obsctl serve receiver\" that --alertmanager notifies")
      ->type_name("URL");
  command->add_flag("--notify", place.notify, "let --alertmanager tell people of the alerts");
  command->add_flag("--json", flags->json, "one JSON document");
  command->add_option("--junit", flags->junit, "write JUnit XML to this file")->type_name("FILE");
  command->footer(kFooter);
  command->callback(
      [flags, &line] { line.action = [flags](Context& context) { return verify(*flags, context); }; });
}

}  // namespace obsctl::cli
