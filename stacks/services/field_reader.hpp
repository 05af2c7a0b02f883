// Reads the JSON body of a toggle and collects everything that is wrong with it, so that one answer names
// every mistake.
#pragma once

#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "core/duration.hpp"
#include "core/rate.hpp"
#include "stacks/services/problem.hpp"
#include "stacks/services/route_patterns.hpp"

namespace obsctl::stacks {

class FieldReader {
 public:
  /// `object` is a JSON object and outlives the reader.
  explicit FieldReader(const nlohmann::json& object) : object_(object) {}

  // Each reads one member and notes an error when it has the wrong type or is out of bounds; then, and when
  // the member is absent, the fallback comes back. A member without a fallback is required.
  double number(std::string_view name, double least, double most, std::optional<double> fallback);
  int integer(std::string_view name, int least, int most, std::optional<int> fallback);
  /// One of some words; the place of it among them. `fallback`: the place of the default.
  std::size_t choice(std::string_view name, const std::vector<std::string_view>& words, std::size_t fallback);
  /// A text such as "100/s", above 0. Required.
  core::Rate rate(std::string_view name);
  bool boolean(std::string_view name, bool fallback);
  /// A text such as "250ms".
  core::Nanoseconds duration(std::string_view name, core::Nanoseconds least, core::Nanoseconds most,
                             std::optional<core::Nanoseconds> fallback);
  /// Globs over the names of routes; absent or empty: all of them. With `known` names, those that match; else
  /// the globs themselves.
  RoutePatterns routes(std::string_view name, const std::vector<std::string>& known);
  /// A list of names, all among `known`. Required.
  std::vector<std::string> some_of(std::string_view name, const std::vector<std::string>& known);
  /// The names that an object such as {"database": false} sets to false; all must be among `known`.
  std::vector<std::string> switched_off(std::string_view name, const std::vector<std::string>& known);
  bool has(std::string_view name) const;

  void report(std::string_view name, std::string detail);
  /// Every error, including those for members that nobody has read.
  std::vector<FieldError> finish();

 private:
  void report_unknown_dependency(std::string_view name, const std::string& given,
                                 const std::vector<std::string>& known);
  const nlohmann::json* find(std::string_view name, bool required);

  const nlohmann::json& object_;
  std::vector<std::string> known_;
  std::vector<FieldError> errors_;
};

}  // namespace obsctl::stacks
