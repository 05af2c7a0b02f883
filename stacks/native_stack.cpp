// See native_stack.hpp.
#include "stacks/native_stack.hpp"

#include <algorithm>
#include <thread>
#include <utility>

#include <fmt/format.h>
#include <signal.h>

#include "core/clock.hpp"
#include "core/text.hpp"
#include "stacks/readiness.hpp"

namespace obsctl::stacks {

using core::ErrorKind;
using core::Nanoseconds;
using core::Result;
using namespace std::chrono_literals;

namespace {

constexpr int kLastLines = 8;
constexpr auto kRestartDeadline = 30s;
constexpr auto kVersionTimeout = 5s;

}  // namespace

NativeStack::NativeStack(NativePlan plan) : plan_(std::move(plan)) {}

NativeStack::~NativeStack() {
  static_cast<void>(down());
}

NativeService* NativeStack::find(std::string_view service) {
  return const_cast<NativeService*>(std::as_const(*this).find(service));
}

const NativeService* NativeStack::find(std::string_view service) const {
  const auto named = [&](const NativeService& candidate) { return candidate.service.name == service; };
  const auto found = std::find_if(plan_.services.begin(), plan_.services.end(), named);
  return found == plan_.services.end() ? nullptr : &*found;
}

core::Error NativeStack::unknown(std::string_view service) const {
  std::vector<std::string> names;
  for (const NativeService& known : plan_.services) names.push_back(known.service.name);
  return unknown_service(plan_.name, service, names);
}

Result<std::string> NativeStack::endpoint(std::string_view service) const {
  const NativeService* found = find(service);
  if (found == nullptr) return unknown(service);
  return found->url;
}

/// Marks services that have ended although nobody asked them to. Called with the mutex held.
void NativeStack::notice_ends() {
  for (NativeService& service : plan_.services) {
    if (!service.child || service.state == ServiceState::stopped || service.state == ServiceState::failed)
      continue;
    const std::optional<core::ExitStatus> ended = service.child->poll();
    if (!ended) continue;
    service.state = ServiceState::failed;
    service.failure =
        ServiceFailure{service.service.name, *ended, core::tail_of_file(service.command.log_file, kLastLines),
                       service.command.log_file};
  }
}

Result<std::vector<ServiceStatus>> NativeStack::status() {
  const std::lock_guard lock(mutex_);
  notice_ends();
  std::vector<ServiceStatus> all;
  for (const NativeService& service : plan_.services) {
    const bool runs = service.state != ServiceState::stopped && service.state != ServiceState::failed;
    all.push_back({service.service.name, service.url, service.service.address,
                   runs && service.child ? service.child->pid() : 0, service.state,
                   service.command.log_file});
  }
  return all;
}

std::optional<ServiceFailure> NativeStack::failed() {
  const std::lock_guard lock(mutex_);
  notice_ends();
  for (const NativeService& service : plan_.services) {
    if (service.failure) return service.failure;
  }
  return std::nullopt;
}

Result<void> NativeStack::start(NativeService& service) {
  Result<core::ChildProcess> child = core::ChildProcess::start(service.command);
  if (!child) return child.error();
  service.child.emplace(std::move(*child));
  service.state = ServiceState::starting;
  service.failure.reset();
  return {};
}

Result<void> NativeStack::start_all(const std::stop_token& /*stop*/) {
  const std::lock_guard lock(mutex_);
  for (NativeService& service : plan_.services) {
    const Result<void> started = start(service);
    if (!started) return started.error();
  }
  return {};
}

void NativeStack::mark_ready(std::string_view name) {
  const std::lock_guard lock(mutex_);
  NativeService* service = find(name);
  if (service != nullptr && service->state == ServiceState::starting) service->state = ServiceState::running;
}

std::uint16_t NativeStack::port_of(std::string_view name) const {
  const NativeService* service = find(name);
  return service == nullptr ? std::uint16_t{0} : service->port.port();
}

std::vector<std::string> NativeStack::check_command(std::string_view name) const {
  const NativeService* service = find(name);
  return service == nullptr ? std::vector<std::string>() : service->check;
}

Result<void> NativeStack::stop_service(std::string_view name, StopMode mode) {
  const std::lock_guard lock(mutex_);
  NativeService* service = find(name);
  if (service == nullptr) return unknown(name);
  service->state = ServiceState::stopped;
  service->failure.reset();
  if (service->child)
    service->child->stop(mode == StopMode::kill ? Nanoseconds(0) : service->service.stop_grace);
  return {};
}

Result<void> NativeStack::start_service(std::string_view name) {
  NativeService* service = find(name);
  if (service == nullptr) return unknown(name);
  {
    const std::lock_guard lock(mutex_);
    notice_ends();
    if (service->state != ServiceState::stopped && service->state != ServiceState::failed) return {};
    const Result<void> started = start(*service);
    if (!started) return started.error();
  }
  ReadinessProbe probe;
  const auto deadline = std::chrono::steady_clock::now() + kRestartDeadline;
  while (!probe.is_ready(service->service.ready, service->port.port())) {
    const std::optional<ServiceFailure> failure = failed();
    if (failure && failure->service == name) return to_error(*failure);
    if (std::chrono::steady_clock::now() > deadline) {
      return core::make_error(ErrorKind::timeout,
                              fmt::format("{} was started again but was not ready within {}", name,
                                          core::format_rounded(kRestartDeadline)));
    }
    std::this_thread::sleep_for(10ms);
  }
  mark_ready(name);
  return {};
}

Result<void> NativeStack::signal_service(std::string_view name, int number) {
  const std::lock_guard lock(mutex_);
  NativeService* service = find(name);
  if (service == nullptr) return unknown(name);
  notice_ends();
  if (!service->child || service->state == ServiceState::stopped || service->state == ServiceState::failed) {
    return core::make_error(ErrorKind::unavailable, fmt::format("{} is not running", name));
  }
  service->child->signal(number);
  if (number == SIGSTOP) service->state = ServiceState::paused;
  if (number == SIGCONT && service->state == ServiceState::paused) service->state = ServiceState::running;
  return {};
}

Result<void> NativeStack::down() {
  const std::lock_guard lock(mutex_);
  if (std::exchange(down_, true)) return {};
  // All are asked first, so that they end at the same time; then each gets what is left of its grace.
  const auto asked = std::chrono::steady_clock::now();
  for (NativeService& service : plan_.services) {
    service.state = ServiceState::stopped;
    if (!service.child) continue;
    service.child->signal(SIGTERM);
    service.child->signal(SIGCONT);
  }
  for (NativeService& service : plan_.services) {
    if (!service.child) continue;
    const auto grace = service.service.stop_grace - (std::chrono::steady_clock::now() - asked);
    service.child->stop(std::max<Nanoseconds>(grace, 1ms));
  }
  return plan_.directory.remove();
}

void NativeStack::read_versions() {
  std::map<std::string, std::string> versions;
  for (const NativeService& service : plan_.services) {
    const auto output =
        core::run_command({.argv = {service.command.argv.front(), "--version"}}, kVersionTimeout);
    if (output) versions[service.service.name] = output->text.substr(0, output->text.find('\n'));
  }
  const std::lock_guard lock(mutex_);
  versions_ = std::move(versions);
}

std::map<std::string, std::string> NativeStack::versions() const {
  const std::lock_guard lock(mutex_);
  return versions_;
}

}  // namespace obsctl::stacks
