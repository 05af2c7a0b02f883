// bandwidth and truncate: the answers of a fraction of the requests arrive slowly, or not whole.
#include "stacks/services/request_fraction.hpp"
#include "stacks/services/toggle_kinds.hpp"

namespace obsctl::stacks {

namespace {

constexpr int kMostBytes = 1 << 30;

class Bandwidth final : public Fault {
 public:
  Bandwidth(RequestFraction requests, std::uint64_t bytes_per_second)
      : requests_(std::move(requests)), bytes_per_second_(bytes_per_second) {}

  void describe(nlohmann::ordered_json& state) const override {
    state["bytes_per_second"] = bytes_per_second_;
    requests_.describe(state);
  }
  bool affect_request(std::string_view route, FaultPlan& plan) override {
    if (!requests_.next(route)) return false;
    plan.limit_rate(bytes_per_second_);
    return true;
  }

 private:
  RequestFraction requests_;
  const std::uint64_t bytes_per_second_;
};

class Truncate final : public Fault {
 public:
  Truncate(RequestFraction requests, std::uint64_t after) : requests_(std::move(requests)), after_(after) {}

  void describe(nlohmann::ordered_json& state) const override {
    state["after_bytes"] = after_;
    requests_.describe(state);
  }
  bool affect_request(std::string_view route, FaultPlan& plan) override {
    if (!requests_.next(route)) return false;
    plan.limit_body(after_);
    return true;
  }

 private:
  RequestFraction requests_;
  const std::uint64_t after_;
};

}  // namespace

std::unique_ptr<Fault> read_bandwidth(FieldReader& fields, const FaultContext& context) {
  const int rate = fields.integer("bytes_per_second", 1, kMostBytes, std::nullopt);
  return std::make_unique<Bandwidth>(RequestFraction::read(fields, context, 1.0),
                                     static_cast<std::uint64_t>(rate));
}

std::unique_ptr<Fault> read_truncate(FieldReader& fields, const FaultContext& context) {
  const int after = fields.integer("after_bytes", 0, kMostBytes, std::nullopt);
  return std::make_unique<Truncate>(RequestFraction::read(fields, context, 1.0),
                                    static_cast<std::uint64_t>(after));
}

}  // namespace obsctl::stacks
