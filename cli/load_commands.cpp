// obsctl load run, merge and compare.
#include <atomic>
#include <memory>
#include <mutex>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/command_line.hpp"
#include "cli/load_display.hpp"
#include "cli/load_options.hpp"
#include "core/file.hpp"
#include "core/http_server.hpp"
#include "loadgen/capacity.hpp"
#include "loadgen/combine.hpp"
#include "loadgen/export_text.hpp"
#include "loadgen/load_run.hpp"

namespace obsctl::cli {

namespace {

using core::Result;

/// The line that is redrawn on a terminal; elsewhere, a line every ten seconds.
class Progress {
 public:
  Progress(bool quiet, bool terminal) : quiet_(quiet), terminal_(terminal) {}
  ~Progress() { clear(); }

  void show(const loadgen::LoadRun& run) {
    if (quiet_) return;
    const auto now = std::chrono::steady_clock::now();
    if (now < next_) return;
    next_ = now + (terminal_ ? std::chrono::milliseconds(200) : std::chrono::milliseconds(10'000));
    if (!terminal_ && !started_) {
      started_ = true;  // a short run elsewhere than on a terminal says nothing until it is over
      return;
    }
    const std::string line = load_live_line(run.snapshot(), run.recent_windows(20));
    if (terminal_) {
      fmt::print(stderr, "\r\x1b[K{}", line);
      drawn_ = true;
    } else {
      fmt::print(stderr, "{}\n", line);
    }
    std::fflush(stderr);
  }
  void clear() {
    if (drawn_) fmt::print(stderr, "\r\x1b[K");
    drawn_ = false;
  }

 private:
  bool quiet_;
  bool terminal_;
  bool started_ = false;
  bool drawn_ = false;
  std::chrono::steady_clock::time_point next_{};
};

/// A live /metrics whose text the waiting loop renews; the server's thread only hands it out.
class LiveMetrics {
 public:
  static Result<std::unique_ptr<LiveMetrics>> start(const std::string& address) {
    auto metrics = std::make_unique<LiveMetrics>();
    const auto url = core::parse_url("http://" + address);
    if (!url)
      return core::make_error(core::ErrorKind::usage,
                              fmt::format("--metrics: \"{}\" is not ADDRESS:PORT", address));
    core::HttpServerOptions options;
    options.address = url->host;
    options.port = url->port;
    auto server = core::HttpServer::start(
        options, [state = metrics.get()](const std::shared_ptr<core::HttpExchange>& exchange) {
          core::HttpResponse response;
          if (exchange->path() == "/metrics") {
            const std::lock_guard lock(state->mutex_);
            response.body = state->text_;
            response.content_type = "text/plain; version=0.0.4; charset=utf-8";
          } else {
            response.status = 404;
            response.body = "only /metrics is here\n";
          }
          exchange->respond(std::move(response));
        });
    if (!server) return server.error();
    metrics->server_ = std::move(*server);
    return metrics;
  }
  void renew(std::string text) {
    const std::lock_guard lock(mutex_);
    text_ = std::move(text);
  }

 private:
  std::mutex mutex_;
  std::string text_;
  std::unique_ptr<core::HttpServer> server_;  ///< last, so that it ends before the text does
};

struct Conditions {
  std::vector<loadgen::Condition> fail;
  std::vector<loadgen::Condition> abort;
};

/// Waits for the end; the text of the condition that aborted it, or empty.
std::string watch(loadgen::LoadRun& run, const Conditions& conditions, Progress& progress,
                  LiveMetrics* metrics, Context& context) {
  auto next_look = std::chrono::steady_clock::now();
  while (!run.wait(std::chrono::steady_clock::now() + std::chrono::milliseconds(50), context.stop)) {
    if (context.stop.stop_requested()) return {};
    progress.show(run);
    if (std::chrono::steady_clock::now() < next_look) continue;
    next_look = std::chrono::steady_clock::now() + std::chrono::milliseconds(250);
    const auto windows = run.windows_since(0);
    if (metrics != nullptr)
      metrics->renew(loadgen::prometheus_text(run.whole(), run.snapshot().asked_rate, false));
    for (const loadgen::Condition& condition : conditions.abort) {
      if (condition.holds(run.whole(), windows)) return condition.text();
    }
  }
  return {};
}

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
int judge(const loadgen::Summary& summary, const Conditions& conditions, const std::string& aborted_by,
          bool interrupted, std::FILE* out) {
  bool failed = false;
  for (const loadgen::Condition& condition : conditions.fail) {
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
    fmt::print(out, "  ABORTED       {}: {}\n", aborted_by, "the load was stopped");
    return kAborted;
  }
  if (failed && !summary.generator_limited.limited) return kFailed;
  return summary.generator_limited.limited ? kInconclusive : kPassed;
}

Result<int> find_max(const LoadOptions& options, const loadgen::LoadPlan& plan, Context& context) {
  const auto condition = loadgen::Condition::parse(options.find_max);
  if (!condition) return condition.error();
  const auto highest = core::parse_rate(options.max_rate);
  if (!highest) return highest.error();
  loadgen::CapacityLimits limits;
  limits.first = plan.arrivals.rate.per_second();
  limits.highest = highest->per_second();
  const auto probe = [&](double rate) -> Result<loadgen::CapacityPoint> {
    loadgen::LoadPlan attempt = plan;
    attempt.arrivals.rate =
        core::Rate{std::max<std::int64_t>(1, static_cast<std::int64_t>(rate)), std::chrono::seconds(1)};
    auto run = loadgen::LoadRun::start(std::move(attempt), context.log);
    if (!run) return run.error();
    Progress progress(options.quiet, context.colour_err);
    watch(**run, {}, progress, nullptr, context);
    const loadgen::Summary summary = (*run)->stop(context.urgent);
    if (context.stop.stop_requested()) return core::make_error(core::ErrorKind::cancelled, "");
    loadgen::CapacityPoint point;
    point.asked = summary.asked_rate;
    point.achieved = summary.achieved_rate;
    point.error_ratio = summary.counts.error_ratio();
    point.response_time = loadgen::quantiles_of(summary.response_time);
    point.generator_limited = summary.generator_limited.limited;
    point.good = condition->holds(summary) && summary.achieved_rate >= 0.98 * summary.asked_rate;
    if (!options.quiet && !options.json) {
      progress.clear();
      fmt::print(stderr, "{:>10.0f}/s  {}  {}\n", point.asked, condition->measured(summary),
                 point.good ? "good" : "too much");
    }
    return point;
  };
  const auto capacity = loadgen::find_capacity(limits, probe);
  if (!capacity) return capacity.error();
  if (options.json) {
    nlohmann::json curve = nlohmann::json::array();
    for (const auto& point : capacity->curve) {
      curve.push_back({{"asked", point.asked},
                       {"achieved", point.achieved},
                       {"error_ratio", point.error_ratio},
                       {"response_time", point.response_time},
                       {"good", point.good},
                       {"generator_limited", point.generator_limited}});
    }
    const nlohmann::json document = {{"schema", 1},
                                     {"kind", "capacity"},
                                     {"condition", condition->text()},
                                     {"knee", capacity->knee},
                                     {"upper_bound_found", capacity->upper_bound_found},
                                     {"curve", curve}};
    fmt::print("{}\n", document.dump(1));
  } else {
    fmt::print("{}", capacity_text(*capacity, condition->text()));
  }
  if (capacity->knee == 0) return int{kFailed};
  return int{capacity->upper_bound_found ? kPassed : kInconclusive};
}

Result<int> run_load(const LoadOptions& options, Context& context) {
  auto plan = plan_from(options);
  if (!plan) return plan.error();
  Conditions conditions;
  auto fail = conditions_from(options.fail_if);
  if (!fail) return fail.error();
  conditions.fail = std::move(*fail);
  auto abort = conditions_from(options.abort_if);
  if (!abort) return abort.error();
  conditions.abort = std::move(*abort);
  if (!options.find_max.empty()) return find_max(options, *plan, context);
  std::unique_ptr<LiveMetrics> metrics;
  if (!options.metrics.empty()) {
    auto started = LiveMetrics::start(options.metrics);
    if (!started) return started.error();
    metrics = std::move(*started);
  }
  auto run = loadgen::LoadRun::start(std::move(*plan), context.log);
  if (!run) return run.error();
  Progress progress(options.quiet, context.colour_err);
  const std::string aborted_by = watch(**run, conditions, progress, metrics.get(), context);
  const loadgen::Summary summary = (*run)->stop(context.urgent);
  progress.clear();
  const auto written = write_results(options, summary);
  if (!written) return written.error();
  if (options.json) {
    fmt::print("{}\n", nlohmann::json(summary).dump(1));
  } else {
    fmt::print("{}", load_summary_text(summary));
  }
  const bool interrupted = context.stop.stop_requested();
  return judge(summary, conditions, aborted_by, interrupted, options.json ? stderr : stdout);
}

Result<loadgen::Summary> read_summary(const std::string& path) {
  const auto text = core::read_file(path);
  if (!text) return text.error();
  const auto json = nlohmann::json::parse(*text, nullptr, false);
  auto summary = json.is_discarded() ? core::make_error(core::ErrorKind::invalid_input, "not JSON")
                                     : loadgen::summary_from_json(json);
  if (!summary) {
    core::Error error = summary.error();
    error.where = core::SourcePosition{path, 0, 0};
    return error;
  }
  return *summary;
}

Result<int> run_merge(const std::vector<std::string>& files, bool json) {
  std::vector<loadgen::Summary> parts;
  for (const std::string& file : files) {
    auto part = read_summary(file);
    if (!part) return part.error();
    parts.push_back(std::move(*part));
  }
  const auto sum = loadgen::merge(parts);
  if (!sum) return sum.error();
  if (json) {
    fmt::print("{}\n", nlohmann::json(*sum).dump(1));
  } else {
    fmt::print("{}", load_summary_text(*sum));
  }
  return int{sum->generator_limited.limited ? kInconclusive : kPassed};
}

Result<int> run_compare(const std::string& before, const std::string& after, const std::string& tolerance,
                        bool json) {
  const auto a = read_summary(before);
  if (!a) return a.error();
  const auto b = read_summary(after);
  if (!b) return b.error();
  const double share = std::atof(tolerance.c_str()) / (tolerance.find('%') != std::string::npos ? 100 : 1);
  if (!(share >= 0))
    return core::make_error(core::ErrorKind::usage, "--tolerance is a share such as 5% or 0.05");
  const auto comparison = loadgen::compare(*a, *b, share);
  if (json) {
    constexpr const char* kWords[] = {"same", "better", "worse", "unknown"};
    nlohmann::json rows = nlohmann::json::array();
    for (const auto& row : comparison.rows) {
      rows.push_back({{"metric", row.metric},
                      {"before", row.before},
                      {"after", row.after},
                      {"p_value", row.p_value},
                      {"change", kWords[static_cast<std::size_t>(row.change)]}});
    }
    const nlohmann::json document = {{"schema", 1},
                                     {"kind", "load-comparison"},
                                     {"verdict", kWords[static_cast<std::size_t>(comparison.verdict)]},
                                     {"doubt", comparison.doubt},
                                     {"rows", rows}};
    fmt::print("{}\n", document.dump(1));
  } else {
    fmt::print("{}", comparison_text(comparison));
  }
  if (comparison.verdict == loadgen::Change::unknown) return int{kInconclusive};
  return int{comparison.verdict == loadgen::Change::worse ? kFailed : kPassed};
}

void add_run_command(CommandLine& line, CLI::App& load) {
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

void add_merge_command(CommandLine& line, CLI::App& load) {
  struct Merge {
    std::vector<std::string> files;
    bool json = false;
  };
  const auto options = std::make_shared<Merge>();
  CLI::App* merge = load.add_subcommand("merge", "Add the results of several generators exactly");
  merge->add_option("files", options->files, "results of obsctl load run --json or --output")->required();
  merge->add_flag("--json", options->json, "one JSON document on standard output");
  merge->footer(
      "Example:\n  obsctl load merge a.json b.json\n\n"
      "Results that cannot be added (other targets, stripes of other schedules, other times) are refused.");
  merge->callback([&line, options] {
    line.action = [options](Context&) { return run_merge(options->files, options->json); };
  });
}

void add_compare_command(CommandLine& line, CLI::App& load) {
  struct Compare {
    std::string before;
    std::string after;
    std::string tolerance = "5%";
    bool json = false;
  };
  const auto options = std::make_shared<Compare>();
  CLI::App* compare = load.add_subcommand("compare", "Say whether the second of two results is worse");
  compare->add_option("before", options->before, "result to compare with")->required();
  compare->add_option("after", options->after, "result to judge")->required();
  compare->add_option("--tolerance", options->tolerance, "smaller changes are none")->capture_default_str();
  compare->add_flag("--json", options->json, "one JSON document on standard output");
  compare->footer(
      "A change counts when it is larger than --tolerance and the one-second windows of the two runs differ "
      "by\n"
      "more than chance would have it (Mann-Whitney, p < 0.01).\n\n"
      "Exit codes: 0 same or better, 1 worse, 3 the runs are too short to tell");
  compare->callback([&line, options] {
    line.action = [options](Context&) {
      return run_compare(options->before, options->after, options->tolerance, options->json);
    };
  });
}

}  // namespace

void add_load_commands(CommandLine& line) {
  CLI::App* load = line.app.add_subcommand("load", "Load: send it, add it up, compare it");
  load->require_subcommand(1);
  add_run_command(line, *load);
  add_merge_command(line, *load);
  add_compare_command(line, *load);
}

}  // namespace obsctl::cli
