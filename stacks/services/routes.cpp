#include "stacks/services/routes.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "stacks/services/problem.hpp"

namespace obsctl::stacks {

namespace {

constexpr std::string_view kToggles = "/api/v1/toggles";
constexpr std::array<std::string_view, kMethods> kMethodNames{"GET", "HEAD",   "POST",
                                                              "PUT", "DELETE", "other"};

}  // namespace

Method method_of(std::string_view name) {
  const auto found = std::find(kMethodNames.begin(), kMethodNames.end() - 1, name);
  return static_cast<Method>(found - kMethodNames.begin());
}

std::string_view to_string(Method method) {
  return kMethodNames[static_cast<std::size_t>(method)];
}

bool Route::knows(Method method) const {
  return std::find(methods.begin(), methods.end(), method) != methods.end();
}

std::string Route::allow() const {
  std::string text;
  for (const Method method : methods) {
    if (!text.empty()) text += ", ";
    text += to_string(method);
  }
  return text;
}

const std::vector<Route>& routes() {
  using enum Method;
  static const std::vector<Route> all{
      {RouteId::ping, "/api/v1/ping", {get, head}, true},
      {RouteId::work, "/api/v1/work", {get, head}, true},
      {RouteId::health, "/healthz", {get, head}, false},
      {RouteId::ready, "/readyz", {get, head}, false},
      {RouteId::metrics, "/metrics", {get, head}, false},
      {RouteId::probe_targets, "/probe-targets", {get, head}, false},
      {RouteId::toggles, kToggles, {get, head, del}, false},
      {RouteId::toggle, "/api/v1/toggles/{name}", {get, head, post, put, del}, false},
      {RouteId::other, "other", {}, false},
  };
  return all;
}

const Route& route_of(std::string_view path) {
  const std::vector<Route>& all = routes();
  for (std::size_t i = 0; i <= static_cast<std::size_t>(RouteId::toggles); ++i) {
    if (all[i].label == path) return all[i];
  }
  const bool one_toggle = path.size() > kToggles.size() + 1 && path.substr(0, kToggles.size()) == kToggles &&
                          path[kToggles.size()] == '/' &&
                          path.find('/', kToggles.size() + 1) == std::string_view::npos;
  return all[static_cast<std::size_t>(one_toggle ? RouteId::toggle : RouteId::other)];
}

core::HttpResponse unknown_method(const Route& route, std::string_view method) {
  core::HttpResponse response =
      problem(405, fmt::format("{} does not know the method {}", route.label, method));
  response.headers.push_back({"Allow", route.allow()});
  return response;
}

std::vector<std::string> faultable_routes() {
  std::vector<std::string> labels;
  for (const Route& route : routes()) {
    if (route.may_be_faulted) labels.emplace_back(route.label);
  }
  return labels;
}

}  // namespace obsctl::stacks
