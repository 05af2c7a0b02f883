#include "stacks/services/field_reader.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/text.hpp"

namespace obsctl::stacks {

namespace {

/// RFC 6901: "~" and "/" in a name are escaped.
std::string pointer_to(std::string_view name) {
  std::string pointer = "#/";
  for (const char c : name) {
    if (c == '~') {
      pointer += "~0";
    } else if (c == '/') {
      pointer += "~1";
    } else {
      pointer += c;
    }
  }
  return pointer;
}

std::string joined(const std::vector<std::string>& names) {
  return fmt::format("{}", fmt::join(names, ", "));
}

/// What is wrong with a glob that no path can match.
std::string no_path(std::string_view glob) {
  return fmt::format("\"{}\" matches no path: paths begin with /", glob);
}

}  // namespace

const nlohmann::json* FieldReader::find(std::string_view name, bool required) {
  known_.emplace_back(name);
  const auto found = object_.find(name);
  if (found != object_.end()) return &*found;
  if (required) report(name, "is missing");
  return nullptr;
}

bool FieldReader::has(std::string_view name) const {
  return object_.contains(name);
}

void FieldReader::report(std::string_view name, std::string detail) {
  errors_.push_back({pointer_to(name), std::move(detail)});
}

double FieldReader::number(std::string_view name, double least, double most, std::optional<double> fallback) {
  const nlohmann::json* value = find(name, !fallback);
  if (value == nullptr) return fallback.value_or(least);
  const double number = value->is_number() ? value->get<double>() : std::nan("");
  if (number >= least && number <= most) return number;
  report(name, fmt::format("must be a number from {} to {}", least, most));
  return fallback.value_or(least);
}

int FieldReader::integer(std::string_view name, int least, int most, std::optional<int> fallback) {
  const nlohmann::json* value = find(name, !fallback);
  if (value == nullptr) return fallback.value_or(least);
  if (value->is_number_integer()) {
    const auto number = value->is_number_unsigned() && value->get<std::uint64_t>() > INT64_MAX
                            ? INT64_MAX
                            : value->get<std::int64_t>();
    if (number >= least && number <= most) return static_cast<int>(number);
  }
  report(name, fmt::format("must be a whole number from {} to {}", least, most));
  return fallback.value_or(least);
}

bool FieldReader::boolean(std::string_view name, bool fallback) {
  const nlohmann::json* value = find(name, false);
  if (value == nullptr) return fallback;
  if (value->is_boolean()) return value->get<bool>();
  report(name, "must be true or false");
  return fallback;
}

core::Nanoseconds FieldReader::duration(std::string_view name, core::Nanoseconds least,
                                        core::Nanoseconds most, std::optional<core::Nanoseconds> fallback) {
  const nlohmann::json* value = find(name, !fallback);
  if (value == nullptr) return fallback.value_or(least);
  if (value->is_string()) {
    const auto duration = core::parse_duration(value->get_ref<const std::string&>());
    if (duration && *duration >= least && *duration <= most) return *duration;
  }
  report(name, fmt::format("must be a duration from {} to {}, such as \"250ms\" or \"1m30s\"",
                           core::format_duration(least), core::format_duration(most)));
  return fallback.value_or(least);
}

RoutePatterns FieldReader::routes(std::string_view name, const std::vector<std::string>& known) {
  const nlohmann::json* value = find(name, false);
  if (value == nullptr || (value->is_array() && value->empty()))
    return RoutePatterns(known.empty() ? std::vector<std::string>{"*"} : known);
  const bool texts =
      value->is_array() &&
      std::all_of(value->begin(), value->end(), [](const nlohmann::json& one) { return one.is_string(); });
  if (!texts) {
    report(name, "must be a list of paths, in which * stands for any characters, such as [\"/api/v1/*\"]");
    return RoutePatterns({});
  }
  const auto globs = value->get<std::vector<std::string>>();
  for (const std::string& glob : globs) {
    if (known.empty() && !glob.starts_with('/') && !glob.starts_with('*')) report(name, no_path(glob));
    if (known.empty() || std::any_of(known.begin(), known.end(),
                                     [&](const auto& label) { return core::glob_matches(glob, label); }))
      continue;
    report(name, fmt::format("\"{}\" matches no route that may be faulted: {}", glob, joined(known)));
  }
  if (known.empty()) return RoutePatterns(globs);
  std::vector<std::string> matched;
  const RoutePatterns patterns(globs);
  std::copy_if(known.begin(), known.end(), std::back_inserter(matched),
               [&](const std::string& label) { return patterns.match(label).has_value(); });
  return RoutePatterns(std::move(matched));
}

std::size_t FieldReader::choice(std::string_view name, const std::vector<std::string_view>& words,
                                std::size_t fallback) {
  const nlohmann::json* value = find(name, false);
  if (value == nullptr) return fallback;
  if (value->is_string()) {
    const auto found = std::find(words.begin(), words.end(), value->get_ref<const std::string&>());
    if (found != words.end()) return static_cast<std::size_t>(found - words.begin());
  }
  report(name, fmt::format("must be one of {}", fmt::join(words, ", ")));
  return fallback;
}

core::Rate FieldReader::rate(std::string_view name) {
  if (const nlohmann::json* value = find(name, true)) {
    const auto rate =
        value->is_string() ? core::parse_rate(value->get_ref<const std::string&>()) : core::parse_rate("");
    if (rate && rate->count > 0) return *rate;
    report(name, "must be a rate above 0, such as \"100/s\" or \"30/m\"");
  }
  return {.count = 1};
}

std::vector<std::string> FieldReader::some_of(std::string_view name, const std::vector<std::string>& known) {
  const nlohmann::json* value = find(name, true);
  if (value == nullptr) return {};
  const bool texts =
      value->is_array() && !value->empty() &&
      std::all_of(value->begin(), value->end(), [](const nlohmann::json& one) { return one.is_string(); });
  if (!texts) {
    report(name, "must be a list of names, such as [\"database\"]");
    return {};
  }
  auto names = value->get<std::vector<std::string>>();
  for (const std::string& given : names) {
    if (std::find(known.begin(), known.end(), given) == known.end())
      report_unknown_dependency(name, given, known);
  }
  return names;
}

void FieldReader::report_unknown_dependency(std::string_view name, const std::string& given,
                                            const std::vector<std::string>& known) {
  report(name, fmt::format("\"{}\" is not a dependency of this service{}; it has: {}", given,
                           core::did_you_mean(given, known), joined(known)));
}

std::vector<std::string> FieldReader::switched_off(std::string_view name,
                                                   const std::vector<std::string>& known) {
  std::vector<std::string> off;
  const nlohmann::json* value = find(name, false);
  if (value == nullptr) return off;
  if (!value->is_object()) {
    report(name, "must be an object of true and false, such as {\"database\": false}");
    return off;
  }
  for (const auto& [key, healthy] : value->items()) {
    if (std::find(known.begin(), known.end(), key) == known.end()) {
      report_unknown_dependency(name, key, known);
    } else if (!healthy.is_boolean()) {
      report(name, fmt::format("\"{}\" must be true or false", key));
    } else if (!healthy.get<bool>()) {
      off.push_back(key);
    }
  }
  return off;
}

std::vector<FieldError> FieldReader::finish() {
  for (const auto& [key, value] : object_.items()) {
    if (std::find(known_.begin(), known_.end(), key) != known_.end()) continue;
    report(key, fmt::format("is not known here{}; known are: {}", core::did_you_mean(key, known_),
                            joined(known_)));
  }
  return std::move(errors_);
}

}  // namespace obsctl::stacks
