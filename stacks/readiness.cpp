// See readiness.hpp.
#include "stacks/readiness.hpp"

#include <fmt/format.h>
#include <netinet/in.h>
#include <nlohmann/json.hpp>
#include <sys/socket.h>
#include <unistd.h>

namespace obsctl::stacks {

using nlohmann::json;
using namespace std::chrono_literals;

namespace {

bool accepts_connections(std::uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  // On loopback a connection is made or refused at once.
  const bool accepted = ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  ::close(fd);
  return accepted;
}

/// The `data` of a Prometheus answer; null when there is none.
json data_of(core::HttpClient& http, const std::string& url) {
  const auto reply = http.call({.url = url, .timeout = 1s});
  if (!reply || !reply->ok()) return nullptr;
  json answer = json::parse(reply->body, nullptr, false);
  if (!answer.is_object() || !answer.contains("data")) return nullptr;
  return std::move(answer["data"]);
}

std::size_t size_of(const json& data, const char* key) {
  return data.is_object() && data.contains(key) && data[key].is_array() ? data[key].size() : 0;
}

std::string text_of(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

}  // namespace

bool ReadinessProbe::is_ready(const Probe& probe, std::uint16_t port) {
  if (probe.path.empty()) {
    if (accepts_connections(port)) return true;
    last_problem_ = "it does not accept connections";
    return false;
  }
  const auto reply =
      http_.call({.url = fmt::format("http://127.0.0.1:{}{}", port, probe.path), .timeout = 1s});
  if (reply && reply->ok()) return true;
  last_problem_ = reply ? fmt::format("{} answered {}", probe.path, reply->status) : to_line(reply.error());
  return false;
}

bool PrometheusView::satisfies(const ExpectedTargets& expected) const {
  return answered && up == targets && targets + dropped >= expected.static_targets &&
         (alertmanagers > 0 || !expected.alertmanagers);
}

PrometheusView view_of_prometheus(core::HttpClient& http, const std::string& url) {
  PrometheusView view;
  const json targets = data_of(http, url + "/api/v1/targets");
  const json alertmanagers = data_of(http, url + "/api/v1/alertmanagers");
  if (!targets.is_object() || !alertmanagers.is_object()) return view;
  view.answered = true;
  view.targets = static_cast<int>(size_of(targets, "activeTargets"));
  view.dropped = static_cast<int>(size_of(targets, "droppedTargets"));
  view.alertmanagers = static_cast<int>(size_of(alertmanagers, "activeAlertmanagers"));
  if (view.targets == 0) return view;
  for (const json& target : targets["activeTargets"]) {
    if (!target.is_object()) continue;
    if (text_of(target, "health") == "up") {
      ++view.up;
      continue;
    }
    const json labels = target.value("labels", json::object());
    const std::string error = text_of(target, "lastError");
    view.problems.push_back(fmt::format("{} {}: {}", text_of(labels, "job"), text_of(labels, "instance"),
                                        error.empty() ? "not scraped yet" : error));
  }
  return view;
}

}  // namespace obsctl::stacks
