// Envoy's fault filter, through the runtime keys that its admin interface changes
// (https://www.envoyproxy.io/docs/envoy/latest/operations/admin#post--runtime_modify). Envoy has to run with
// an admin layer in its layered_runtime.
#include <fmt/format.h>

#include "scenarios/faults/fault_calls.hpp"
#include "scenarios/faults/fault_kind.hpp"
#include "scenarios/scenario_parts.hpp"

namespace obsctl::scenarios {

using core::Result;
using core::TomlTable;
using core::WallTime;

namespace {

class EnvoyFault final : public Fault {
 public:
  EnvoyFault(FaultSpec spec, const FaultPlace& /*place*/, core::Clock& clock)
      : spec_(std::move(spec)), api_(spec_.parameters.value("api", "")), clock_(clock) {}

  bool has_ttl() const override { return false; }

  std::string undo() const override {
    return fmt::format("curl -X POST {}", shell_quoted(core::without_credentials(api_) + query(false)));
  }

  Result<void> check(const std::stop_token& stop) override {
    if (auto possible = Fault::check(stop); !possible) return possible;
    const auto admin = admin_layer(stop);
    if (!admin) return admin.error();
    const auto runtime = call_json(http_, {.url = api_ + "/runtime?format=json"}, stop);
    if (!runtime) return runtime.error();
    before_ = Json::object();
    for (const auto& [key, value] : spec_.parameters.at("keys").items()) {
      const Json values =
          runtime->value(Json::json_pointer("/entries") / key / "layer_values", Json(Json::array()));
      if (*admin < values.size() && values[*admin] != "") before_[key] = values[*admin];
    }
    return {};
  }

  /// The overrides that there were: somebody else's, which come back.
  Json memory() const override { return before_; }
  void recall(const Json& memory) override {
    if (memory.is_object()) before_ = memory;
  }

  Result<WallTime> inject(const std::stop_token& stop) override { return modify(true, stop); }
  /// An override without a value is removed, and what the layers below say holds again.
  Result<WallTime> clear(const std::stop_token& stop) override { return modify(false, stop); }

  Result<FaultSight> look(const std::stop_token& stop) override {
    const auto runtime = call_json(http_, {.url = api_ + "/runtime?format=json"}, stop);
    if (!runtime) return runtime.error();
    const Json entries = runtime->value("entries", Json::object());
    for (const auto& [key, value] : spec_.parameters.at("keys").items()) {
      const std::string now =
          entries.contains(key) ? entries[key].value("final_value", std::string()) : std::string();
      if (now == value.get<std::string>()) continue;
      return FaultSight{false, fmt::format("runtime key {} is {}", key, now.empty() ? "not set" : now)};
    }
    return FaultSight{true, "the runtime keys have the fault's values"};
  }

 private:
  /// Which of the runtime's layers is that of the admin interface; what it is called is the user's choice.
  /// Errors: those of call_json; invalid_input when there is none.
  Result<std::size_t> admin_layer(const std::stop_token& stop) {
    const auto dump = call_json(http_, {.url = api_ + "/config_dump?mask=bootstrap.layered_runtime"}, stop);
    if (!dump) return dump.error();
    const Json layers =
        dump->value(Json::json_pointer("/configs/0/bootstrap/layered_runtime/layers"), Json(Json::array()));
    for (std::size_t i = 0; i < layers.size(); ++i) {
      if (layers[i].contains("admin_layer")) return i;
    }
    return core::make_error(
        core::ErrorKind::invalid_input,
        fmt::format("the Envoy at {} has no admin layer, so that its runtime keys cannot be changed",
                    core::without_credentials(api_)),
        "add layered_runtime: {layers: [{name: admin, admin_layer: {}}]} to its bootstrap");
  }

  std::string query(bool set) const {
    std::string text = "/runtime_modify";
    char separator = '?';
    for (const auto& [key, value] : spec_.parameters.at("keys").items()) {
      text += fmt::format("{}{}={}", separator, core::percent_encoded(key),
                          core::percent_encoded(set ? value.get<std::string>() : before_.value(key, "")));
      separator = '&';
    }
    return text;
  }

  Result<WallTime> modify(bool set, const std::stop_token& stop) {
    return change_by(http_, clock_, {.method = "POST", .url = api_ + query(set)}, stop);
  }

  const FaultSpec spec_;
  const std::string api_;
  Json before_ = Json::object();  ///< the admin layer's values of the keys
  core::Clock& clock_;
  core::HttpClient http_;
};

void read_envoy(TomlTable& table, FaultSpec& fault) {
  fault.parameters["api"] = read_api(table, fault, "http://127.0.0.1:9901");
  const auto keys = table.string_map("keys");
  if (keys.empty())
    table.report(fmt::format("{}.keys is missing", table.path()),
                 "add keys = { \"fault.http.abort.abort_percent\" = \"30\" }");
  fault.parameters["keys"] = keys;
  fault.description = "runtime";
  for (const auto& [key, value] : keys) fault.description += fmt::format(" {}={}", key, value);
}

bool same_keys(const Json& one, const Json& other) {
  if (!same_in(one, other, {"api"})) return false;
  const Json keys = one.value("keys", Json::object());
  const Json others = other.value("keys", Json::object());
  for (const auto& [key, value] : keys.items()) {
    if (others.contains(key)) return true;
  }
  return false;
}

}  // namespace

std::vector<FaultKind> envoy_kinds() {
  return {{"envoy",
           "runtime keys of Envoy, such as those of its fault filter",
           {"api", "keys"},
           FaultKind::Place::own_keys,
           read_envoy,
           make_kind<EnvoyFault>,
           nullptr,
           same_keys}};
}

}  // namespace obsctl::scenarios
