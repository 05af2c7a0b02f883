// See compose_plan.hpp.
#include "stacks/compose_plan.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdlib>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "core/file.hpp"
#include "core/text.hpp"
#include "stacks/compose_project.hpp"
#include "stacks/promql_durations.hpp"
#include "stacks/random_name.hpp"
#include "stacks/rendering.hpp"
#include "stacks/time_scale.hpp"

namespace obsctl::stacks {

namespace fs = std::filesystem;
using core::ErrorKind;
using core::Result;

namespace {

/// The names that Compose looks for, in its order.
constexpr std::array kFileNames{"compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml"};
/// A stack's folder holds configuration; whatever is larger is not meant to be copied for every run.
constexpr std::uintmax_t kLargestFolder = 64U << 20U;

Result<fs::path> find_compose_file(const Manifest& manifest) {
  std::error_code ignored;
  for (const char* name : kFileNames) {
    if (fs::is_regular_file(manifest.folder / name, ignored)) return manifest.folder / name;
  }
  return core::make_error(
      ErrorKind::not_found,
      fmt::format("the stack {} has no compose.yaml in {}", manifest.name, manifest.folder.string()),
      "add one with the services of its stack.toml, or use --runtime native");
}

/// What the containers' own users may read of a file or folder, whatever the umask of its author was.
void let_everyone_read(const fs::path& path) {
  std::error_code ignored;
  const fs::perms folder =
      fs::is_directory(path, ignored) ? fs::perms::group_exec | fs::perms::others_exec : fs::perms::none;
  fs::permissions(path, fs::perms::group_read | fs::perms::others_read | folder, fs::perm_options::add,
                  ignored);
}

/// Copies the stack's folder: the files that it mounts are looked for beside the compose file.
Result<void> copy_folder(const fs::path& from, const fs::path& to) {
  const auto cannot = [&](const fs::path& path, const std::error_code& failure) {
    return core::make_error(ErrorKind::unavailable,
                            fmt::format("cannot copy {}: {}", path.string(), failure.message()));
  };
  std::error_code failure;
  fs::create_directories(to, failure);
  if (failure) return cannot(to, failure);
  let_everyone_read(to);
  std::uintmax_t total = 0;
  fs::recursive_directory_iterator entry(from, failure);
  for (; !failure && entry != fs::recursive_directory_iterator(); entry.increment(failure)) {
    if (entry->path().filename() == ".git") {
      entry.disable_recursion_pending();
      continue;
    }
    const fs::path target = to / entry->path().lexically_relative(from);
    if (entry->is_directory()) {
      fs::create_directories(target, failure);
    } else if (entry->is_regular_file()) {
      total += entry->file_size();
      if (total > kLargestFolder)
        return core::make_error(ErrorKind::invalid_input,
                                fmt::format("{} has more than {} MiB, too much to copy for a run",
                                            from.string(), kLargestFolder >> 20U),
                                "keep the stack's configuration in a folder of its own");
      fs::copy_file(entry->path(), target, failure);
    }
    if (failure) return cannot(entry->path(), failure);
    if (entry->path().filename() != ".env") let_everyone_read(target);
  }
  if (failure) return cannot(from, failure);
  return {};
}

Result<void> write_files(const Rendering& rendering, const fs::path& folder) {
  for (const RenderedFile& file : rendering.files) {
    const Result<void> written = core::write_file(folder / file.file.path, file.text, 0644);
    if (!written) return written.error();
  }
  return {};
}

Result<void> check_services(const Manifest& manifest, const ComposeFile& file, const fs::path& path) {
  std::vector<std::string> names;
  for (const ComposeFileService& service : file.services) names.push_back(service.name);
  for (const Service& service : manifest.services) {
    const ComposeFileService* there = file.find(service.name);
    if (there != nullptr && !there->image.empty()) continue;
    if (there != nullptr)
      return core::make_error(ErrorKind::invalid_input,
                              fmt::format("{}: the service {} has no image", path.string(), service.name),
                              fmt::format("name the one that it builds: image: localhost/{}", service.name));
    return core::make_error(ErrorKind::invalid_input,
                            fmt::format("{} has no service {}, which stack.toml names{}", path.string(),
                                        service.name, core::did_you_mean(service.name, names)),
                            "call it the same in both files");
  }
  return {};
}

/// OBSCTL_SCALED_5M=1m and the like, for every such variable in the file.
Result<void> add_scaled(const ComposeFile& file, double time_scale, std::vector<std::string>& environment) {
  for (const auto& [name, duration] : file.scaled) {
    const bool seconds = name.find("_SECONDS_") != std::string::npos;
    const Result<std::string> value =
        seconds ? scaled_seconds(duration, time_scale) : scale_duration(duration, time_scale);
    if (!value)
      return core::make_error(ErrorKind::invalid_input,
                              fmt::format("the variable {}: {}", name, value.error().message),
                              "call it OBSCTL_SCALED_ and a duration, such as OBSCTL_SCALED_5M");
    environment.push_back(fmt::format("{}={}", name, *value));
  }
  return {};
}

std::string project_of(const std::string& instance) {
  std::string name = "obsctl-" + instance;
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
  return name;
}

/// A project of the same name belongs to somebody else: nothing of it may be touched.
Result<void> check_is_free(const ComposeProject& project) {
  const auto there = project.containers({});
  if (!there) return there.error();
  if (there->empty()) return {};
  return core::make_error(ErrorKind::unavailable,
                          fmt::format("there are containers of a project {} already", project.name()),
                          fmt::format("choose another --name, or remove them: {} ps --all --filter "
                                      "label=com.docker.compose.project={}",
                                      project.engine().filename().string(), project.name()));
}

}  // namespace

std::vector<std::string> ComposePlan::command(std::vector<std::string> words) const {
  std::vector<std::string> all = tools.compose;
  all.insert(all.end(), {"-f", source.filename().string(), "-p", project});
  all.insert(all.end(), words.begin(), words.end());
  return all;
}

Result<ComposePlan> plan_compose(const Manifest& manifest, const UpOptions& options,
                                 const std::stop_token& stop) {
  const Result<fs::path> source = find_compose_file(manifest);
  if (!source) return source.error();
  Result<Rendering> rendering = render(manifest, {}, options.time_scale);
  if (!rendering) return rendering.error();

  const std::string token = random_text("0123456789abcdef", 32);
  std::vector<std::string> environment = options.environment;
  environment.push_back("OBSCTL_SERVICE_TOKEN=" + token);
  // So that whoever asks its Grafana, or writes to it, knows the password; a user's own counts for more.
  const char* password = std::getenv("OBSCTL_GRAFANA_PASSWORD");
  if (password == nullptr || *password == '\0') environment.push_back("OBSCTL_GRAFANA_PASSWORD=" + token);
  std::vector<ComposeService> services;
  for (const Service& service : manifest.services) {
    Result<PortReservation> port = PortReservation::any();
    if (!port) return port.error();
    environment.push_back(fmt::format("{}={}", port_variable(service.name), port->port()));
    const std::string url = fmt::format("http://127.0.0.1:{}", port->port());
    services.push_back({.service = service, .port = std::move(*port), .url = url});
  }
  Result<ComposeFile> file = read_compose_file(*source, environment);
  if (!file) return file.error();
  if (const auto checked = check_services(manifest, *file, *source); !checked) return checked.error();
  if (const auto added = add_scaled(*file, options.time_scale, environment); !added) return added.error();
  Result<ComposeTools> tools = find_compose_tools(stop);
  if (!tools) return tools.error();

  const std::string instance = options.instance.empty() ? new_instance_name(manifest.name) : options.instance;
  const ComposeProject project(tools->engine, project_of(instance), {});
  if (const auto free = check_is_free(project); !free) return free.error();
  Result<RunDirectory> directory = RunDirectory::create(runs_folder(options.parent), instance);
  if (!directory) return directory.error();
  ComposePlan plan{.name = manifest.name,
                   .instance = instance,
                   .time_scale = options.time_scale,
                   .token = token,
                   .tools = std::move(*tools),
                   .directory = std::move(*directory),
                   .project = project.name(),
                   .source = *source,
                   .file = std::move(*file),
                   .environment = std::move(environment),
                   .services = std::move(services),
                   .checksums = {},
                   .notes = std::move(rendering->notes)};
  if (const auto noted = write_project_note(plan.directory.path(), project); !noted) return noted.error();
  if (const auto copied = copy_folder(manifest.folder, plan.folder()); !copied) return copied.error();
  if (const auto written = write_files(*rendering, plan.folder()); !written) return written.error();
  for (const RenderedFile& rendered : rendering->files) plan.checksums.push_back(rendered.checksum);
  const fs::path logs = plan.directory.path() / "logs";
  std::error_code ignored;
  fs::create_directories(logs, ignored);
  for (ComposeService& service : plan.services) service.log_file = logs / (service.service.name + ".log");
  return plan;
}

}  // namespace obsctl::stacks
