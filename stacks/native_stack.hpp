// A stack whose services are children of this process.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/process.hpp"
#include "stacks/ascent.hpp"
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

class NativeStack final : public RisingStack {
 public:
  explicit NativeStack(NativePlan plan);
  ~NativeStack() override;

  std::string name() const override { return plan_.name; }
  std::string instance() const override { return plan_.instance; }
  double time_scale() const override { return plan_.time_scale; }
  Runtime runtime() const override { return Runtime::native; }
  core::Result<std::string> endpoint(std::string_view service) const override;
  core::Result<std::vector<ServiceStatus>> status() override;
  std::string token() const override { return plan_.token; }
  core::Result<void> stop_service(std::string_view service, StopMode mode) override;
  core::Result<void> start_service(std::string_view service) override;
  core::Result<void> signal_service(std::string_view service, int number) override;
  std::optional<ServiceFailure> failed() override;
  core::Result<void> down() override;
  std::map<std::string, std::string> versions() const override;
  std::vector<FileChecksum> checksums() const override { return plan_.checksums; }
  std::vector<std::string> notes() const override { return plan_.notes; }
  std::filesystem::path run_directory() const override { return plan_.directory.path(); }

  core::Result<void> start_all(const std::stop_token& stop) override;
  void mark_ready(std::string_view service) override;
  /// Asks every program for its --version: half a second at most each.
  void read_versions() override;
  std::uint16_t port_of(std::string_view service) const override;
  std::vector<std::string> check_command(std::string_view service) const override;

 private:
  const NativeService* find(std::string_view service) const;

  NativeService* find(std::string_view service);
  core::Error unknown(std::string_view service) const;
  core::Result<void> start(NativeService& service);
  void notice_ends();

  mutable std::mutex mutex_;  // guards everything that changes in plan_.services, and versions_
  NativePlan plan_;
  std::map<std::string, std::string> versions_;
  bool down_ = false;
};

}  // namespace obsctl::stacks
