// What the stacks that this process runs have in common, whatever their services run in: the plan that they
// come from, and its services by name.
#pragma once

#include <algorithm>
#include <chrono>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "core/duration.hpp"
#include "stacks/ascent.hpp"
#include "stacks/readiness.hpp"

namespace obsctl::stacks {

/// `Plan` has the name, instance, time_scale, token, directory, checksums, notes and services of a stack;
/// each of its services a `service`, `url`, `state` and `failure`.
template <class Plan>
class PlannedStack : public RisingStack {
 public:
  std::string name() const override { return plan_.name; }
  std::string instance() const override { return plan_.instance; }
  double time_scale() const override { return plan_.time_scale; }
  std::string token() const override { return plan_.token; }
  std::vector<FileChecksum> checksums() const override { return plan_.checksums; }
  std::vector<std::string> notes() const override { return plan_.notes; }
  std::filesystem::path run_directory() const override { return plan_.directory.path(); }

  core::Result<std::string> endpoint(std::string_view service) const override {
    const auto* found = find(service);
    if (found == nullptr) return unknown(service);
    return found->url;
  }

  void mark_ready(std::string_view service) override {
    const std::lock_guard lock(mutex_);
    auto* found = find(service);
    if (found != nullptr && found->state == ServiceState::starting) found->state = ServiceState::running;
  }

 protected:
  using Planned = typename decltype(Plan::services)::value_type;

  explicit PlannedStack(Plan plan) : plan_(std::move(plan)) {}

  const Planned* find(std::string_view service) const {
    const auto named = [&](const Planned& candidate) { return candidate.service.name == service; };
    const auto found = std::find_if(plan_.services.begin(), plan_.services.end(), named);
    return found == plan_.services.end() ? nullptr : &*found;
  }
  Planned* find(std::string_view service) { return const_cast<Planned*>(std::as_const(*this).find(service)); }

  core::Error unknown(std::string_view service) const {
    std::vector<std::string> names;
    for (const Planned& known : plan_.services) names.push_back(known.service.name);
    return unknown_service(plan_.name, service, names);
  }

  /// The mutex is held.
  std::optional<ServiceFailure> first_failure() const {
    for (const Planned& service : plan_.services) {
      if (service.failure) return service.failure;
    }
    return std::nullopt;
  }

  /// Waits for a service that was started again, and marks it ready. Errors: unavailable with the last lines
  /// of one that ended, timeout.
  core::Result<void> wait_until_ready(const Service& service) {
    using namespace std::chrono_literals;
    constexpr core::Nanoseconds kDeadline = 30s;
    ReadinessProbe probe;
    const auto deadline = std::chrono::steady_clock::now() + kDeadline;
    while (!probe.is_ready(service.ready, port_of(service.name))) {
      const std::optional<ServiceFailure> failure = failed();
      if (failure && failure->service == service.name) return to_error(*failure);
      if (std::chrono::steady_clock::now() > deadline) {
        return core::make_error(core::ErrorKind::timeout,
                                fmt::format("{} was started again but was not ready within {}", service.name,
                                            core::format_rounded(kDeadline)));
      }
      std::this_thread::sleep_for(10ms);
    }
    mark_ready(service.name);
    return {};
  }

  mutable std::mutex mutex_;  // guards what changes in plan_.services
  Plan plan_;
};

}  // namespace obsctl::stacks
