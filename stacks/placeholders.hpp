// {placeholders} in a service's command and environment.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"

namespace obsctl::stacks {

/// {name} or {name:argument}.
struct Placeholder {
  std::string name;
  std::string argument;  ///< empty when there is none
};

using PlaceholderValue = std::function<core::Result<std::string>(const Placeholder&)>;

/// The text with each placeholder replaced; "{{" is a brace. Errors: invalid_input (a brace that is not
/// closed), and those of `value_of`.
core::Result<std::string> expand(std::string_view text, const PlaceholderValue& value_of);

/// What a stack.toml may use: listen, port, url, token, data, run, obsctl without an argument; file, address,
/// url, scaled, scaled_seconds with one.
const std::vector<std::string>& placeholder_names();

}  // namespace obsctl::stacks
