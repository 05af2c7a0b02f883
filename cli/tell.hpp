// What commands say to the person who runs them.
#pragma once

#include <cstdio>
#include <string>
#include <utility>

#include <fmt/format.h>

namespace obsctl::cli {

/// For people, on standard error. What cannot be written there is dropped: a terminal that is closed must not
/// end a run that has something to mend.
template <class... Arguments>
void tell(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
  const std::string text = fmt::format(format, std::forward<Arguments>(arguments)...);
  std::fwrite(text.data(), 1, text.size(), stderr);
}

}  // namespace obsctl::cli
