// See runtime_flags.hpp.
#include "cli/runtime_flags.hpp"

namespace obsctl::cli {

void add_runtime_flags(CLI::App& command, std::string& runtime, std::vector<std::string>& without) {
  command
      .add_option("--runtime", runtime, "native: child processes; compose: containers, by docker or podman")
      ->check(CLI::IsMember({"native", "compose"}))
      ->capture_default_str();
  command.add_option("--without", without, "a service to leave out; may be repeated")
      ->type_name("SERVICE")
      ->allow_extra_args(false);
}

stacks::Runtime runtime_named(const std::string& flag) {
  return flag == to_string(stacks::Runtime::compose) ? stacks::Runtime::compose : stacks::Runtime::native;
}

}  // namespace obsctl::cli
