// See native_plan.hpp.
#include "stacks/native_plan.hpp"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "core/file.hpp"
#include "core/process.hpp"
#include "stacks/placeholders.hpp"
#include "stacks/promql_durations.hpp"
#include "stacks/random_name.hpp"
#include "stacks/rendering.hpp"
#include "stacks/time_scale.hpp"

namespace obsctl::stacks {

namespace fs = std::filesystem;
using core::ErrorKind;
using core::Result;

namespace {

/// Service → program. All that are missing make one error.
Result<std::map<std::string, fs::path>> find_programs(const Manifest& manifest, const fs::path& obsctl) {
  std::map<std::string, fs::path> programs;
  std::vector<std::string> missing;
  std::set<std::string> packages;
  for (const Service& service : manifest.services) {
    if (service.programs.empty()) {
      programs[service.name] = obsctl;
      continue;
    }
    const Result<fs::path> program = core::find_program(service.programs);
    if (program) {
      programs[service.name] = *program;
      continue;
    }
    missing.push_back(fmt::format("{} ({})", service.name, fmt::join(service.programs, " or ")));
    if (!service.package.empty()) packages.insert(service.package);
  }
  if (missing.empty()) return programs;
  const char* path = std::getenv("PATH");
  std::string hint =
      fmt::format("put {} in PATH ({})", missing.size() == 1 ? "it" : "them", path == nullptr ? "" : path);
  if (!packages.empty()) {
    hint = fmt::format("on Debian and Ubuntu: sudo apt-get install {}; elsewhere {}",
                       fmt::join(packages, " "), hint);
  }
  return core::make_error(
      ErrorKind::unavailable,
      fmt::format("{} of the stack {} {} not installed: {}", missing.size() == 1 ? "a program" : "programs",
                  manifest.name, missing.size() == 1 ? "is" : "are", fmt::join(missing, ", ")),
      hint);
}

/// What the placeholders of one service stand for.
struct ServiceContext {
  const Manifest& manifest;
  const std::map<std::string, PortReservation>& ports;
  fs::path run;
  fs::path obsctl;
  std::string token;
  double time_scale;
  std::string service;

  std::string listen(const std::string& name) const {
    return fmt::format("127.0.0.1:{}", ports.at(name).port());
  }

  /// The manifest has been checked: names and arguments exist.
  Result<std::string> value(const Placeholder& placeholder) const {
    const auto& [name, argument] = placeholder;
    const std::string& whose = argument.empty() ? service : argument;
    if (name == "listen") return listen(service);
    if (name == "port") return std::to_string(ports.at(service).port());
    if (name == "url") return "http://" + listen(whose);
    if (name == "address") return listen(whose);
    if (name == "token") return token;
    if (name == "data") return (run / "data" / service).string();
    if (name == "run") return run.string();
    if (name == "obsctl") return obsctl.string();
    if (name == "file") return (run / "config" / argument).string();
    if (name == "scaled") return scale_duration(argument, time_scale);
    if (name == "scaled_seconds") return scaled_seconds(argument, time_scale);
    return core::make_error(ErrorKind::internal, fmt::format("the placeholder {} has no value", name));
  }

  Result<void> append(std::vector<std::string>& to, const std::vector<std::string>& texts) const {
    for (const std::string& text : texts) {
      Result<std::string> expanded = expand(text, [this](const Placeholder& p) { return value(p); });
      if (!expanded) return expanded.error();
      to.push_back(std::move(*expanded));
    }
    return {};
  }
};

Result<std::vector<std::string>> check_command(const Service& service, const ServiceContext& context) {
  if (service.check.empty()) return std::vector<std::string>();
  const Result<fs::path> program = core::find_program({service.check.front()});
  if (!program) return std::vector<std::string>();
  std::vector<std::string> command{program->string()};
  const std::vector<std::string> arguments(service.check.begin() + 1, service.check.end());
  if (const auto done = context.append(command, arguments); !done) return done.error();
  return command;
}

Result<core::ProcessOptions> service_command(const Service& service, const fs::path& program,
                                             const ServiceContext& context, const UpOptions& options) {
  core::ProcessOptions command;
  command.argv = {program.string()};
  command.environment = options.environment;
  command.working_directory = context.run / "data" / service.name;
  command.log_file = context.run / "logs" / (service.name + ".log");
  if (const auto done = context.append(command.argv, service.arguments); !done) return done.error();
  if (const auto done = context.append(command.environment, service.environment); !done) return done.error();
  std::error_code failure;
  fs::create_directories(command.working_directory, failure);
  fs::create_directories(command.log_file.parent_path(), failure);
  if (failure) {
    return core::make_error(
        ErrorKind::unavailable,
        fmt::format("cannot make {}: {}", command.working_directory.string(), failure.message()));
  }
  return command;
}

Result<void> write_files(const Rendering& rendering, const fs::path& folder) {
  for (const RenderedFile& file : rendering.files) {
    const Result<void> written = core::write_file(folder / file.file.path, file.text, 0600);
    if (!written) return written.error();
  }
  return {};
}

}  // namespace

fs::path own_program(const fs::path& wanted) {
  std::error_code failure;
  if (!wanted.empty()) return fs::absolute(wanted, failure);
  if (const char* binary = std::getenv("OBSCTL_BINARY"); binary != nullptr && *binary != '\0') {
    return fs::absolute(binary, failure);
  }
  // A program that has been replaced on disk is still there under /proc.
  const fs::path program = fs::read_symlink("/proc/self/exe", failure);
  return failure || !fs::exists(program) ? fs::path("/proc/self/exe") : program;
}

Result<NativePlan> plan_native(const Manifest& manifest, const UpOptions& options) {
  if (const auto scale = check_time_scale(options.time_scale); !scale) return scale.error();
  const fs::path obsctl = own_program(options.obsctl);
  const auto programs = find_programs(manifest, obsctl);
  if (!programs) return programs.error();

  std::map<std::string, PortReservation> ports;
  AddressMap addresses;
  for (const Service& service : manifest.services) {
    Result<PortReservation> port = PortReservation::any();
    if (!port) return port.error();
    addresses[service.address] = fmt::format("127.0.0.1:{}", port->port());
    ports.emplace(service.name, std::move(*port));
  }
  Result<Rendering> rendering = render(manifest, addresses, options.time_scale);
  if (!rendering) return rendering.error();

  const std::string instance = options.instance.empty() ? new_instance_name(manifest.name) : options.instance;
  Result<RunDirectory> directory = RunDirectory::create(runs_folder(options.parent), instance);
  if (!directory) return directory.error();
  if (const auto written = write_files(*rendering, directory->path() / "config"); !written)
    return written.error();

  ServiceContext context{
      manifest,           ports, directory->path(), obsctl, random_text("0123456789abcdef", 32),
      options.time_scale, {}};
  NativePlan plan{
      manifest.name, instance, options.time_scale, context.token, std::move(*directory), {}, {}, {}};
  for (const RenderedFile& file : rendering->files) plan.checksums.push_back(file.checksum);
  plan.notes = std::move(rendering->notes);
  for (const Service& service : manifest.services) {
    context.service = service.name;
    Result<core::ProcessOptions> command =
        service_command(service, programs->at(service.name), context, options);
    if (!command) return command.error();
    Result<std::vector<std::string>> check = check_command(service, context);
    if (!check) return check.error();
    plan.services.push_back({.service = service,
                             .command = std::move(*command),
                             .check = std::move(*check),
                             .port = PortReservation::none(),
                             .url = "http://" + context.listen(service.name)});
  }
  for (NativeService& service : plan.services) service.port = std::move(ports.at(service.service.name));
  return plan;
}

}  // namespace obsctl::stacks
