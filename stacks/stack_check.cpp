// See stack_check.hpp.
#include "stacks/stack_check.hpp"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/http_client.hpp"
#include "stacks/readiness.hpp"

namespace obsctl::stacks {

using core::Findings;
using core::Result;
using nlohmann::json;
using namespace std::chrono_literals;

namespace {

std::string text_of(const json& object, const char* key) {
  if (!object.is_object()) return {};
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

const json& list_of(const json& object, const char* key) {
  static const json none = json::array();
  if (!object.is_object()) return none;
  const auto found = object.find(key);
  return found != object.end() && found->is_array() ? *found : none;
}

class Checker {
 public:
  Checker(const Manifest& manifest, Stack& stack) : manifest_(manifest), stack_(stack) {}

  Result<Findings> check() {
    const auto services = stack_.status();
    if (!services) return services.error();
    for (const ServiceStatus& service : *services) check_service(service);
    for (const std::string& url : prometheus_urls(manifest_, stack_)) {
      check_targets(url);
      check_rules(url);
    }
    return std::move(findings_);
  }

 private:
  void add(std::string kind, std::string name, bool well, std::string detail) {
    findings_.push_back(core::finding(std::move(kind), std::move(name), well, std::move(detail)));
  }

  /// The `data` of an answer of Prometheus; null, with why in `problem_`, when there is none.
  json ask(const std::string& url) {
    const core::HttpCall request{.url = url, .timeout = 10s};
    const auto reply = http_.call(request);
    problem_ = reply ? fmt::format("answered {}", reply->status) : to_line(reply.error());
    if (!reply) return nullptr;
    json answer = json::parse(reply->body, nullptr, false);
    if (answer.is_object() && answer.contains("error")) problem_ = text_of(answer, "error");
    if (!reply->ok() || !answer.is_object() || !answer.contains("data")) return nullptr;
    return std::move(answer["data"]);
  }

  void check_service(const ServiceStatus& status) {
    const Service* service = manifest_.find(status.name);
    if (status.state != ServiceState::running || service == nullptr)
      return add("service", status.name, false, fmt::format("is {}", to_string(status.state)));
    const auto port =
        static_cast<std::uint16_t>(std::strtoul(status.url.c_str() + status.url.rfind(':') + 1, nullptr, 10));
    const bool ready = probe_.is_ready(service->ready, port);
    add("service", status.name, ready, ready ? "" : probe_.last_problem());
  }

  void check_targets(const std::string& url) {
    const json data = ask(url + "/api/v1/targets?state=active");
    const json& targets = list_of(data, "activeTargets");
    if (targets.empty()) add("target", url, false, data.is_null() ? problem_ : "it has no targets");
    for (const json& target : targets) {
      const json labels = target.value("labels", json::object());
      const bool up = text_of(target, "health") == "up";
      add("target", fmt::format("{} {}", text_of(labels, "job"), text_of(labels, "instance")), up,
          up ? "" : text_of(target, "lastError"));
    }
  }

  void check_rules(const std::string& url) {
    const json data = ask(url + "/api/v1/rules");
    if (data.is_null()) return add("rule", url, false, problem_);
    for (const json& group : list_of(data, "groups")) {
      for (const json& rule : list_of(group, "rules")) {
        const std::string health = text_of(rule, "health");
        const std::string error = text_of(rule, "lastError");
        add("rule", text_of(rule, "name"), health == "ok",
            health == "ok" ? ""
                           : fmt::format("its health is {}{}{}", health, error.empty() ? "" : ": ", error));
      }
    }
  }

  const Manifest& manifest_;
  Stack& stack_;
  core::HttpClient http_;
  ReadinessProbe probe_;
  std::string problem_;
  Findings findings_;
};

}  // namespace

Result<Findings> check_stack(const Manifest& manifest, Stack& stack) {
  return Checker(manifest, stack).check();
}

std::vector<std::string> prometheus_urls(const Manifest& manifest, const Stack& stack) {
  std::vector<std::string> urls;
  for (const Service& service : manifest.services) {
    const bool configured =
        std::any_of(service.files.begin(), service.files.end(),
                    [](const ConfigFile& file) { return file.kind == FileKind::prometheus; });
    if (!configured) continue;
    if (auto url = stack.endpoint(service.name)) urls.push_back(std::move(*url));
  }
  return urls;
}

}  // namespace obsctl::stacks
