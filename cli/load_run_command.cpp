// obsctl load run: one run from its options to its exit code.
#include <algorithm>
#include <memory>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "cli/command_line.hpp"
#include "cli/load_commands.hpp"
#include "cli/load_display.hpp"
#include "cli/load_options.hpp"
#include "cli/load_watch.hpp"
#include "core/file.hpp"
#include "core/text.hpp"
#include "loadgen/export_text.hpp"
#include "loadgen/load_run.hpp"
#include "loadgen/request_mix.hpp"

namespace obsctl::cli {

namespace {

using core::Result;

Result<void> write_results(const LoadOptions& options, const loadgen::Summary& summary) {
  if (!options.output.empty()) {
    const auto written = core::write_file(options.output, nlohmann::json(summary).dump(1) + "\n");
    if (!written) return written.error();
  }
  if (!options.csv.empty()) {
    const auto written = core::write_file(options.csv, loadgen::windows_csv(summary.windows));
    if (!written) return written.error();
  }
  if (!options.prometheus.empty()) {
    const auto written = core::write_file(
        options.prometheus, loadgen::prometheus_text(summary.statistics(), summary.asked_rate, true));
    if (!written) return written.error();
  }
  return {};
}

/// Prints the judgement on standard error (beside JSON) or after the summary, and turns it into an exit code.
int judge(const loadgen::Summary& summary, const std::vector<loadgen::Condition>& fail_if,
          const std::string& aborted_by, bool interrupted, std::FILE* out) {
  bool failed = false;
  for (const loadgen::Condition& condition : fail_if) {
    if (!condition.holds(summary)) continue;
    failed = true;
    fmt::print(out, "  FAILED        {}: {}\n", condition.text(), condition.measured(summary));
  }
  if (!summary.broken_invariant.empty()) return kError;
  if (interrupted) return kInterrupted;
  if (summary.counts.completed() > 0 && summary.statuses.empty()) {
    fmt::print(out, "  UNREACHABLE   not one request was answered\n");
    return kError;
  }
  if (!aborted_by.empty()) {
    fmt::print(out, "  ABORTED       {} held: the load was stopped\n", aborted_by);
    return kAborted;
  }
  if (failed && !summary.generator_limited.limited) return kFailed;
  return summary.generator_limited.limited ? kInconclusive : kPassed;
}

/// A condition on an endpoint that does not exist would pass in silence.
Result<void> check_endpoints(const loadgen::LoadPlan& plan, const std::vector<loadgen::Condition>& fail_if,
                             const std::vector<loadgen::Condition>& abort_if) {
  for (const loadgen::Condition& condition : abort_if) {
    if (condition.endpoint().empty()) continue;
    return core::make_error(core::ErrorKind::usage,
                            fmt::format("--abort-if: \"{}\" is about one endpoint", condition.text()),
                            "endpoints are judged at the end: use --fail-if");
  }
  const auto mix = loadgen::RequestMix::compile(plan);
  if (!mix) return mix.error();
  for (const loadgen::Condition& condition : fail_if) {
    const auto& names = mix->endpoints();
    if (condition.endpoint().empty() ||
        std::find(names.begin(), names.end(), condition.endpoint()) != names.end())
      continue;
    return core::make_error(core::ErrorKind::usage,
                            fmt::format("--fail-if: there is no endpoint \"{}\"{}", condition.endpoint(),
                                        core::did_you_mean(condition.endpoint(), names)),
                            fmt::format("the endpoints are {}", fmt::join(names, ", ")));
  }
  return {};
}

/// Why it does not end at once. Says nothing when it does.
void tell_drain(const loadgen::LoadRun& run, core::Nanoseconds at_most) {
  const std::int64_t in_flight = run.snapshot().counts.in_flight_at_end;
  if (run.finished() || in_flight == 0) return;
  tell("obsctl: waiting for the answers to {} requests, {} at most; Ctrl-C to not wait\n", in_flight,
       core::format_duration(at_most));
}

Result<int> run_load(const LoadOptions& options, Context& context) {
  auto plan = plan_from(options);
  if (!plan) return plan.error();
  if (!options.find_max.empty()) return find_max(options, *plan, context);
  const auto fail_if = conditions_from("--fail-if", options.fail_if);
  if (!fail_if) return fail_if.error();
  const auto abort_if = conditions_from("--abort-if", options.abort_if);
  if (!abort_if) return abort_if.error();
  const auto checked = check_endpoints(*plan, *fail_if, *abort_if);
  if (!checked) return checked.error();
  std::unique_ptr<LiveMetrics> metrics;
  if (!options.metrics.empty()) {
    auto started = LiveMetrics::start(options.metrics);
    if (!started) return started.error();
    metrics = std::move(*started);
  }
  const core::Nanoseconds drain_timeout = plan->drain_timeout;
  auto run = loadgen::LoadRun::start(std::move(*plan), context.log);
  if (!run) return run.error();
  LoadProgress progress(options.quiet, context.terminal_err);
  const std::string aborted_by = watch_load(**run, *abort_if, progress, metrics.get(), context);
  progress.clear();
  if (!options.quiet) tell_drain(**run, drain_timeout);
  const loadgen::Summary summary = (*run)->stop(context.urgent);
  const auto written = write_results(options, summary);
  if (!written) return written.error();
  if (options.json) {
    fmt::print("{}\n", nlohmann::json(summary).dump(1));
  } else {
    fmt::print("{}", load_summary_text(summary));
  }
  const bool interrupted = context.stop.stop_requested();
  return judge(summary, *fail_if, aborted_by, interrupted, options.json ? stderr : stdout);
}

}  // namespace

void add_load_run(CommandLine& line, CLI::App& load) {
  const auto options = std::make_shared<LoadOptions>();
  CLI::App* run = load.add_subcommand("run", "Put a target under load and say what it did");
  add_load_options(*run, *options);
  run->footer(
      "Response time runs from when a request was due, so a stalled target cannot hide; the tool's own "
      "lateness is\n"
      "reported apart as schedule lag.\n\n"
      "Examples:\n"
      "  obsctl load run http://127.0.0.1:8080/ --rate 200/s --duration 1m\n"
      "  obsctl load run http://127.0.0.1:8080/ --stage 500/s:30s --stage =500/s:1m --fail-if "
      "'response_p99>300ms'\n"
      "  obsctl load run http://127.0.0.1:8080 -r 100/s --request '8 GET /a' --request '2 GET /b?id={{i}}'\n"
      "  obsctl load run http://127.0.0.1:8080/ --find-max 'response_p99<100ms' --duration 5s\n"
      "  obsctl load run --targets targets.txt --rate 50/s --json > result.json\n\n"
      "Exit codes: 0 passed, 1 a --fail-if held, 2 usage, 3 inconclusive (the generator was the limit), 4 "
      "aborted by\n"
      "--abort-if, 5 the target's name cannot be resolved, 130 interrupted. Reference: "
      "docs/reference/load.md");
  run->callback([&line, options] {
    line.action = [options](Context& context) { return run_load(*options, context); };
  });
}

}  // namespace obsctl::cli
