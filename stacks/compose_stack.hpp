// A stack whose services are containers. Its compose tool is used once, to make them; from then on the engine
// is asked and told directly, by the containers' labels.
#pragma once

#include <cstdint>
#include <mutex>
#include <stop_token>
#include <thread>

#include "core/clock.hpp"
#include "stacks/ascent.hpp"
#include "stacks/compose_plan.hpp"
#include "stacks/compose_project.hpp"

namespace obsctl::stacks {

class ComposeStack final : public RisingStack {
 public:
  explicit ComposeStack(ComposePlan plan);
  ~ComposeStack() override;

  std::string name() const override { return plan_.name; }
  std::string instance() const override { return plan_.instance; }
  double time_scale() const override { return plan_.time_scale; }
  Runtime runtime() const override { return Runtime::compose; }
  core::Result<std::string> endpoint(std::string_view service) const override;
  core::Result<std::vector<ServiceStatus>> status() override;
  std::string token() const override { return plan_.token; }
  core::Result<void> stop_service(std::string_view service, StopMode mode) override;
  core::Result<void> start_service(std::string_view service) override;
  /// SIGSTOP and SIGCONT pause and unpause the container with all its processes.
  core::Result<void> signal_service(std::string_view service, int number) override;
  /// The containers are looked at every two seconds: an end is seen that much later.
  std::optional<ServiceFailure> failed() override;
  core::Result<void> down() override;
  std::map<std::string, std::string> versions() const override;
  std::vector<FileChecksum> checksums() const override { return plan_.checksums; }
  std::vector<std::string> notes() const override { return plan_.notes; }
  std::filesystem::path run_directory() const override { return plan_.directory.path(); }

  core::Result<void> start_all(const std::stop_token& stop) override;
  void mark_ready(std::string_view service) override;
  void read_versions() override {}
  std::uint16_t port_of(std::string_view service) const override;
  std::vector<std::string> check_command(std::string_view /*service*/) const override { return {}; }

 private:
  const ComposeService* find(std::string_view service) const;
  ComposeService* find(std::string_view service);
  core::Error unknown(std::string_view service) const;
  /// Asks the engine and takes over what it says. Errors: those of run_tool.
  core::Result<void> look(const std::stop_token& stop);
  void watch(const std::stop_token& stop);
  core::Result<ServiceState> state_now(const ComposeService& service);
  void change(ComposeService& service, ServiceState state);
  static void take_over(ComposeService& service, const std::vector<Container>& containers);
  core::Result<void> adopt_containers();
  core::Result<void> follow(ComposeService& service, const std::string& since);

  std::mutex acting_;  // held while a service is stopped, started or signalled, which takes seconds
  mutable std::mutex
      mutex_;  // guards what changes in plan_.services, and changes_; never held while the engine works
  ComposePlan plan_;
  ComposeProject project_;
  std::uint64_t changes_ = 0;  // of states by us
  bool down_ = false;
  std::jthread watcher_;  // last, so that it ends first
};

}  // namespace obsctl::stacks
