// latency: a fraction of the requests waits before it is worked on.
#include <algorithm>

#include "stacks/services/request_fraction.hpp"
#include "stacks/services/toggle_kinds.hpp"

namespace obsctl::stacks {

namespace {

class Latency final : public Fault {
 public:
  Latency(RequestFraction requests, core::Nanoseconds delay, core::Nanoseconds jitter, std::uint64_t seed)
      : requests_(std::move(requests)), delay_(delay), jitter_(jitter), random_(~seed) {}

  void describe(nlohmann::ordered_json& state) const override {
    state["delay"] = core::format_duration(delay_);
    state["jitter"] = core::format_duration(jitter_);
    requests_.describe(state);
  }
  bool affect_request(std::string_view route, FaultPlan& plan) override {
    if (!requests_.next(route)) return false;
    plan.delay += delay_ + core::scale(2 * jitter_, random_.unit()) - jitter_;
    return true;
  }

 private:
  RequestFraction requests_;
  const core::Nanoseconds delay_;
  const core::Nanoseconds jitter_;
  SplitMix64 random_;
};

}  // namespace

std::unique_ptr<Fault> read_latency(FieldReader& fields, const FaultContext& context) {
  using core::Nanoseconds;
  const Nanoseconds delay = fields.duration("delay", Nanoseconds(0), context.longest_delay, std::nullopt);
  const Nanoseconds jitter = fields.duration("jitter", Nanoseconds(0), context.longest_delay, Nanoseconds(0));
  if (jitter > delay) fields.report("jitter", "must not be longer than delay: requests take delay ± jitter");
  return std::make_unique<Latency>(RequestFraction::read(fields, context, 1.0), delay, jitter, context.seed);
}

}  // namespace obsctl::stacks
