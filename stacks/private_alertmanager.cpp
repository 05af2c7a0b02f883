// Starts it with its cluster off and its log at debug, where it says what it has muted.
#include "stacks/private_alertmanager.hpp"

#include <fmt/format.h>

#include "core/clock.hpp"
#include "core/file.hpp"
#include "core/process.hpp"
#include "core/text.hpp"
#include "stacks/ports.hpp"
#include "stacks/readiness.hpp"

namespace obsctl::stacks {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using core::ErrorKind;
using core::Result;

namespace {

constexpr core::Nanoseconds kReadyWithin = 20s;

Result<fs::path> find_alertmanager() {
  auto program = core::find_program({"prometheus-alertmanager", "alertmanager"});
  if (program) return program;
  return core::make_error(ErrorKind::unavailable,
                          "no Alertmanager is installed, and one is needed to try the file",
                          "apt install prometheus-alertmanager, or put alertmanager into PATH");
}

}  // namespace

struct PrivateAlertmanager::State {
  fs::path folder;
  PortReservation port;
  std::optional<core::ChildProcess> process;
  std::size_t log_read = 0;

  fs::path log() const { return folder / "alertmanager.log"; }
};

Result<std::string> installed_alertmanager_version(const std::stop_token& stop) {
  const auto program = find_alertmanager();
  if (!program) return program.error();
  const auto output = core::run_command({.argv = {program->string(), "--version"}}, 10s, stop);
  if (!output) return output.error();
  const auto words = core::split(output->text, ' ');
  const auto word = std::find(words.begin(), words.end(), "version");
  if (word == words.end() || word + 1 == words.end())
    return core::make_error(ErrorKind::protocol,
                            fmt::format("{} does not say its version", program->string()));
  return std::string(*(word + 1));
}

PrivateAlertmanager::PrivateAlertmanager(std::unique_ptr<State> state) : state_(std::move(state)) {}

PrivateAlertmanager::~PrivateAlertmanager() {
  if (state_->process) state_->process->stop(2s);
  std::error_code ignored;
  fs::remove_all(state_->folder, ignored);
}

std::string PrivateAlertmanager::url() const {
  return fmt::format("http://127.0.0.1:{}", state_->port.port());
}

namespace {

/// The part of Alertmanager's last error line that says what is wrong.
std::string reason_in(const fs::path& log) {
  const std::string tail = core::tail_of_file(log, 20);
  std::string reason;
  for (const std::string_view line : core::split(tail, '\n')) {
    const std::size_t at = line.find("err=");
    if (line.find("level=error") != std::string_view::npos ||
        line.find("level=ERROR") != std::string_view::npos) {
      if (at != std::string_view::npos) reason = line.substr(at + 4);
    }
  }
  return reason.empty() ? tail : reason;
}

}  // namespace

Result<std::unique_ptr<PrivateAlertmanager>> PrivateAlertmanager::start(const std::string& config,
                                                                        const std::stop_token& stop) {
  const auto program = find_alertmanager();
  if (!program) return program.error();
  auto port = PortReservation::any();
  if (!port) return port.error();
  auto folder = core::make_private_directory(fs::temp_directory_path(), "obsctl-alertmanager-");
  if (!folder) return folder.error();
  std::unique_ptr<PrivateAlertmanager> made(
      new PrivateAlertmanager(std::make_unique<State>(State{*folder, std::move(*port), {}, 0})));
  State& state = *made->state_;
  const auto written = core::write_file(*folder / "alertmanager.yml", config, 0600);
  if (!written) return written.error();
  auto process = core::ChildProcess::start(
      {.argv = {program->string(), "--config.file=" + (*folder / "alertmanager.yml").string(),
                "--storage.path=" + (*folder / "data").string(), "--cluster.listen-address=",
                "--log.level=debug", fmt::format("--web.listen-address=127.0.0.1:{}", state.port.port())},
       .working_directory = *folder,
       .log_file = state.log()});
  if (!process) return process.error();
  state.process = std::move(*process);
  core::SystemClock clock;
  ReadinessProbe probe;
  const core::SteadyTime deadline = clock.steady_now() + kReadyWithin;
  while (!probe.is_ready({"/-/ready"}, state.port.port())) {
    if (state.process->poll())
      return core::make_error(ErrorKind::invalid_input,
                              "Alertmanager refuses the configuration: " + reason_in(state.log()));
    if (clock.steady_now() > deadline) {
      return core::make_error(ErrorKind::timeout,
                              fmt::format("Alertmanager was not ready within {}: {}",
                                          core::format_duration(kReadyWithin), probe.last_problem()));
    }
    if (!clock.sleep_for(20ms, stop)) return core::make_error(ErrorKind::cancelled, "interrupted");
  }
  return made;
}

bool PrivateAlertmanager::has_muted() {
  const auto log = core::read_file(state_->log());
  if (!log) return false;
  const std::string_view fresh = std::string_view(*log).substr(std::min(state_->log_read, log->size()));
  state_->log_read = log->size();
  return fresh.find("Notifications not sent, route is") != std::string_view::npos;
}

}  // namespace obsctl::stacks
