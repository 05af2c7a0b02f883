// rate-limit: requests beyond a rate are answered with 429, as a gateway with too small a quota would.
#include <algorithm>
#include <cmath>

#include <nlohmann/json.hpp>

#include "core/token_bucket.hpp"
#include "stacks/services/toggle_kinds.hpp"

namespace obsctl::stacks {

namespace {

constexpr int kTooManyRequests = 429;

class RateLimit final : public Fault {
 public:
  RateLimit(const core::Rate& rate, int burst, RoutePatterns routes, const core::Clock& clock)
      : rate_(rate), burst_(burst), routes_(std::move(routes)), clock_(clock), bucket_(rate, burst) {}

  void describe(nlohmann::ordered_json& state) const override {
    state["rate"] = core::format_rate(rate_);
    state["burst"] = burst_;
    state["routes"] = routes_.texts();
  }
  bool affect_request(std::string_view route, FaultPlan& plan) override {
    if (!routes_.match(route)) return false;
    const core::Nanoseconds missing = bucket_.take(clock_.steady_now());
    if (missing == core::Nanoseconds(0)) return false;
    plan.answer_with(kTooManyRequests);
    plan.retry_after = std::max(plan.retry_after, missing);
    return true;
  }
  std::vector<int> statuses(std::string_view route) const override {
    return routes_.match(route) ? std::vector{kTooManyRequests} : std::vector<int>();
  }

 private:
  const core::Rate rate_;
  const int burst_;
  const RoutePatterns routes_;
  const core::Clock& clock_;
  core::TokenBucket bucket_;
};

}  // namespace

std::unique_ptr<Fault> read_rate_limit(FieldReader& fields, const FaultContext& context) {
  constexpr int most = 1'000'000;
  const core::Rate rate = fields.rate("rate");
  // What the rate lets through in a second, so that a load that is only uneven within one is not limited.
  const int second = static_cast<int>(std::clamp(std::ceil(rate.per_second()), 1.0, 1.0 * most));
  const int burst = fields.integer("burst", 1, most, second);
  return std::make_unique<RateLimit>(rate, burst, fields.routes("routes", context.routes), context.clock);
}

}  // namespace obsctl::stacks
