// See stack_check.hpp.
#include "stacks/stack_check.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/file.hpp"
#include "core/http_client.hpp"
#include "stacks/dashboard.hpp"
#include "stacks/promql_durations.hpp"
#include "stacks/readiness.hpp"

namespace obsctl::stacks {

using core::Result;
using nlohmann::json;
using namespace std::chrono_literals;

namespace {

/// What Grafana would make of a scrape interval of five seconds: four of them.
constexpr const char* kRateInterval = "20s";
constexpr const char* kRange = "5m";
constexpr double kRangeSeconds = 300;
constexpr double kSteps = 60;

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

/// Series of a query's result that have a number; NaN is none.
std::size_t series_with_numbers(const json& result) {
  const auto is_number = [](const json& sample) {
    if (!sample.is_array() || sample.size() != 2 || !sample[1].is_string()) return false;
    return std::isfinite(std::strtod(sample[1].get<std::string>().c_str(), nullptr));
  };
  return static_cast<std::size_t>(std::count_if(result.begin(), result.end(), [&](const json& series) {
    const json& values = list_of(series, "values");
    return std::any_of(values.begin(), values.end(), is_number) ||
           (series.is_object() && series.contains("value") && is_number(series["value"]));
  }));
}

class Checker {
 public:
  Checker(const Manifest& manifest, Stack& stack) : manifest_(manifest), stack_(stack) {}

  Result<StackCheck> check(bool panels) {
    const auto services = stack_.status();
    if (!services) return services.error();
    for (const ServiceStatus& service : *services) check_service(service);
    for (const Service& service : manifest_.services) {
      const auto is_config = [](const ConfigFile& file) { return file.kind == FileKind::prometheus; };
      if (std::none_of(service.files.begin(), service.files.end(), is_config)) continue;
      const Result<std::string> url = stack_.endpoint(service.name);
      if (!url) continue;
      check_targets(*url);
      check_rules(*url);
      if (!panels) continue;
      if (const auto done = check_panels(*url); !done) return done.error();
    }
    return std::move(check_);
  }

 private:
  void add(std::string kind, std::string name, bool ok, std::string detail) {
    check_.findings.push_back({std::move(kind), std::move(name), ok, std::move(detail)});
  }

  /// The `data` of an answer of Prometheus; null, with why in `problem_`, when there is none.
  json ask(const std::string& url, const std::string& form = {}) {
    core::HttpCall request{.url = url, .timeout = 10s};
    if (!form.empty()) {
      request.method = "POST";
      request.headers = {{"Content-Type", "application/x-www-form-urlencoded"}};
      request.body = form;
    }
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

  Result<void> check_panels(const std::string& url) {
    const Result<std::string> rate = scale_duration(kRateInterval, stack_.time_scale());
    if (!rate) return rate.error();
    const Result<std::string> range = scale_duration(kRange, stack_.time_scale());
    if (!range) return range.error();
    for (const auto& path : dashboards_in(manifest_.folder)) {
      const Result<std::string> text = core::read_file(path);
      if (!text) return text.error();
      const Result<Dashboard> dashboard = read_dashboard(*text, path.string(), {*rate, *range});
      if (!dashboard) return dashboard.error();
      for (const PanelQuery& query : dashboard->queries) check_panel(url, *dashboard, query);
    }
    return {};
  }

  void check_panel(const std::string& url, const Dashboard& dashboard, const PanelQuery& query) {
    const double now =
        std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
    const double length = kRangeSeconds * stack_.time_scale();
    const std::string form =
        query.instant ? fmt::format("query={}&time={:.3f}", core::percent_encoded(query.expr), now)
                      : fmt::format("query={}&start={:.3f}&end={:.3f}&step={:.3f}",
                                    core::percent_encoded(query.expr), now - length, now, length / kSteps);
    const json data = ask(url + (query.instant ? "/api/v1/query" : "/api/v1/query_range"), form);
    const std::size_t series = series_with_numbers(list_of(data, "result"));
    std::string detail = fmt::format("{} series", series);
    if (data.is_null()) detail = problem_;
    if (!data.is_null() && series == 0) detail = "no data: is there any load?";
    add("panel", fmt::format("{}: {} {}", dashboard.title, query.panel, query.ref), series > 0,
        std::move(detail));
  }

  const Manifest& manifest_;
  Stack& stack_;
  core::HttpClient http_;
  ReadinessProbe probe_;
  std::string problem_;
  StackCheck check_;
};

}  // namespace

bool StackCheck::ok() const {
  return std::all_of(findings.begin(), findings.end(),
                     [](const StackFinding& finding) { return finding.ok; });
}

Result<StackCheck> check_stack(const Manifest& manifest, Stack& stack, bool panels) {
  return Checker(manifest, stack).check(panels);
}

}  // namespace obsctl::stacks
