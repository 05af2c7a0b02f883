// latency: a fraction of the requests waits before it is worked on.
#include "stacks/services/delay_distribution.hpp"
#include "stacks/services/request_fraction.hpp"
#include "stacks/services/toggle_kinds.hpp"

namespace obsctl::stacks {

namespace {

class Latency final : public Fault {
 public:
  Latency(RequestFraction requests, const DelayDistribution& delays, std::uint64_t seed)
      : requests_(std::move(requests)), delays_(delays), random_(~seed) {}

  void describe(nlohmann::ordered_json& state) const override {
    delays_.describe(state);
    requests_.describe(state);
  }
  bool affect_request(std::string_view route, FaultPlan& plan) override {
    if (!requests_.next(route)) return false;
    plan.delay += delays_.draw(random_);
    return true;
  }

 private:
  RequestFraction requests_;
  const DelayDistribution delays_;
  SplitMix64 random_;
};

}  // namespace

std::unique_ptr<Fault> read_latency(FieldReader& fields, const FaultContext& context) {
  const DelayDistribution delays = DelayDistribution::read(fields, context.longest_delay);
  return std::make_unique<Latency>(RequestFraction::read(fields, context, 1.0), delays, context.seed);
}

}  // namespace obsctl::stacks
