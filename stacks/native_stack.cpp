// See native_stack.hpp.
#include "stacks/native_stack.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <signal.h>

#include "core/clock.hpp"
#include "core/text.hpp"

namespace obsctl::stacks {

using core::ErrorKind;
using core::Nanoseconds;
using core::Result;
using namespace std::chrono_literals;

namespace {

constexpr int kLastLines = 8;
constexpr auto kVersionTimeout = 5s;

}  // namespace

NativeStack::NativeStack(NativePlan plan) : PlannedStack(std::move(plan)) {}

NativeStack::~NativeStack() {
  static_cast<void>(down());
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
  return first_failure();
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
    if (service->state == ServiceState::stopped || service->state == ServiceState::failed) {
      if (const Result<void> started = start(*service); !started) return started.error();
    } else if (service->state != ServiceState::starting) {
      return {};
    }
  }
  return wait_until_ready(service->service);
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
