// An outage of notifications: obsctl's receiver refuses, is slow or hangs for some of Alertmanager's
// receivers (docs/reference/receiver.md#misbehaviour), so that retries, and alerts on failing notifications,
// are proven.
#include <fmt/format.h>

#include "scenarios/faults/fault_calls.hpp"
#include "scenarios/faults/fault_kind.hpp"
#include "scenarios/scenario_parts.hpp"
#include "verifiers/receiver_misbehaviour.hpp"

namespace obsctl::scenarios {

using core::HttpCall;
using core::Result;
using core::TomlTable;
using core::WallTime;

namespace {

class ReceiverFault final : public Fault {
 public:
  ReceiverFault(FaultSpec spec, const FaultPlace& place, core::Clock& clock)
      : spec_(std::move(spec)),
        url_(fmt::format("{}/api/v1/misbehaviour/{}", place.url,
                         core::percent_encoded(spec_.parameters.value("receiver", "")))),
        token_(place.token),
        undo_(delete_call(url_, place)),
        clock_(clock) {}

  bool has_ttl() const override { return true; }

  std::string undo() const override { return undo_; }

  Result<WallTime> inject(const std::stop_token& stop) override {
    const Json body{{"behaviours", spec_.parameters.at("behaviours")},
                    {"ttl", core::format_duration(spec_.max_duration)}};
    return send({.method = "PUT", .url = url_, .body = body.dump()}, stop);
  }

  Result<FaultSight> look(const std::stop_token& stop) override {
    HttpCall call{.url = url_};
    authorise(call);
    const auto state = call_json(http_, std::move(call), stop);
    if (!state) return state.error();
    const bool active = state->value("active", false);
    return FaultSight{active, fmt::format("receiver {} {}", spec_.parameters.value("receiver", ""),
                                          active ? "misbehaves" : "behaves")};
  }

  Result<WallTime> clear(const std::stop_token& stop) override {
    return send({.method = "DELETE", .url = url_}, stop);
  }

 private:
  void authorise(HttpCall& call) const {
    if (!token_.empty()) call.headers.push_back({"Authorization", "Bearer " + token_});
  }

  Result<WallTime> send(HttpCall call, const std::stop_token& stop) {
    authorise(call);
    return change_by(http_, clock_, std::move(call), stop);
  }

  const FaultSpec spec_;
  const std::string url_;
  const std::string token_;
  const std::string undo_;
  core::Clock& clock_;
  core::HttpClient http_;
};

void read_receiver(TomlTable& table, FaultSpec& fault) {
  fault.parameters["receiver"] = required_text(table, "receiver");
  std::vector<std::string> behaviours = table.strings("behaviours");
  if (behaviours.empty()) behaviours = {"503"};
  const std::string all = fmt::format("{}", fmt::join(behaviours, ","));
  if (const auto parsed = verifiers::parse_misbehaviours(all); !parsed) {
    table.report_at("behaviours", fmt::format("{}.behaviours: {}", table.path(), parsed.error().message),
                    parsed.error().hint);
  }
  fault.parameters["behaviours"] = behaviours;
  fault.description = fmt::format("notifications to {} meet {}", fault.parameters.value("receiver", ""),
                                  fmt::join(behaviours, ", "));
}

}  // namespace

std::vector<FaultKind> receiver_kinds() {
  return {{"notification-outage",
           "obsctl's receiver refuses, is slow or hangs for one of Alertmanager's receivers",
           {"receiver", "behaviours"},
           FaultKind::Place::url,
           read_receiver,
           make_kind<ReceiverFault>,
           nullptr,
           [](const Json& one, const Json& other) { return same_in(one, other, {"receiver"}); }}};
}

}  // namespace obsctl::scenarios
