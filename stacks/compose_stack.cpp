// See compose_stack.hpp.
#include "stacks/compose_stack.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include <fmt/format.h>
#include <signal.h>

#include "core/text.hpp"

namespace obsctl::stacks {

using core::ErrorKind;
using core::Nanoseconds;
using core::Result;
using namespace std::chrono_literals;

namespace {

constexpr int kLastLines = 8;
constexpr Nanoseconds kUpTimeout = 3min;
constexpr Nanoseconds kActTimeout = 30s;
/// An engine is a process to start for every question: ask it seldom.
constexpr Nanoseconds kWatchInterval = 2s;

bool runs(const Container& container) {
  return container.state == "running" || container.state == "paused";
}

/// Engines report a death by signal 9 as code 137, as a shell does.
core::ExitStatus exit_status(int code) {
  constexpr int kSignalBase = 128;
  constexpr int kLastSignal = 64;
  if (code > kSignalBase && code <= kSignalBase + kLastSignal) return {0, code - kSignalBase};
  return {code, 0};
}

std::uint16_t port_in(std::string_view address) {
  const std::string_view digits = address.substr(address.rfind(':') + 1);
  std::uint16_t port = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), port);
  return port;
}

std::chrono::seconds whole_seconds(Nanoseconds time) {
  return std::chrono::ceil<std::chrono::seconds>(time);
}

}  // namespace

ComposeStack::ComposeStack(ComposePlan plan)
    : PlannedStack(std::move(plan)),
      project_(plan_.tools.engine, plan_.project, plan_.directory.path() / "logs" / "compose.log") {}

ComposeStack::~ComposeStack() {
  static_cast<void>(down());
}

std::uint16_t ComposeStack::port_of(std::string_view service) const {
  const ComposeService* found = find(service);
  return found == nullptr ? std::uint16_t{0} : port_in(found->url);
}

Result<void> ComposeStack::start_all(const std::stop_token& stop) {
  std::vector<std::string> words{"up", "-d", "--no-build"};
  for (const ComposeService& service : plan_.services) words.push_back(service.service.name);
  const auto log = plan_.directory.path() / "logs" / "compose.log";
  const auto output = core::run_command({.argv = plan_.command(std::move(words)),
                                         .environment = plan_.environment,
                                         .working_directory = plan_.folder(),
                                         .error_file = log},
                                        kUpTimeout, stop);
  if (!output) return output.error();
  const Result<void> adopted = adopt_containers();
  if (adopted && output->status.ok()) {
    watcher_ = std::jthread([this](const std::stop_token& token) { watch(token); });
    return {};
  }
  // podman-compose 1.0 exits with 0 when a container could not be made: what is there counts.
  const std::string said = core::tail_of_file(log, kLastLines);
  std::string message = fmt::format("{} did not bring {} up: {}", plan_.tools.title, plan_.name,
                                    adopted ? to_string(output->status) : adopted.error().message);
  if (!said.empty()) message += indented(said);
  return core::make_error(ErrorKind::unavailable, std::move(message), adopted ? "" : adopted.error().hint);
}

/// Finds out which container is whose, and where its port has been published.
Result<void> ComposeStack::adopt_containers() {
  const auto containers = project_.containers({});
  if (!containers) return containers.error();
  const std::lock_guard lock(mutex_);
  for (ComposeService& service : plan_.services) {
    const auto of_service = [&](const Container& container) {
      return container.service == service.service.name;
    };
    const auto found = std::find_if(containers->begin(), containers->end(), of_service);
    if (found == containers->end())
      return core::make_error(ErrorKind::unavailable,
                              fmt::format("there is no container of {}", service.service.name));
    service.container = found->id;
    service.image = found->image;
    service.state = ServiceState::starting;
    if (const auto following = follow(service, {}); !following) return following.error();
    if (!runs(*found)) continue;
    const std::uint16_t inside = port_in(service.service.address);
    const auto outside = found->ports.find(inside);
    if (outside == found->ports.end())
      return core::make_error(
          ErrorKind::unavailable, fmt::format("{} publishes no port {}", service.service.name, inside),
          fmt::format("add to it in {}: ports: [\"127.0.0.1:${{{}:-{}}}:{}\"]",
                      plan_.source.filename().string(), port_variable(service.service.name), inside, inside));
    service.url = fmt::format("http://127.0.0.1:{}", outside->second);
  }
  return {};
}

Result<void> ComposeStack::follow(ComposeService& service, const std::string& since) {
  std::vector<std::string> command{plan_.tools.engine.string(), "logs", "--follow"};
  if (!since.empty()) command.insert(command.end(), {"--since", since});
  command.push_back(service.container);
  auto follower = core::ChildProcess::start({.argv = std::move(command), .log_file = service.log_file});
  if (!follower) return follower.error();
  service.follower.emplace(std::move(*follower));
  return {};
}

Result<void> ComposeStack::look(const std::stop_token& stop) {
  std::uint64_t before = 0;
  {
    const std::lock_guard lock(mutex_);
    before = changes_;
  }
  const auto containers = project_.containers(stop);
  if (!containers) return containers.error();
  const std::lock_guard lock(mutex_);
  // What was seen before a service was stopped or started says nothing about it now.
  if (before != changes_) return {};
  for (ComposeService& service : plan_.services) take_over(service, *containers);
  return {};
}

void ComposeStack::watch(const std::stop_token& stop) {
  core::SystemClock clock;
  // An engine that does not answer once says nothing about the services.
  while (clock.sleep_for(kWatchInterval, stop)) static_cast<void>(look(stop));
}

void ComposeStack::take_over(ComposeService& service, const std::vector<Container>& containers) {
  const auto same = [&](const Container& container) { return container.id == service.container; };
  const auto found = std::find_if(containers.begin(), containers.end(), same);
  const bool here = found != containers.end();
  service.pid = here && runs(*found) ? found->pid : 0;
  if (service.state == ServiceState::stopped || service.state == ServiceState::failed) return;
  if (here && runs(*found)) {
    if (found->state == "paused") service.state = ServiceState::paused;
    if (found->state == "running" && service.state == ServiceState::paused)
      service.state = ServiceState::running;
    return;
  }
  service.state = ServiceState::failed;
  service.failure = ServiceFailure{
      service.service.name, exit_status(here ? found->exit_code : 0),
      here ? core::tail_of_file(service.log_file, kLastLines) : "its container is gone", service.log_file};
}

Result<std::vector<ServiceStatus>> ComposeStack::status() {
  if (const auto looked = look({}); !looked) return looked.error();
  const std::lock_guard lock(mutex_);
  std::vector<ServiceStatus> all;
  for (const ComposeService& service : plan_.services) {
    all.push_back({service.service.name, service.url, service.service.address, service.pid, service.state,
                   service.log_file});
  }
  return all;
}

std::optional<ServiceFailure> ComposeStack::failed() {
  const std::lock_guard lock(mutex_);
  return first_failure();
}

void ComposeStack::change(ComposeService& service, ServiceState state) {
  const std::lock_guard lock(mutex_);
  ++changes_;
  service.state = state;
  if (state != ServiceState::failed) service.failure.reset();
}

Result<void> ComposeStack::stop_service(std::string_view name, StopMode mode) {
  const std::lock_guard one_at_a_time(acting_);
  ComposeService* service = find(name);
  if (service == nullptr) return unknown(name);
  const Result<ServiceState> before = state_now(*service);
  if (!before) return before.error();
  change(*service, ServiceState::stopped);
  if (*before == ServiceState::stopped || *before == ServiceState::failed) return {};
  if (*before == ServiceState::paused) {
    if (const auto done = project_.act({"unpause"}, service->container, kActTimeout); !done)
      return done.error();
  }
  if (mode == StopMode::terminate) {
    const auto grace = whole_seconds(service->service.stop_grace);
    return project_.act({"stop", "-t", std::to_string(grace.count())}, service->container,
                        grace + kActTimeout);
  }
  if (const auto done = project_.act({"kill"}, service->container, kActTimeout); !done) return done.error();
  return project_.act({"wait"}, service->container, kActTimeout);
}

Result<ServiceState> ComposeStack::state_now(const ComposeService& service) {
  if (const auto looked = look({}); !looked) return looked.error();
  const std::lock_guard lock(mutex_);
  return service.state;
}

Result<void> ComposeStack::start_service(std::string_view name) {
  ComposeService* service = find(name);
  if (service == nullptr) return unknown(name);
  {
    const std::lock_guard one_at_a_time(acting_);
    const Result<ServiceState> before = state_now(*service);
    if (!before) return before.error();
    if (*before == ServiceState::stopped || *before == ServiceState::failed) {
      const std::string since = core::format_utc(std::chrono::system_clock::now());
      if (const auto done = project_.act({"start"}, service->container, kActTimeout); !done)
        return done.error();
      change(*service, ServiceState::starting);
      if (const auto following = follow(*service, since); !following) return following.error();
    } else if (*before != ServiceState::starting) {
      return {};
    }
  }
  return wait_until_ready(service->service);
}

Result<void> ComposeStack::signal_service(std::string_view name, int number) {
  const std::lock_guard one_at_a_time(acting_);
  ComposeService* service = find(name);
  if (service == nullptr) return unknown(name);
  const Result<ServiceState> before = state_now(*service);
  if (!before) return before.error();
  if (*before == ServiceState::stopped || *before == ServiceState::failed)
    return core::make_error(ErrorKind::unavailable, fmt::format("{} is not running", name));
  const bool paused = *before == ServiceState::paused;
  if (number != SIGSTOP && number != SIGCONT)
    return project_.act({"kill", "--signal", std::to_string(number)}, service->container, kActTimeout);
  const bool pause = number == SIGSTOP;
  if (pause == paused) return {};
  auto done = project_.act({pause ? "pause" : "unpause"}, service->container, kActTimeout);
  if (done) change(*service, pause ? ServiceState::paused : ServiceState::running);
  return done;
}

Result<void> ComposeStack::down() {
  const std::lock_guard one_at_a_time(acting_);
  if (std::exchange(down_, true)) return {};
  watcher_ = std::jthread();  // stopped and gone before anything changes
  Nanoseconds grace{};
  for (ComposeService& service : plan_.services) {
    grace = std::max(grace, service.service.stop_grace);
    change(service, ServiceState::stopped);
  }
  Result<void> removed = project_.remove(whole_seconds(grace));
  for (ComposeService& service : plan_.services) service.follower.reset();
  if (removed) return plan_.directory.remove();
  plan_.directory.abandon();  // with its note of the containers: the next command tries again
  return removed;
}

std::map<std::string, std::string> ComposeStack::versions() const {
  const std::lock_guard lock(mutex_);
  std::map<std::string, std::string> images;
  for (const ComposeService& service : plan_.services) images[service.service.name] = service.image;
  return images;
}

}  // namespace obsctl::stacks
