// Whatever has an HTTP call that breaks it and one that mends it: a feature flag's API, a mesh's, a service's
// own chaos endpoint. The scenario says both, and how the state is read.
#include <algorithm>

#include <fmt/format.h>

#include "core/regex.hpp"
#include "scenarios/faults/fault_calls.hpp"
#include "scenarios/faults/fault_kind.hpp"
#include "scenarios/scenario_parts.hpp"

namespace obsctl::scenarios {

using core::Result;
using core::TomlTable;
using core::WallTime;

namespace {

/// With what stands for the longest duration replaced.
std::string with_ttl(std::string text, Nanoseconds ttl) {
  const std::pair<std::string_view, std::string> values[] = {
      {"{ttl}", core::format_duration(ttl)},
      {"{ttl_seconds}", fmt::format("{:.0f}", std::max(1.0, core::to_seconds(ttl)))}};
  for (const auto& [name, value] : values) {
    for (std::size_t at = text.find(name); at != std::string::npos; at = text.find(name, at + value.size()))
      text.replace(at, name.size(), value);
  }
  return text;
}

class HttpFault final : public Fault {
 public:
  HttpFault(FaultSpec spec, const FaultPlace& place, core::Clock& clock)
      : spec_(std::move(spec)), base_(place.url), clock_(clock) {}

  bool has_ttl() const override {
    return spec_.parameters.at("set").dump().find("{ttl") != std::string::npos;
  }

  std::string undo() const override {
    const Json& call = spec_.parameters.at("undo");
    std::string text = fmt::format("curl -X {}", call.value("method", ""));
    for (const auto& [name, value] : call.at("headers").items())
      text += " -H " + shell_expanded(name + ": " + value.get<std::string>());
    if (const std::string body = call.value("body", ""); !body.empty()) text += " -d " + shell_expanded(body);
    return text + " " + shell_expanded(url_of(call));
  }

  Result<WallTime> inject(const std::stop_token& stop) override { return send("set", true, stop); }
  Result<WallTime> clear(const std::stop_token& stop) override { return send("undo", false, stop); }

  Result<FaultSight> look(const std::stop_token& stop) override {
    if (!spec_.parameters.contains("state"))
      return FaultSight{present_,
                        fmt::format("{} was the last call that succeeded", present_ ? "set" : "undo")};
    const Json& how = spec_.parameters.at("state");
    auto call = call_of(how);
    if (!call) return call.error();
    call->timeout = std::chrono::seconds(5);
    const auto reply = http_.call(*call, stop);
    if (!reply) return as_written(reply.error(), *call, how);
    bool present = reply->status == how.value("status", 200);
    if (const std::string pattern = how.value("matches", ""); !pattern.empty() && present) {
      const auto regex = core::Regex::parse(pattern);
      present = regex && regex->found_in(reply->body);
    }
    return FaultSight{present, fmt::format("{} answers {}", url_of(how), reply->status)};
  }

 private:
  /// With the URL as the scenario has it: a variable in it may be a secret.
  core::Error as_written(core::Error error, const core::HttpCall& call, const Json& described) const {
    for (std::size_t at = error.message.find(call.url); at != std::string::npos;
         at = error.message.find(call.url, at)) {
      const std::string written = url_of(described);
      error.message.replace(at, call.url.size(), written);
      at += written.size();
    }
    return error;
  }

  std::string url_of(const Json& call) const {
    const std::string url = call.value("url", "");
    return url.rfind('/', 0) == 0 ? base_ + url : url;
  }

  Result<core::HttpCall> call_of(const Json& described) const {
    core::HttpCall call;
    call.method = described.value("method", "GET");
    const auto url = with_variables(with_ttl(url_of(described), spec_.max_duration));
    if (!url) return url.error();
    call.url = *url;
    const auto body = with_variables(with_ttl(described.value("body", ""), spec_.max_duration));
    if (!body) return body.error();
    call.body = *body;
    for (const auto& [name, value] : described.at("headers").items()) {
      const auto expanded = with_variables(with_ttl(value.get<std::string>(), spec_.max_duration));
      if (!expanded) return expanded.error();
      call.headers.push_back({name, *expanded});
    }
    return call;
  }

  Result<WallTime> send(const char* which, bool present, const std::stop_token& stop) {
    const Json& described = spec_.parameters.at(which);
    const auto call = call_of(described);
    if (!call) return call.error();
    auto at = change_by(http_, clock_, *call, stop);
    if (!at) return as_written(at.error(), *call, described);
    present_ = present;
    return at;
  }

  const FaultSpec spec_;
  const std::string base_;
  core::Clock& clock_;
  core::HttpClient http_;
  bool present_ = false;
};

Json read_call(TomlTable& table, const FaultSpec& fault, std::string method) {
  Json call{{"method", table.string("method").value_or(std::move(method))},
            {"url", required_text(table, "url")},
            {"headers", table.string_map("headers")},
            {"body", table.string("body").value_or("")}};
  const std::string url = call.value("url", "");
  if (!url.empty() && url.front() == '/' && fault.target.empty()) {
    table.report_at("url", fmt::format("{}.url is a path, but the fault has no target", table.path()),
                    "add target = \"…\", or write the whole URL");
  } else if (!url.empty() && url.front() != '/') {
    const auto parsed = core::parse_url(url);
    const std::string before_path = url.substr(0, url.find('/', url.find("://") + 3));
    if (!parsed) {
      table.report_at("url", fmt::format("{}.url: {}", table.path(), parsed.error().message),
                      parsed.error().hint);
    } else if (before_path.find_first_of("$@") != std::string::npos) {
      table.report_at("url", fmt::format("{}.url: the host has to be written out", table.path()),
                      "variables may stand in the path and after it; a password belongs in headers, as "
                      "Authorization = \"Basic ${NAME}\"");
    }
  }
  return call;
}

/// Where it goes besides the target.
void note_url(FaultSpec& fault, const Json& call) {
  const std::string url = call.value("url", "");
  if (!url.empty() && url.front() != '/') fault.urls.push_back(url);
}

void read_state(TomlTable& table, FaultSpec& fault) {
  Json state = read_call(table, fault, "GET");
  state["status"] = read_integer(table, "status", 100, 599).value_or(200);
  const std::string matches = table.string("matches").value_or("");
  if (const auto regex = core::Regex::parse(matches); !regex)
    table.report_at("matches", fmt::format("{}.matches: {}", table.path(), regex.error().message));
  state["matches"] = matches;
  table.finish();
  note_url(fault, state);
  fault.parameters["state"] = std::move(state);
}

void read_http(TomlTable& table, FaultSpec& fault) {
  for (const auto& [key, method] : {std::pair{"set", "PUT"}, std::pair{"undo", "DELETE"}}) {
    auto call = table.table(key);
    if (!call) {
      if (!table.has(key))
        table.report(fmt::format("{}.{} is missing", table.path(), key),
                     fmt::format("add {} = {{ method = \"{}\", url = \"…\" }}", key, method));
      continue;
    }
    fault.parameters[key] = read_call(*call, fault, method);
    call->finish();
    note_url(fault, fault.parameters[key]);
    const std::string url = fault.parameters[key].value("url", "");
    if (std::string_view(key) == "set") {
      fault.description = fmt::format("{} {}", fault.parameters[key].value("method", ""), url);
    } else {
      fault.at_target = !url.empty() && url.front() == '/';
    }
  }
  if (auto state = table.table("state")) {
    read_state(*state, fault);
  } else if (!fault.confirm && !table.has("state")) {
    table.report(fmt::format("{} says neither how its state is read nor how the fault is seen", table.path()),
                 "add state = { url = \"…\", matches = \"…\" }, or confirm = { … }");
  }
}

}  // namespace

std::vector<FaultKind> http_kinds() {
  return {{"http",
           "an HTTP call of your own breaks it, another one mends it",
           {"set", "undo", "state"},
           FaultKind::Place::own_keys,
           read_http,
           make_kind<HttpFault>,
           nullptr,
           [](const Json& one, const Json& other) { return same_in(one, other, {"undo"}); }}};
}

}  // namespace obsctl::scenarios
