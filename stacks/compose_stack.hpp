// A stack whose services are containers. Its compose tool is used once, to make them; from then on the engine
// is asked and told directly, by the containers' labels.
#pragma once

#include <cstdint>
#include <mutex>
#include <stop_token>
#include <thread>

#include "core/clock.hpp"
#include "stacks/compose_plan.hpp"
#include "stacks/compose_project.hpp"
#include "stacks/planned_stack.hpp"

namespace obsctl::stacks {

class ComposeStack final : public PlannedStack<ComposePlan> {
 public:
  explicit ComposeStack(ComposePlan plan);
  ~ComposeStack() override;

  Runtime runtime() const override { return Runtime::compose; }
  core::Result<std::vector<ServiceStatus>> status() override;
  core::Result<void> stop_service(std::string_view service, StopMode mode) override;
  core::Result<void> start_service(std::string_view service) override;
  /// SIGSTOP and SIGCONT pause and unpause the container with all its processes.
  core::Result<void> signal_service(std::string_view service, int number) override;
  /// The containers are looked at every two seconds: an end is seen that much later.
  std::optional<ServiceFailure> failed() override;
  core::Result<void> down() override;
  std::map<std::string, std::string> versions() const override;

  core::Result<void> start_all(const std::stop_token& stop) override;
  void read_versions() override {}
  std::uint16_t port_of(std::string_view service) const override;
  std::vector<std::string> check_command(std::string_view /*service*/) const override { return {}; }

 private:
  /// Asks the engine and takes over what it says. Errors: those of run_tool.
  core::Result<void> look(const std::stop_token& stop);
  void watch(const std::stop_token& stop);
  core::Result<ServiceState> state_now(const ComposeService& service);
  void change(ComposeService& service, ServiceState state);
  static void take_over(ComposeService& service, const std::vector<Container>& containers);
  core::Result<void> adopt_containers();
  core::Result<void> follow(ComposeService& service, const std::string& since);

  std::mutex acting_;  // held while a service is stopped, started or signalled, which takes seconds
  ComposeProject project_;
  std::uint64_t changes_ =
      0;  // of states by us; guarded by mutex_, which is never held while the engine works
  bool down_ = false;
  std::jthread watcher_;  // last, so that it ends first
};

}  // namespace obsctl::stacks
