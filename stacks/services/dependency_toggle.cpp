// dependency: calls of something that the service depends on fail, hang or take long; what breaks then is the
// service's own doing (see dependencies.hpp).
#include <nlohmann/json.hpp>

#include "stacks/services/request_fraction.hpp"
#include "stacks/services/toggle_kinds.hpp"

namespace obsctl::stacks {

namespace {

enum class Mode { error, hang, slow };

class DependencyFault final : public Fault {
 public:
  DependencyFault(std::vector<std::string> names, Mode mode, core::Nanoseconds delay, double rate,
                  std::uint64_t seed)
      : mode_(mode), delay_(delay), calls_(rate, RoutePatterns(std::move(names)), seed) {}

  void describe(nlohmann::ordered_json& state) const override {
    state["dependencies"] = calls_.routes().texts();
    state["mode"] = mode_ == Mode::error ? "error" : mode_ == Mode::hang ? "hang" : "slow";
    if (mode_ == Mode::slow) state["delay"] = core::format_duration(delay_);
    state["rate"] = calls_.fraction();
  }
  bool affect_call(std::string_view dependency, DependencyCall& call) override {
    if (!calls_.next(dependency)) return false;
    call.fails = mode_ == Mode::error;
    call.hangs = mode_ == Mode::hang;
    call.takes += delay_;
    return true;
  }
  /// What is slow, or fails now and then, is still there.
  bool affect_readiness(Readiness& readiness) const override {
    if (mode_ == Mode::slow || calls_.fraction() < 1) return false;
    for (Readiness::Dependency& dependency : readiness.dependencies) {
      if (calls_.about(dependency.name)) dependency.up = false;
    }
    return true;
  }

 private:
  const Mode mode_;
  const core::Nanoseconds delay_;
  RequestFraction calls_;
};

}  // namespace

std::unique_ptr<Fault> read_dependency(FieldReader& fields, const FaultContext& context) {
  std::vector<std::string> names = fields.some_of("dependencies", context.dependencies);
  const auto mode = static_cast<Mode>(fields.choice("mode", {"error", "hang", "slow"}, 0));
  const core::Nanoseconds delay =
      mode == Mode::slow ? fields.duration("delay", core::Nanoseconds(0), context.longest_delay, std::nullopt)
                         : core::Nanoseconds(0);
  const double rate = fields.number("rate", 0, 1, 1.0);
  return std::make_unique<DependencyFault>(std::move(names), mode, delay, rate, context.seed);
}

}  // namespace obsctl::stacks
