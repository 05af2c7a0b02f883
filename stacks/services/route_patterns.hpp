// Which requests a toggle is about: patterns over the names of routes, in which * is any run of characters.
//
// Where the routes are known beforehand (the sample service), a name is a route's label, and a toggle's
// patterns have been resolved to the labels that they match. Where they are not (a proxy), a name is the path
// of a request, without its query, and the patterns stand as they were given: "/api/*" is a prefix.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace obsctl::stacks {

class RoutePatterns {
 public:
  explicit RoutePatterns(std::vector<std::string> texts) : texts_(std::move(texts)) {}

  /// The first pattern that matches; none: the toggle is not about this request.
  std::optional<std::size_t> match(std::string_view name) const;
  const std::vector<std::string>& texts() const { return texts_; }

 private:
  std::vector<std::string> texts_;
};

}  // namespace obsctl::stacks
