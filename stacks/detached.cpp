// The other side of a supervisor: starting one in the background, finding the ones there are, attaching.
#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <optional>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include "core/clock.hpp"
#include "core/file.hpp"
#include "core/process.hpp"
#include "core/text.hpp"
#include "stacks/control_protocol.hpp"
#include "stacks/native_plan.hpp"
#include "stacks/remote_stack.hpp"
#include "stacks/run_directory.hpp"
#include "stacks/supervisor.hpp"

namespace obsctl::stacks {

namespace fs = std::filesystem;
using core::Error;
using core::ErrorKind;
using core::Result;
using nlohmann::json;
using namespace std::chrono_literals;

namespace {

/// For a supervisor that was told to stop: its services' grace and a little.
constexpr auto kStopDeadline = 20s;
/// For one that has said that it is fetching or building an image.
constexpr auto kImagePatience = 90min;

/// Waits for a process that is about to end; kills it when it does not.
void end_process(pid_t pid, core::Nanoseconds patience) {
  if (core::wait_for_end(pid, patience)) return;
  ::kill(pid, SIGKILL);
  core::wait_for_end(pid, patience);
}

/// A supervisor on its way up, until it says that it is ready or why it is not.
class SupervisorStart {
 public:
  SupervisorStart(pid_t pid, int reader, const ProgressCallback& progress, const std::stop_token& stop)
      : pid_(pid), reader_(reader), progress_(progress), stop_(stop) {}

  /// `patience`: for a supervisor that says nothing at all.
  Result<void> wait(core::Nanoseconds patience) {
    patience_ = patience;
    deadline_ = std::chrono::steady_clock::now() + patience;
    bool told_to_stop = false;
    while (!ready_ && !error_) {
      if (stop_.stop_requested() && !std::exchange(told_to_stop, true)) {
        ::kill(pid_, SIGTERM);
        deadline_ = std::chrono::steady_clock::now() + kStopDeadline;
      }
      if (std::chrono::steady_clock::now() > deadline_) {
        ::kill(pid_, SIGKILL);
        error_ = core::make_error(ErrorKind::timeout, "the supervisor did not say that the stack is up");
      } else if (!read_lines()) {
        break;
      }
    }
    if (ready_) return {};
    return finish();
  }

 private:
  /// False at the end of the pipe.
  bool read_lines() {
    pollfd waiting{reader_, POLLIN, 0};
    if (::poll(&waiting, 1, 50) <= 0) return true;
    std::array<char, 4096> buffer{};
    const ssize_t n = ::read(reader_, buffer.data(), buffer.size());
    if (n < 0) return errno == EINTR || errno == EAGAIN;
    if (n == 0) return false;
    pending_.append(buffer.data(), static_cast<std::size_t>(n));
    for (std::size_t end = pending_.find('\n'); end != std::string::npos; end = pending_.find('\n')) {
      read_line(json::parse(pending_.substr(0, end), nullptr, false));
      pending_.erase(0, end + 1);
    }
    return true;
  }

  void read_line(const json& line) {
    if (!line.is_object()) return;
    if (line.contains("progress")) {
      if (const auto progress = progress_from(line["progress"])) note(*progress);
    }
    if (line.contains("error")) error_ = error_from(line["error"]);
    if (line.contains("ready")) ready_ = true;
  }

  void note(const Progress& progress) {
    // An image takes as long as it takes; its own limit is the supervisor's business. The rest counts from
    // its end.
    if (!stop_.stop_requested() && progress.kind == Progress::Kind::image_wanted)
      deadline_ = std::chrono::steady_clock::now() + kImagePatience;
    if (!stop_.stop_requested() && progress.kind == Progress::Kind::started)
      deadline_ = std::chrono::steady_clock::now() + patience_;
    if (progress_) progress_(progress);
  }

  /// The supervisor is ending or has ended: the error it left.
  Error finish() const {
    end_process(pid_, kStopDeadline);
    if (error_) return *error_;
    if (stop_.stop_requested())
      return core::make_error(ErrorKind::cancelled, "stopped while the stack was starting");
    return core::make_error(ErrorKind::unavailable, "the supervisor of the stack ended without a word");
  }

  pid_t pid_;
  int reader_;
  const ProgressCallback& progress_;
  const std::stop_token& stop_;
  core::Nanoseconds patience_{};
  core::SteadyTime deadline_;
  std::string pending_;
  bool ready_ = false;
  std::optional<Error> error_;
};

core::ProcessOptions supervisor_command(const Manifest& manifest, const UpOptions& options, int report) {
  core::ProcessOptions command;
  command.argv = {own_program(options.obsctl).string(),
                  "stack",
                  "supervise",
                  manifest.folder.string(),
                  "--name",
                  options.instance,
                  "--runtime",
                  std::string(to_string(options.runtime)),
                  "--time-scale",
                  fmt::format("{}", options.time_scale),
                  "--timeout",
                  core::format_duration(options.ready_within),
                  "--runs",
                  runs_folder(options.parent).string(),
                  "--report-fd",
                  std::to_string(report)};
  for (const std::string& service : options.without) {
    command.argv.emplace_back("--without");
    command.argv.push_back(service);
  }
  command.environment = options.environment;
  command.inherit = {report};
  return command;
}

Result<StackFile> stack_file_of(const fs::path& folder) {
  const Result<std::string> text = core::read_file(folder / "stack.json");
  if (!text) return text.error();
  return read_stack_file(*text);
}

}  // namespace

Result<std::unique_ptr<Stack>> up_detached(const Manifest& manifest, const UpOptions& options,
                                           const ProgressCallback& progress, const std::stop_token& stop) {
  UpOptions named = options;
  if (named.instance.empty()) named.instance = manifest.name;
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0)
    return core::make_error(ErrorKind::unavailable, "cannot make a pipe");
  const Result<pid_t> pid = core::start_detached(supervisor_command(manifest, named, ends[1]));
  ::close(ends[1]);
  const Result<void> up =
      pid ? SupervisorStart(*pid, ends[0], progress, stop).wait(named.ready_within + kStopDeadline)
          : Result<void>(pid.error());
  ::close(ends[0]);
  if (!up) return up.error();
  return attach(named.instance, named.parent);
}

Result<std::unique_ptr<Stack>> attach(std::string_view instance, const fs::path& parent) {
  const fs::path folder = runs_folder(parent) / instance;
  const std::vector<std::string> living = living_instances(runs_folder(parent));
  if (std::find(living.begin(), living.end(), instance) == living.end()) {
    const std::string others =
        living.empty() ? "none is" : fmt::format("there is {}", fmt::join(living, ", "));
    return core::make_error(
        ErrorKind::not_found,
        fmt::format("no stack called {} is up{}", instance, core::did_you_mean(instance, living)),
        fmt::format("{}; obsctl stack up NAME starts one", others));
  }
  std::error_code ignored;
  if (!fs::exists(folder / "stack.json", ignored)) {
    return core::make_error(
        ErrorKind::unavailable, fmt::format("{} cannot be attached to", instance),
        fmt::format("it is still starting, or belongs to a running scenario (pid {})", owner_of(folder)));
  }
  Result<StackFile> file = stack_file_of(folder);
  if (!file) return file.error();
  return std::unique_ptr<Stack>(std::make_unique<RemoteStack>(std::move(*file), folder));
}

std::vector<RunningStack> running_stacks(const fs::path& parent) {
  std::vector<RunningStack> running;
  for (const std::string& instance : living_instances(runs_folder(parent))) {
    const fs::path folder = runs_folder(parent) / instance;
    const Result<StackFile> file = stack_file_of(folder);
    if (file)
      running.push_back({instance, file->stack, file->time_scale, file->runtime, file->supervisor, folder});
  }
  return running;
}

}  // namespace obsctl::stacks
