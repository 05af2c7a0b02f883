// Faults of processes: a service of a stack is killed and started again, or stopped in its tracks and let go
// on.
#include <algorithm>
#include <csignal>

#include <fmt/format.h>

#include "scenarios/faults/fault_kind.hpp"

namespace obsctl::scenarios {

using core::Result;
using core::TomlTable;
using core::WallTime;
using stacks::ServiceState;

namespace {

/// What the kinds have in common: a service, and what its stack says of it.
class ProcessFault : public Fault {
 public:
  ProcessFault(FaultSpec spec, const FaultPlace& place, core::Clock& clock)
      : spec_(std::move(spec)), service_(place.target), stack_(*place.stack), clock_(clock) {}

  bool has_ttl() const override { return false; }

  std::string undo() const override {
    return fmt::format("obsctl stack down {0} && obsctl stack up {1} --name {0}", stack_.instance(),
                       stack_.name());
  }

  Result<FaultSight> look(const std::stop_token& /*stop*/) override {
    const auto services = stack_.status();
    if (!services) return services.error();
    const auto own = std::find_if(services->begin(), services->end(),
                                  [&](const auto& service) { return service.name == service_; });
    const ServiceState state = own == services->end() ? ServiceState::stopped : own->state;
    return FaultSight{state != ServiceState::running, fmt::format("{} is {}", service_, to_string(state))};
  }

  Result<WallTime> inject(const std::stop_token& /*stop*/) override {
    const WallTime at = clock_.wall_now();
    if (const Result<void> done = break_it(); !done) return done.error();
    return at;
  }

 protected:
  virtual Result<void> break_it() = 0;

  const FaultSpec spec_;
  const std::string service_;
  stacks::Stack& stack_;
  core::Clock& clock_;
};

/// Ended, and started again at the end.
template <stacks::StopMode mode>
class Stop final : public ProcessFault {
 public:
  using ProcessFault::ProcessFault;

  /// It counts as mended once the service is ready, which is when `start_service` returns.
  Result<WallTime> clear(const std::stop_token& /*stop*/) override {
    if (const Result<void> done = stack_.start_service(service_); !done) return done.error();
    return clock_.wall_now();
  }

 private:
  Result<void> break_it() override { return stack_.stop_service(service_, mode); }
};

class Pause final : public ProcessFault {
 public:
  using ProcessFault::ProcessFault;

  Result<WallTime> clear(const std::stop_token& /*stop*/) override {
    const WallTime before = clock_.wall_now();
    if (const Result<void> done = stack_.signal_service(service_, SIGCONT); !done) return done.error();
    return before;
  }

 private:
  Result<void> break_it() override { return stack_.signal_service(service_, SIGSTOP); }
};

void read_stop(TomlTable& /*table*/, FaultSpec& fault) {
  fault.effect.failing = 1;
}

void read_pause(TomlTable& /*table*/, FaultSpec& fault) {
  fault.effect.probe = std::string("/");  // GCC 12 warns wrongly of the assignment of a literal
}

std::string draw_nothing(stacks::SplitMix64& /*random*/) {
  return {};
}

}  // namespace

std::vector<FaultKind> process_kinds() {
  return {
      {"kill",
       "a service is killed, and started again",
       {},
       FaultKind::Place::service,
       read_stop,
       make_kind<Stop<stacks::StopMode::kill>>,
       draw_nothing},
      {"restart",
       "a service is asked to end, and started again",
       {},
       FaultKind::Place::service,
       read_stop,
       make_kind<Stop<stacks::StopMode::terminate>>,
       draw_nothing},
      {"pause",
       "a service stands still: it takes connections and answers nothing",
       {},
       FaultKind::Place::service,
       read_pause,
       make_kind<Pause>,
       draw_nothing},
  };
}

}  // namespace obsctl::scenarios
