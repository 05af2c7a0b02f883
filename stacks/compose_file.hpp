// What obsctl has to know of a stack's compose.yaml before it lets a compose tool loose on it: images,
// memory, and the variables by which ports and scaled durations are set. Everything else in the file is the
// tool's business.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"

namespace obsctl::stacks {

/// A folder or file of this machine in a container.
struct ComposeMount {
  std::string source;  ///< as written, relative to the compose file's folder or absolute
  std::string target;
};

struct ComposeFileService {
  std::string name;
  std::string image;         ///< with its variables filled in; may be empty
  bool builds = false;       ///< there is a `build`
  std::uint64_t memory = 0;  ///< bytes, of mem_limit or deploy.resources.limits.memory; 0: unlimited
  std::vector<std::uint16_t> ports = {};      ///< TCP ports inside that are published; of a range the first
  std::vector<std::uint16_t> exposed = {};    ///< to other containers, by `expose`
  bool any_port = false;                      ///< on whatever port the service's own variable says
  std::vector<ComposeMount> mounts = {};      ///< bind mounts; volumes with a name are none
  std::vector<std::string> command = {};      ///< entrypoint and command, in words
  std::vector<std::string> healthcheck = {};  ///< its test, in words
  std::vector<std::string> profiles = {};
  bool restarts = false;      ///< by itself
  bool extends = false;       ///< another service, which is not looked into
  bool host_network = false;  ///< network_mode: host, so that its ports are published nowhere
};

struct ComposeFile {
  std::string name;  ///< of the project; may be empty
  std::vector<ComposeFileService> services;
  bool includes = false;           ///< other compose files, which are not looked into
  std::vector<std::string> files;  ///< that the tool reads besides: env_file, configs, secrets, includes
  /// Variables called OBSCTL_SCALED_… in the file → the duration, as Prometheus writes it, that they hold
  /// unscaled: OBSCTL_SCALED_5M → "5m", OBSCTL_SCALED_SECONDS_500MS → "500ms" (the value is wanted in
  /// seconds).
  std::map<std::string, std::string> scaled;

  const ComposeFileService* find(std::string_view service) const;
};

/// The value of a variable; nothing when it is not set.
using Variables = std::function<std::optional<std::string>(const std::string&)>;

/// Fills in $NAME, ${NAME}, ${NAME:-default}, ${NAME-default}, ${NAME:?message}, ${NAME?message},
/// ${NAME:+replacement} and ${NAME+replacement}; "$$" is a dollar
/// (https://docs.docker.com/reference/compose-file/interpolation/). Errors: invalid_input (a
/// variable that has to be set, a brace that is not closed, another operator).
core::Result<std::string> interpolate(std::string_view text, const Variables& variables);

/// Reads a compose file. Errors: invalid_input with the place.
core::Result<ComposeFile> read_compose_file(const std::string& text, const std::string& file_name,
                                            const Variables& variables);

/// The same of a file, with the variables that the compose tool will see: those given as "NAME=value", else
/// the environment, else .env beside the file. Errors: not_found, unavailable as well.
core::Result<ComposeFile> read_compose_file(const std::filesystem::path& path,
                                            const std::vector<std::string>& given);

/// The name of a variable that a text begins with; may be empty.
std::string_view leading_name(std::string_view text);

/// The variables of a .env file: NAME=value lines, # comments, also behind a value, quotes around values
/// taken off, `export` left out. Lines that are none of these are left out: the compose tool complains about
/// them.
std::map<std::string, std::string> read_env_file(std::string_view text);

/// "128m", "1.5g", "1073741824", "512 MiB" as bytes; nothing when it is not a size.
std::optional<std::uint64_t> parse_bytes(std::string_view text);

/// The variable that publishes a service's port: "node-exporter" → "OBSCTL_NODE_EXPORTER_PORT".
std::string port_variable(std::string_view service);

}  // namespace obsctl::stacks
