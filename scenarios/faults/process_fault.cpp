// Faults of processes: a service of a stack is killed and started again, or stopped in its tracks and let go
// on.
#include <csignal>

#include <fmt/format.h>

#include "scenarios/faults/fault.hpp"

namespace obsctl::scenarios {

using core::Result;
using core::WallTime;

namespace {

class ProcessFault final : public Fault {
 public:
  ProcessFault(FaultSpec spec, const FaultPlace& place, core::Clock& clock)
      : spec_(std::move(spec)), service_(place.target), stack_(*place.stack), clock_(clock) {}

  std::string description() const override { return fmt::format("{} {}", spec_.kind, service_); }

  bool has_ttl() const override { return false; }

  std::string undo() const override {
    return fmt::format("obsctl stack down {0} && obsctl stack up {1} --name {0}", stack_.instance(),
                       stack_.name());
  }

  Result<void> check(const std::stop_token& /*stop*/) override {
    const auto services = stack_.status();
    if (!services) return services.error();
    for (const stacks::ServiceStatus& service : *services) {
      if (service.name != service_ || service.state == stacks::ServiceState::running) continue;
      return core::make_error(core::ErrorKind::unavailable,
                              fmt::format("{} is {} already", service_, to_string(service.state)));
    }
    return {};
  }

  Result<WallTime> inject(const std::stop_token& /*stop*/) override {
    const WallTime at = clock_.wall_now();
    const Result<void> done = kills() ? stack_.stop_service(service_, stacks::StopMode::kill)
                                      : stack_.signal_service(service_, SIGSTOP);
    if (!done) return done.error();
    return at;
  }

  /// A killed service counts as mended once it is ready, which is when `start_service` returns.
  Result<WallTime> clear(const std::stop_token& /*stop*/) override {
    const WallTime before = clock_.wall_now();
    const Result<void> done =
        kills() ? stack_.start_service(service_) : stack_.signal_service(service_, SIGCONT);
    if (!done) return done.error();
    return kills() ? clock_.wall_now() : before;
  }

 private:
  bool kills() const { return spec_.kind == "kill"; }

  const FaultSpec spec_;
  const std::string service_;
  stacks::Stack& stack_;
  core::Clock& clock_;
};

}  // namespace

std::unique_ptr<Fault> make_process_fault(const FaultSpec& spec, const FaultPlace& place,
                                          core::Clock& clock) {
  return std::make_unique<ProcessFault>(spec, place, clock);
}

}  // namespace obsctl::scenarios
