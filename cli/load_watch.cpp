// The loop that waits while a load runs.
#include "cli/load_watch.hpp"

#include <cstdio>

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/load_display.hpp"
#include "core/http_client.hpp"
#include "loadgen/export_text.hpp"

namespace obsctl::cli {

namespace {

/// A line that wraps could not be redrawn.
std::size_t terminal_columns() {
  winsize size{};
  return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

}  // namespace

void LoadProgress::show(const loadgen::LoadRun& run) {
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
    tell("\r\x1b[K{}", cut_to_columns(line, terminal_columns()));
    drawn_ = true;
  } else {
    tell("{}\n", line);
  }
  std::fflush(stderr);
}

void LoadProgress::clear() {
  if (drawn_) tell("\r\x1b[K");
  drawn_ = false;
}

core::Result<std::unique_ptr<LiveMetrics>> LiveMetrics::start(const std::string& address) {
  auto metrics = std::make_unique<LiveMetrics>();
  const auto url = core::parse_url("http://" + address);
  const std::size_t colon = address.rfind(':');
  const bool has_port = colon != std::string::npos && address.find(']', colon) == std::string::npos;
  if (!url || !has_port || url->target != "/") {
    return core::make_error(core::ErrorKind::usage,
                            fmt::format("--metrics: \"{}\" is not an address and a port", address),
                            "write it as 127.0.0.1:9900");
  }
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

void LiveMetrics::renew(std::string text) {
  const std::lock_guard lock(mutex_);
  text_ = std::move(text);
}

std::string watch_load(loadgen::LoadRun& run, const std::vector<loadgen::Condition>& abort_if,
                       LoadProgress& progress, LiveMetrics* metrics, Context& context) {
  auto next_look = std::chrono::steady_clock::now();
  while (!run.wait(std::chrono::steady_clock::now() + std::chrono::milliseconds(50), context.stop)) {
    if (context.stop.stop_requested()) return {};
    progress.show(run);
    if (std::chrono::steady_clock::now() < next_look) continue;
    next_look = std::chrono::steady_clock::now() + std::chrono::milliseconds(250);
    const auto windows = run.windows_since(0);
    if (metrics != nullptr)
      metrics->renew(loadgen::prometheus_text(run.whole(), run.snapshot().asked_rate, false));
    for (const loadgen::Condition& condition : abort_if) {
      if (condition.holds(run.whole(), windows)) return condition.text();
    }
  }
  return {};
}

}  // namespace obsctl::cli
