// error-rate: a fraction of the requests is answered with an error status.
#include <nlohmann/json.hpp>

#include "stacks/services/route_fractions.hpp"
#include "stacks/services/toggle_kinds.hpp"

namespace obsctl::stacks {

namespace {

class ErrorRate final : public Fault {
 public:
  ErrorRate(double rate, int status, RouteSet routes, std::uint64_t seed)
      : status_(status), requests_(rate, std::move(routes), seed) {}

  void describe(nlohmann::ordered_json& state) const override {
    state["rate"] = requests_.fraction();
    state["status"] = status_;
    state["routes"] = labels_of(requests_.routes());
  }
  bool affect_request(RouteId route, FaultPlan& plan) override {
    if (!requests_.next(route)) return false;
    if (plan.status == 0) plan.status = status_;
    return true;
  }
  std::vector<int> statuses(RouteId route) const override {
    return requests_.routes()[static_cast<std::size_t>(route)] ? std::vector{status_} : std::vector<int>();
  }

 private:
  const int status_;
  RouteFractions requests_;
};

}  // namespace

std::unique_ptr<Fault> read_error_rate(FieldReader& fields, const FaultContext& context) {
  const double rate = fields.number("rate", 0, 1, std::nullopt);
  const int status = fields.integer("status", 400, 599, 500);
  return std::make_unique<ErrorRate>(rate, status, fields.routes("routes"), context.seed);
}

}  // namespace obsctl::stacks
