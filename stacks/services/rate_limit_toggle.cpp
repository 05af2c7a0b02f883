// rate-limit: requests beyond a rate are answered with 429, as a gateway with too small a quota would.
#include <algorithm>
#include <cmath>

#include <nlohmann/json.hpp>

#include "stacks/services/toggle_kinds.hpp"

namespace obsctl::stacks {

namespace {

constexpr int kTooManyRequests = 429;

/// A token bucket, kept as the one number that says all of it: when it will be full again.
class RateLimit final : public Fault {
 public:
  RateLimit(const core::Rate& rate, int burst, RoutePatterns routes, const core::Clock& clock)
      : rate_(rate), burst_(burst), routes_(std::move(routes)), clock_(clock), full_at_(clock.steady_now()) {}

  void describe(nlohmann::ordered_json& state) const override {
    state["rate"] = core::format_rate(rate_);
    state["burst"] = burst_;
    state["routes"] = routes_.texts();
  }
  bool affect_request(std::string_view route, FaultPlan& plan) override {
    if (!routes_.match(route)) return false;
    const core::SteadyTime now = clock_.steady_now();
    const core::Nanoseconds token = core::scale(rate_.per, 1 / static_cast<double>(rate_.count));
    const core::SteadyTime full_then = std::max(full_at_, now) + token;
    const core::Nanoseconds missing = full_then - now - burst_ * token;
    if (missing <= core::Nanoseconds(0)) {
      full_at_ = full_then;
      return false;
    }
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
  core::SteadyTime full_at_;
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
