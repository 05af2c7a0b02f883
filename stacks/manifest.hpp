// stack.toml: what a stack's folder says about itself, so that a user's own folder works like a bundled one.
// See docs/reference/stack.md for the format.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/duration.hpp"
#include "core/error.hpp"

namespace obsctl::stacks {

/// What a configuration file is, which decides which of its durations --time-scale rewrites.
enum class FileKind {
  prometheus,    ///< prometheus.yml
  rules,         ///< a rule file
  alertmanager,  ///< alertmanager.yml
  other,         ///< addresses only
};

std::string_view to_string(FileKind kind);

/// What a stack's services run in.
enum class Runtime {
  native,   ///< child processes of obsctl
  compose,  ///< containers, by the stack's compose.yaml
};

/// "native", "compose".
std::string_view to_string(Runtime runtime);

struct ConfigFile {
  std::string path;  ///< relative to the stack's folder
  FileKind kind = FileKind::other;
};

/// How a service shows that it is ready.
struct Probe {
  /// An HTTP path that must answer 2xx: "/-/ready". Empty: a TCP connection is enough.
  std::string path;
};

struct Service {
  std::string name;
  std::string title;
  /// host:port as the stack's files name it: "prometheus:9090".
  std::string address;
  /// Names of the program, the first that is installed is taken. Empty: obsctl itself.
  std::vector<std::string> programs;
  /// Arguments after the program, with placeholders ({listen}, {file:…}, {scaled:…}, …).
  std::vector<std::string> arguments;
  /// "NAME=value", with placeholders.
  std::vector<std::string> environment;
  Probe ready;
  /// Between SIGTERM and SIGKILL.
  core::Nanoseconds stop_grace = std::chrono::seconds(5);
  std::vector<ConfigFile> files;
  /// A command that explains a bad configuration (promtool, amtool), run only when the service ended while
  /// starting. The first word is the program's name; the rest may hold placeholders. Empty: none.
  std::vector<std::string> check;
  /// The Debian package of the program, named when it is missing.
  std::string package;
  /// The one runtime that has it; nothing: every one.
  std::optional<Runtime> only_in;
};

struct Manifest {
  std::string name;
  std::string title;
  std::filesystem::path folder;
  std::vector<Service> services;

  const Service* find(std::string_view service) const;
};

/// Every mistake of a stack.toml, in the file's order, each with its place.
struct ManifestErrors {
  std::vector<core::Error> errors;
  /// One error (invalid_input, or the kind of the only one) with all of them in its text.
  core::Error joined() const;
};

using ManifestResult = boost::system::result<Manifest, ManifestErrors>;

/// Reads `folder`/stack.toml. Errors: not_found, unavailable, invalid_input.
ManifestResult read_manifest(const std::filesystem::path& folder);

/// The same from text; the files that it names are looked for in `folder`. `file_name` is what errors call
/// it.
ManifestResult parse_manifest(std::string_view text, const std::filesystem::path& folder,
                              const std::string& file_name);

/// The manifest with the services that a runtime has, but for those in `without`. Errors: not_found, with the
/// nearest name; usage (none is left).
core::Result<Manifest> for_runtime(Manifest manifest, Runtime runtime,
                                   const std::vector<std::string>& without);

/// Where the bundled stacks are: $OBSCTL_DATA_DIR/stacks, else ../stacks or ../../stacks beside the binary (a
/// build folder in a checkout), else ../share/obsctl/stacks (installed). Errors: not_found.
core::Result<std::filesystem::path> bundled_stacks_directory();

/// The names of the bundled stacks, sorted.
std::vector<std::string> bundled_stacks();

/// Reads the stack that a command line names: a bundled stack's name, or a path (anything with a slash, or
/// ".") of a folder with a stack.toml. Errors: not_found with the nearest name; invalid_input with every
/// mistake of the file.
core::Result<Manifest> load_stack(std::string_view name_or_path);

}  // namespace obsctl::stacks
