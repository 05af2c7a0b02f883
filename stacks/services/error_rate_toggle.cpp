// error-rate: a fraction of the requests is answered with an error status.
#include "stacks/services/request_fraction.hpp"
#include "stacks/services/toggle_kinds.hpp"

namespace obsctl::stacks {

namespace {

class ErrorRate final : public Fault {
 public:
  ErrorRate(RequestFraction requests, int status) : requests_(std::move(requests)), status_(status) {}

  void describe(nlohmann::ordered_json& state) const override {
    state["status"] = status_;
    requests_.describe(state);
  }
  bool affect_request(std::string_view route, FaultPlan& plan) override {
    if (!requests_.next(route)) return false;
    plan.answer_with(status_);
    return true;
  }
  std::vector<int> statuses(std::string_view route) const override {
    return requests_.about(route) ? std::vector{status_} : std::vector<int>();
  }

 private:
  RequestFraction requests_;
  const int status_;
};

}  // namespace

std::unique_ptr<Fault> read_error_rate(FieldReader& fields, const FaultContext& context) {
  const int status = fields.integer("status", 400, 599, 500);
  return std::make_unique<ErrorRate>(RequestFraction::read(fields, context, std::nullopt), status);
}

}  // namespace obsctl::stacks
