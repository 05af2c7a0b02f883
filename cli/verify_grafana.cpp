// obsctl verify grafana: whether a Grafana's database and datasources are well and its dashboards get data.
#include "cli/verify_grafana.hpp"

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/findings_output.hpp"
#include "stacks/supervisor.hpp"
#include "verifiers/grafana_check.hpp"

namespace obsctl::cli {

using core::ErrorKind;
using core::Finding;
using core::Result;

namespace {

struct GrafanaFlags {
  std::string url;
  std::string attach;
  std::string token_env;
  std::vector<std::string> dashboards;
  std::vector<std::string> variables;
  std::string range;
  bool no_panels = false;
  bool json = false;
};

Result<verifiers::GrafanaAccess> access_of(const GrafanaFlags& flags) {
  if (!flags.token_env.empty()) {
    const char* token = std::getenv(flags.token_env.c_str());
    if (token == nullptr || *token == '\0')
      return core::make_error(ErrorKind::usage, fmt::format("--token-env: {} is not set", flags.token_env),
                              "export the token under that name");
  }
  const std::string variable = flags.token_env.empty() ? verifiers::kGrafanaTokenVariable : flags.token_env;
  if (flags.attach.empty() && flags.url.empty())
    return core::make_error(ErrorKind::usage, "there is no Grafana to ask",
                            "add --url URL, or --attach NAME for a stack that is up");
  if (flags.attach.empty()) return verifiers::grafana_access(flags.url, variable);
  const auto stack = stacks::attach(flags.attach);
  if (!stack) return stack.error();
  const auto url = (*stack)->endpoint("grafana");
  if (!url) return url.error();
  return verifiers::grafana_access(*url, variable, (*stack)->token());
}

Result<verifiers::GrafanaQuestions> questions_of(const GrafanaFlags& flags) {
  verifiers::GrafanaQuestions questions{.dashboards = flags.dashboards, .panels = !flags.no_panels};
  for (const std::string& text : flags.variables) {
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0)
      return core::make_error(ErrorKind::usage, fmt::format("--var {}: not a variable", text),
                              "write it as name=value");
    questions.variables[text.substr(0, equals)] = text.substr(equals + 1);
  }
  if (flags.range.empty()) return questions;
  const auto range = core::parse_duration(flags.range);
  if (!range || *range < std::chrono::seconds(1))
    return core::make_error(ErrorKind::usage,
                            fmt::format("--range: \"{}\" is not a time to look back", flags.range),
                            "write 5m or 1h");
  questions.range = *range;
  return questions;
}

bool looked_at_panels(const core::Findings& findings) {
  return std::any_of(findings.begin(), findings.end(), [](const Finding& finding) {
    return finding.kind == "panel" && finding.state != Finding::State::skipped;
  });
}

Result<int> run(const GrafanaFlags& flags, Context& context) {
  const auto questions = questions_of(flags);
  if (!questions) return questions.error();
  const auto access = access_of(flags);
  if (!access) return access.error();
  verifiers::GrafanaClient grafana(*access);
  const auto findings = check_grafana(grafana, *questions, context.stop);
  if (!findings) return findings.error();
  if (context.stop.stop_requested()) return kInterrupted;  // what was not asked any more has not failed
  const bool ok = none_failed(*findings);
  const bool nothing_seen = ok && !flags.no_panels && !looked_at_panels(*findings);
  if (flags.json) {
    const nlohmann::json document{{"schema", 1},
                                  {"url", grafana.url()},
                                  {"ok", ok && !nothing_seen},
                                  {"findings", findings_json(*findings)}};
    fmt::print("{}\n", document.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
  } else {
    fmt::print("{}", findings_table(*findings));
  }
  if (nothing_seen) {
    std::fflush(stdout);
    fmt::print(stderr, "there is no panel to ask for data; --no-panels does without\n");
    return kInconclusive;
  }
  return ok ? kPassed : kFailed;
}

}  // namespace

void add_verify_grafana(CLI::App& verify, CommandLine& line) {
  const auto flags = std::make_shared<GrafanaFlags>();
  CLI::App* command =
      verify.add_subcommand("grafana", "a Grafana's datasources answer and its dashboards get data");
  command->add_option("--url", flags->url, "the Grafana to ask")
      ->envname("OBSCTL_GRAFANA_URL")
      ->type_name("URL");
  command
      ->add_option("--attach", flags->attach,
                   "ask that of a stack that is up: its name in \"obsctl stack list\"")
      ->type_name("NAME");
  command
      ->add_option("--token-env", flags->token_env,
                   "the variable that holds a service account's token (default: OBSCTL_GRAFANA_TOKEN)")
      ->type_name("VARIABLE");
  command->add_option("--dashboard", flags->dashboards, "only this dashboard; may be repeated")
      ->type_name("UID");
  command
      ->add_option("--var", flags->variables,
                   "a dashboard variable's value, instead of the saved one; may be repeated")
      ->type_name("NAME=VALUE");
  command->add_option("--range", flags->range, "how far back panels look (default: as the dashboard opens)")
      ->type_name("DURATION");
  command->add_flag("--no-panels", flags->no_panels, "leave the dashboards out, which want data to show");
  command->add_flag("--json", flags->json, "one document on standard output");
  command->footer(
      "Without a token: OBSCTL_GRAFANA_USER (admin) and OBSCTL_GRAFANA_PASSWORD; without those, as anybody "
      "may ask.");
  command->callback(
      [flags, &line] { line.action = [flags](Context& context) { return run(*flags, context); }; });
}

}  // namespace obsctl::cli
