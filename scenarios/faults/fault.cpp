// See fault.hpp: what every kind of fault has in common.
#include "scenarios/faults/fault.hpp"

#include <cstdlib>

#include <fmt/format.h>

#include "core/text.hpp"
#include "scenarios/faults/fault_kind.hpp"

namespace obsctl::scenarios {

using core::ErrorKind;
using core::Result;

Result<void> Fault::check(const std::stop_token& stop) {
  const auto sight = look(stop);
  if (!sight) return sight.error();
  if (!sight->present) return {};
  return core::make_error(ErrorKind::unavailable, fmt::format("{} already", sight->evidence), undo());
}

namespace {

/// Turns what a kind throws over data from outside into errors: otherwise a strange answer would end a run
/// before its faults are taken back.
class Guarded final : public Fault {
 public:
  explicit Guarded(std::unique_ptr<Fault> fault) : fault_(std::move(fault)) {}

  std::string undo() const override { return fault_->undo(); }
  bool has_ttl() const override { return fault_->has_ttl(); }
  Json memory() const override { return fault_->memory(); }
  void recall(const Json& memory) override {
    const auto recalled = guarded([&]() -> Result<void> {
      fault_->recall(memory);
      return {};
    });
    static_cast<void>(recalled);  // it clears as well as it can
  }
  Result<void> check(const std::stop_token& stop) override {
    return guarded([&] { return fault_->check(stop); });
  }
  Result<core::WallTime> inject(const std::stop_token& stop) override {
    return guarded([&] { return fault_->inject(stop); });
  }
  Result<FaultSight> look(const std::stop_token& stop) override {
    return guarded([&] { return fault_->look(stop); });
  }
  Result<core::WallTime> clear(const std::stop_token& stop) override {
    return guarded([&] { return fault_->clear(stop); });
  }

 private:
  template <class Call>
  static auto guarded(Call call) -> decltype(call()) {
    try {
      return call();
    } catch (const std::exception& problem) {
      return core::make_error(ErrorKind::protocol,
                              fmt::format("what it was told cannot be read: {}", problem.what()));
    }
  }

  const std::unique_ptr<Fault> fault_;
};

}  // namespace

std::string token_from(const std::string& variable) {
  const char* value = std::getenv(variable.c_str());
  return value == nullptr ? std::string() : std::string(core::trimmed(value));
}

Result<core::WallTime> clear_for_sure(Fault& fault, core::Clock& clock, const std::stop_token& stop) {
  constexpr int kAttempts = 5;
  Nanoseconds pause = std::chrono::milliseconds(100);
  core::Error last;
  for (int attempt = 0; attempt < kAttempts; ++attempt, pause *= 2) {
    if (attempt > 0 && !clock.sleep_for(pause, stop)) break;
    auto cleared = fault.clear({});
    const auto sight = cleared ? fault.look({}) : Result<FaultSight>(cleared.error());
    if (sight && !sight->present) return cleared;
    last = sight ? core::make_error(ErrorKind::unavailable, sight->evidence) : sight.error();
  }
  return last;
}

Result<std::unique_ptr<Fault>> make_fault(const FaultSpec& spec, const FaultPlace& place,
                                          core::Clock& clock) {
  const FaultKind* kind = find_fault_kind(spec.kind);
  if (kind == nullptr) {
    return core::make_error(ErrorKind::internal,
                            fmt::format("fault \"{}\": there is no kind \"{}\"", spec.name, spec.kind));
  }
  if (kind->place == FaultKind::Place::service && place.stack == nullptr) {
    return core::make_error(
        ErrorKind::usage,
        fmt::format("fault \"{}\": {} works on processes that obsctl itself runs, and {} is not one",
                    spec.name, spec.kind, place.target),
        "run the scenario on its stack, without --target");
  }
  try {
    auto fault = kind->make(spec, place, clock);
    static_cast<void>(fault->undo());  // reads what clearing needs
    return std::unique_ptr<Fault>(std::make_unique<Guarded>(std::move(fault)));
  } catch (const std::exception& problem) {
    return core::make_error(
        ErrorKind::invalid_input,
        fmt::format("fault \"{}\": its parameters cannot be read: {}", spec.name, problem.what()));
  }
}

}  // namespace obsctl::scenarios
