// A toxic of Toxiproxy, or one of its proxies switched off (https://github.com/Shopify/toxiproxy#http-api).
#include <fmt/format.h>

#include "scenarios/faults/fault_calls.hpp"
#include "scenarios/faults/fault_kind.hpp"
#include "scenarios/scenario_parts.hpp"

namespace obsctl::scenarios {

using core::HttpCall;
using core::Result;
using core::TomlTable;
using core::WallTime;

namespace {

class ToxiproxyFault final : public Fault {
 public:
  ToxiproxyFault(FaultSpec spec, const FaultPlace& /*place*/, core::Clock& clock)
      : spec_(std::move(spec)),
        proxy_url_(fmt::format("{}/proxies/{}", spec_.parameters.value("api", ""),
                               core::percent_encoded(spec_.parameters.value("proxy", "")))),
        toxic_(fmt::format("obsctl-{}", core::percent_encoded(spec_.name))),
        clock_(clock) {}

  bool has_ttl() const override { return false; }

  std::string undo() const override {
    const std::string url = core::without_credentials(proxy_url_);
    return is_down() ? fmt::format("curl -X POST -d '{{\"enabled\": true}}' {}", url)
                     : fmt::format("curl -X DELETE {}/toxics/{}", url, toxic_);
  }

  Result<WallTime> inject(const std::stop_token& stop) override {
    if (is_down()) return enable(false, stop);
    Json toxic{{"name", toxic_}, {"type", spec_.parameters.at("toxic")}};
    for (const char* key : {"stream", "toxicity", "attributes"}) toxic[key] = spec_.parameters.at(key);
    return send({.method = "POST", .url = proxy_url_ + "/toxics", .body = toxic.dump()}, stop);
  }

  Result<FaultSight> look(const std::stop_token& stop) override {
    const auto proxy = call_json(http_, {.url = proxy_url_}, stop);
    if (!proxy) return proxy.error();
    const std::string name = spec_.parameters.value("proxy", "");
    if (is_down()) {
      const bool enabled = proxy->value("enabled", true);
      return FaultSight{!enabled, fmt::format("proxy {} is {}", name, enabled ? "enabled" : "disabled")};
    }
    for (const Json& toxic : proxy->value("toxics", Json::array())) {
      if (toxic.value("name", "") == toxic_)
        return FaultSight{true, fmt::format("proxy {} has the toxic {}", name, toxic_)};
    }
    return FaultSight{false, fmt::format("proxy {} has no toxic {}", name, toxic_)};
  }

  Result<WallTime> clear(const std::stop_token& stop) override {
    if (is_down()) return enable(true, stop);
    return send({.method = "DELETE", .url = fmt::format("{}/toxics/{}", proxy_url_, toxic_)}, stop);
  }

 private:
  bool is_down() const { return spec_.parameters.value("toxic", "") == "down"; }

  Result<WallTime> enable(bool on, const std::stop_token& stop) {
    return send({.method = "POST", .url = proxy_url_, .body = Json{{"enabled", on}}.dump()}, stop);
  }

  Result<WallTime> send(const HttpCall& call, const std::stop_token& stop) {
    return change_by(http_, clock_, call, stop, call.method == "DELETE");
  }

  const FaultSpec spec_;
  const std::string proxy_url_;
  const std::string toxic_;
  core::Clock& clock_;
  core::HttpClient http_;
};

const std::vector<std::string> kToxics{"down",    "latency",    "bandwidth", "slow_close",
                                       "timeout", "reset_peer", "slicer",    "limit_data"};

void read_toxiproxy(TomlTable& table, FaultSpec& fault) {
  fault.parameters["api"] = read_api(table, fault, "http://127.0.0.1:8474");
  fault.parameters["proxy"] = required_text(table, "proxy");
  if (!table.has("toxic"))
    table.report(fmt::format("{}.toxic is missing", table.path()),
                 fmt::format("add toxic = one of {}", fmt::join(kToxics, ", ")));
  const std::string toxic = table.one_of("toxic", kToxics).value_or("");
  fault.parameters["toxic"] = toxic;
  fault.parameters["stream"] = table.one_of("stream", {"downstream", "upstream"}).value_or("downstream");
  const double toxicity = table.number("toxicity").value_or(1.0);
  if (!(toxicity > 0 && toxicity <= 1))
    table.report_at("toxicity", fmt::format("{}.toxicity must be above 0 and at most 1", table.path()),
                    "30 % is 0.3");
  fault.parameters["toxicity"] = toxicity;
  Json attributes = Json::object();
  std::string numbers;
  if (auto given = table.table("attributes")) {
    for (const std::string& name : given->keys()) {
      attributes[name] = given->integer(name).value_or(0);
      numbers += fmt::format(" {} {}", name, attributes[name].dump());
    }
  }
  fault.parameters["attributes"] = std::move(attributes);
  fault.description =
      fmt::format("toxic {}{} of proxy {}", toxic, numbers, fault.parameters.value("proxy", ""));
}

}  // namespace

std::vector<FaultKind> toxiproxy_kinds() {
  return {{"toxiproxy",
           "a toxic of Toxiproxy, or one of its proxies switched off",
           {"api", "proxy", "toxic", "stream", "toxicity", "attributes"},
           FaultKind::Place::own_keys,
           read_toxiproxy,
           make_kind<ToxiproxyFault>,
           nullptr,
           [](const Json& one, const Json& other) {
             return same_in(one, other, {"api", "proxy", "toxic", "stream"});
           }}};
}

}  // namespace obsctl::scenarios
