// What every kind of stack says in the same words.
#include "stacks/stack.hpp"

#include <fmt/format.h>

#include "core/text.hpp"

namespace obsctl::stacks {

std::string_view to_string(ServiceState state) {
  switch (state) {
    case ServiceState::starting:
      return "starting";
    case ServiceState::running:
      return "running";
    case ServiceState::paused:
      return "paused";
    case ServiceState::stopped:
      return "stopped";
    case ServiceState::failed:
      return "failed";
  }
  return "failed";
}

std::string indented(std::string_view lines) {
  std::string text;
  for (const std::string_view line : core::split(lines, '\n')) text += fmt::format("\n    {}", line);
  return text;
}

core::Error to_error(const ServiceFailure& failure) {
  std::string message = fmt::format("{} {}", failure.service, to_string(failure.status));
  if (!failure.last_lines.empty()) message += ":" + indented(failure.last_lines);
  return core::make_error(core::ErrorKind::unavailable, std::move(message));
}

core::Error unknown_service(std::string_view stack, std::string_view service,
                            const std::vector<std::string>& names) {
  return core::make_error(
      core::ErrorKind::not_found,
      fmt::format("the stack {} has no service \"{}\"{}", stack, service, core::did_you_mean(service, names)),
      fmt::format("it has {}", fmt::join(names, ", ")));
}

}  // namespace obsctl::stacks
