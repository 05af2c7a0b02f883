// See ascent.hpp.
#include "stacks/ascent.hpp"

#include <optional>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "core/file.hpp"
#include "core/http_client.hpp"
#include "core/process.hpp"
#include "stacks/prometheus_config.hpp"
#include "stacks/readiness.hpp"

namespace obsctl::stacks {

using core::Error;
using core::ErrorKind;
using core::Nanoseconds;
using core::Result;
using namespace std::chrono_literals;

namespace {

constexpr auto kPollInterval = 20ms;
constexpr auto kCheckTimeout = 10s;

std::string with_replaced(std::string text, const std::string& from, const std::string& to) {
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
  return text;
}

class Ascent {
 public:
  Ascent(const Manifest& manifest, RisingStack& stack, const UpOptions& options,
         const ProgressCallback& progress, const std::stop_token& stop, core::SteadyTime begin)
      : manifest_(manifest),
        stack_(stack),
        progress_(progress),
        stop_(stop),
        begin_(begin),
        deadline_(begin + options.ready_within) {}

  Result<void> climb() {
    if (const auto started = stack_.start_all(stop_); !started) return started.error();
    for (const Service& service : manifest_.services) report({Progress::Kind::started, service.name});
    if (const auto ready = wait_for_services(); !ready) return ready.error();
    // Prometheus takes seconds to discover its targets; the versions cost nothing now.
    stack_.read_versions();
    for (const Service& service : manifest_.services) {
      for (const ConfigFile& file : service.files) {
        if (file.kind != FileKind::prometheus) continue;
        if (const auto seen = wait_for_targets(service.name, file.path); !seen) return seen.error();
      }
    }
    report({Progress::Kind::ready, {}});
    return {};
  }

 private:
  void report(Progress progress) const {
    progress.elapsed = std::chrono::steady_clock::now() - begin_;
    if (progress_) progress_(progress);
  }

  /// Why waiting has no more sense, other than time; nothing while there is hope.
  std::optional<Error> lost() {
    if (const auto failure = stack_.failed()) return explain(*failure);
    if (stop_.stop_requested())
      return core::make_error(ErrorKind::cancelled, "stopped while the stack was starting");
    return std::nullopt;
  }

  bool out_of_time() const { return std::chrono::steady_clock::now() >= deadline_; }

  Error not_ready(std::string_view what_is_missing) const {
    return core::make_error(ErrorKind::timeout,
                            fmt::format("the stack {} was not ready within {}: {}", manifest_.name,
                                        core::format_rounded(deadline_ - begin_), what_is_missing),
                            "if it only needs longer, allow it with --timeout");
  }

  Result<void> wait_for_services() {
    std::vector<const Service*> waiting;
    for (const Service& service : manifest_.services) waiting.push_back(&service);
    while (true) {
      std::string missing;
      std::vector<const Service*> still_waiting;
      for (const Service* service : waiting) {
        const std::string& name = service->name;
        if (probe_.is_ready(service->ready, stack_.port_of(name))) {
          stack_.mark_ready(name);
          report({Progress::Kind::service_ready, name});
          continue;
        }
        still_waiting.push_back(service);
        if (missing.empty()) missing = fmt::format("{} is not ready ({})", name, probe_.last_problem());
      }
      waiting = std::move(still_waiting);
      if (const auto end = lost()) return *end;
      if (waiting.empty()) return {};
      if (out_of_time()) return not_ready(missing);
      std::this_thread::sleep_for(kPollInterval);
    }
  }

  Result<void> wait_for_targets(const std::string& prometheus, const std::string& config) {
    const auto text = core::read_file(stack_.run_directory() / "config" / config);
    if (!text) return text.error();
    const auto expected = expected_targets(*text, (manifest_.folder / config).string());
    if (!expected) return expected.error();
    const Result<std::string> url = stack_.endpoint(prometheus);
    if (!url) return url.error();
    PrometheusView last;
    while (true) {
      const PrometheusView view = view_of_prometheus(http_, *url);
      if (const auto end = lost()) return *end;
      if (view.answered) {
        report_changes(prometheus, last, view);
        last = view;
      }
      if (view.satisfies(*expected)) return {};
      if (out_of_time()) return not_ready(missing_from(prometheus, last, *expected));
      std::this_thread::sleep_for(kPollInterval);
    }
  }

  void report_changes(const std::string& prometheus, const PrometheusView& before,
                      const PrometheusView& now) const {
    if (now.up != before.up || now.targets != before.targets) {
      report({Progress::Kind::targets_up, prometheus, now.up, now.targets});
    }
    if (now.alertmanagers > 0 && before.alertmanagers == 0)
      report({Progress::Kind::alertmanager_found, prometheus});
  }

  static std::string missing_from(const std::string& prometheus, const PrometheusView& view,
                                  const ExpectedTargets& expected) {
    if (!view.problems.empty()) {
      return fmt::format("{} of {} scrape targets are not up ({})", view.targets - view.up, view.targets,
                         fmt::join(view.problems, "; "));
    }
    if (view.targets + view.dropped < expected.static_targets)
      return prometheus + " has not discovered its targets";
    return prometheus + " has not discovered its Alertmanager";
  }

  /// The error of a service that ended while the stack was starting: what its checker says about its
  /// configuration, with the paths of the files as the user knows them, else its own last lines.
  Error explain(const ServiceFailure& failure) {
    const std::vector<std::string> check = stack_.check_command(failure.service);
    std::string lines = failure.last_lines;
    std::string hint;
    if (!check.empty()) {
      const auto checked = core::run_command({.argv = check}, kCheckTimeout, stop_);
      if (checked && !checked->status.ok()) {
        lines = checked->text.substr(0, checked->text.find_last_not_of('\n') + 1);
        hint = fmt::format("mend the configuration that {} reads", failure.service);
      }
    }
    lines = with_replaced(lines, (stack_.run_directory() / "config").string(), manifest_.folder.string());
    std::string message =
        fmt::format("{} {} while it was starting", failure.service, to_string(failure.status));
    if (!lines.empty()) message += ":" + indented(lines);
    return core::make_error(ErrorKind::unavailable, std::move(message), std::move(hint));
  }

  const Manifest& manifest_;
  RisingStack& stack_;
  const ProgressCallback& progress_;
  const std::stop_token& stop_;
  core::SteadyTime begin_;
  core::SteadyTime deadline_;
  ReadinessProbe probe_;
  core::HttpClient http_;
};

}  // namespace

Result<void> climb(const Manifest& manifest, RisingStack& stack, const UpOptions& options,
                   const ProgressCallback& progress, const std::stop_token& stop, core::SteadyTime begin) {
  return Ascent(manifest, stack, options, progress, stop, begin).climb();
}

}  // namespace obsctl::stacks
