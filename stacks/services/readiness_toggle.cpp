// readiness: the service, or one of its dependencies, is reported as not ready.
#include <algorithm>

#include <nlohmann/json.hpp>

#include "stacks/services/toggle_kinds.hpp"

namespace obsctl::stacks {

namespace {

class Unready final : public Fault {
 public:
  Unready(bool ready, std::vector<std::string> down) : ready_(ready), down_(std::move(down)) {}

  void describe(nlohmann::ordered_json& state) const override {
    state["ready"] = ready_;
    state["dependencies"] = nlohmann::ordered_json::object();
    for (const std::string& name : down_) state["dependencies"][name] = false;
  }
  bool affect_readiness(Readiness& readiness) const override {
    if (!ready_) readiness.ready = false;
    for (Readiness::Dependency& dependency : readiness.dependencies) {
      if (std::find(down_.begin(), down_.end(), dependency.name) != down_.end()) dependency.up = false;
    }
    return !ready_ || !down_.empty();
  }

 private:
  const bool ready_;
  const std::vector<std::string> down_;
};

}  // namespace

std::unique_ptr<Fault> read_readiness(FieldReader& fields, const FaultContext& context) {
  if (!fields.has("ready") && !fields.has("dependencies"))
    fields.report("ready", "is missing: say {\"ready\": false} or {\"dependencies\": {\"NAME\": false}}");
  const bool ready = fields.boolean("ready", true);
  return std::make_unique<Unready>(ready, fields.switched_off("dependencies", context.dependencies));
}

}  // namespace obsctl::stacks
