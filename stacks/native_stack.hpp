// A stack whose services are children of this process.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/process.hpp"
#include "stacks/planned_stack.hpp"
#include "stacks/ports.hpp"
#include "stacks/run_directory.hpp"
#include "stacks/stack.hpp"

namespace obsctl::stacks {

/// One service, prepared: the command with everything filled in, and the port that it will listen on.
struct NativeService {
  Service service;
  core::ProcessOptions command;
  std::vector<std::string>
      check;  ///< the service's check command, filled in; empty when its program is missing
  PortReservation port;
  std::string url;
  std::optional<core::ChildProcess> child = std::nullopt;
  ServiceState state = ServiceState::stopped;
  std::optional<ServiceFailure> failure = std::nullopt;
};

/// Everything about a native stack that is known before the first process starts.
struct NativePlan {
  std::string name;
  std::string instance;
  double time_scale = 1.0;
  std::string token;
  RunDirectory directory;
  std::vector<NativeService> services;
  std::vector<FileChecksum> checksums;
  std::vector<std::string> notes;
};

class NativeStack final : public PlannedStack<NativePlan> {
 public:
  explicit NativeStack(NativePlan plan);
  ~NativeStack() override;

  Runtime runtime() const override { return Runtime::native; }
  core::Result<std::vector<ServiceStatus>> status() override;
  core::Result<void> stop_service(std::string_view service, StopMode mode) override;
  core::Result<void> start_service(std::string_view service) override;
  core::Result<void> signal_service(std::string_view service, int number) override;
  std::optional<ServiceFailure> failed() override;
  core::Result<void> down() override;
  std::map<std::string, std::string> versions() const override;

  core::Result<void> start_all(const std::stop_token& stop) override;
  /// Asks every program for its --version: half a second at most each.
  void read_versions() override;
  std::uint16_t port_of(std::string_view service) const override;
  std::vector<std::string> check_command(std::string_view service) const override;

 private:
  core::Result<void> start(NativeService& service);
  void notice_ends();

  std::map<std::string, std::string> versions_;  // guarded by mutex_
  bool down_ = false;
};

}  // namespace obsctl::stacks
