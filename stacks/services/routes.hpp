// The sample service's routes: what a path is called in metrics, which methods it knows, and whether faults
// may touch it. The set is closed, so that labels made of it stay few whatever clients ask for.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "core/http_server.hpp"

namespace obsctl::stacks {

enum class Method { get, head, post, put, del, other };
constexpr std::size_t kMethods = 6;

Method method_of(std::string_view name);
/// "GET" …; "other".
std::string_view to_string(Method method);

enum class RouteId { ping, work, health, ready, metrics, probe_targets, toggles, toggle, other };
constexpr std::size_t kRoutes = 9;

struct Route {
  RouteId id;
  /// The path, or its template, as the label `route` has it.
  std::string_view label;
  std::vector<Method> methods;
  /// Health, metrics and control paths are not, so that a fault can always be seen and taken away.
  bool may_be_faulted;

  bool knows(Method method) const;
  /// The value of an Allow field: "GET, HEAD".
  std::string allow() const;
};

/// In the order of RouteId.
const std::vector<Route>& routes();
/// The route of a path, without its query; Route "other" for one that there is not.
const Route& route_of(std::string_view path);

/// 405 with Allow, for a method that the route does not know.
core::HttpResponse unknown_method(const Route& route, std::string_view method);
/// The labels of those that may be faulted.
std::vector<std::string> faultable_routes();

}  // namespace obsctl::stacks
