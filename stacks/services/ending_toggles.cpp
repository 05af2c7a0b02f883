// hang, reset, abort and blackhole: a fraction of the requests gets no answer at all.
#include "stacks/services/request_fraction.hpp"
#include "stacks/services/toggle_kinds.hpp"

namespace obsctl::stacks {

namespace {

class Unanswered final : public Fault {
 public:
  Unanswered(RequestFraction requests, Ending ending) : requests_(std::move(requests)), ending_(ending) {}

  void describe(nlohmann::ordered_json& state) const override { requests_.describe(state); }
  bool affect_request(std::string_view route, FaultPlan& plan) override {
    if (!requests_.next(route)) return false;
    plan.end_with(ending_);
    return true;
  }
  std::vector<int> statuses(std::string_view route) const override {
    if (!requests_.about(route)) return {};
    return {ending_ == Ending::abort || ending_ == Ending::reset ? kClosedUnanswered : kClientLeft};
  }

 private:
  RequestFraction requests_;
  const Ending ending_;
};

template <Ending ending>
std::unique_ptr<Fault> read(FieldReader& fields, const FaultContext& context) {
  return std::make_unique<Unanswered>(RequestFraction::read(fields, context, 1.0), ending);
}

}  // namespace

std::unique_ptr<Fault> read_hang(FieldReader& fields, const FaultContext& context) {
  return read<Ending::hang>(fields, context);
}
std::unique_ptr<Fault> read_reset(FieldReader& fields, const FaultContext& context) {
  return read<Ending::reset>(fields, context);
}
std::unique_ptr<Fault> read_abort(FieldReader& fields, const FaultContext& context) {
  return read<Ending::abort>(fields, context);
}
std::unique_ptr<Fault> read_blackhole(FieldReader& fields, const FaultContext& context) {
  return read<Ending::blackhole>(fields, context);
}

}  // namespace obsctl::stacks
