#include "stacks/services/routes.hpp"

#include <algorithm>
#include <array>

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

}  // namespace obsctl::stacks
