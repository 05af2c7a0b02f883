// latency: a fraction of the requests waits before it is worked on.
#include <algorithm>

#include <nlohmann/json.hpp>

#include "stacks/services/route_fractions.hpp"
#include "stacks/services/toggle_kinds.hpp"

namespace obsctl::stacks {

namespace {

class Latency final : public Fault {
 public:
  Latency(core::Nanoseconds delay, core::Nanoseconds jitter, double rate, RouteSet routes, std::uint64_t seed)
      : delay_(delay), jitter_(jitter), requests_(rate, std::move(routes), seed), random_(~seed) {}

  void describe(nlohmann::ordered_json& state) const override {
    state["delay"] = core::format_duration(delay_);
    state["jitter"] = core::format_duration(jitter_);
    state["rate"] = requests_.fraction();
    state["routes"] = labels_of(requests_.routes());
  }
  bool affect_request(RouteId route, FaultPlan& plan) override {
    if (!requests_.next(route)) return false;
    plan.delay += delay_ + core::scale(2 * jitter_, random_.unit()) - jitter_;
    return true;
  }

 private:
  const core::Nanoseconds delay_;
  const core::Nanoseconds jitter_;
  RouteFractions requests_;
  SplitMix64 random_;
};

}  // namespace

std::unique_ptr<Fault> read_latency(FieldReader& fields, const FaultContext& context) {
  using core::Nanoseconds;
  const Nanoseconds delay = fields.duration("delay", Nanoseconds(0), context.longest_delay, std::nullopt);
  const Nanoseconds jitter = fields.duration("jitter", Nanoseconds(0), context.longest_delay, Nanoseconds(0));
  if (jitter > delay) fields.report("jitter", "must not be longer than delay: requests take delay ± jitter");
  const double rate = fields.number("rate", 0, 1, 1.0);
  return std::make_unique<Latency>(delay, jitter, rate, fields.routes("routes"), context.seed);
}

}  // namespace obsctl::stacks
