// What has to be there before containers can start: memory and images.
#include <set>

#include <fmt/format.h>

#include "core/clock.hpp"
#include "core/file.hpp"
#include "core/text.hpp"
#include "stacks/compose_plan.hpp"

namespace obsctl::stacks {

namespace fs = std::filesystem;
using core::ErrorKind;
using core::Result;
using namespace std::chrono_literals;

namespace {

constexpr core::Nanoseconds kLookTimeout = 20s;
constexpr core::Nanoseconds kFetchTimeout = 20min;
constexpr core::Nanoseconds kBuildTimeout = 60min;

/// MemAvailable of /proc/meminfo in bytes (proc(5)); nothing when it cannot be read.
std::optional<std::uint64_t> available_memory() {
  const Result<std::string> text = core::read_file("/proc/meminfo");
  if (!text) return std::nullopt;
  for (const std::string_view line : core::split(*text, '\n')) {
    constexpr std::string_view kKey = "MemAvailable:";
    if (!line.starts_with(kKey)) continue;
    std::string value(core::trimmed(line.substr(kKey.size())));
    return parse_bytes(value);
  }
  return std::nullopt;
}

/// The limits are what the services may come to, not what they take at first: less than that can end in the
/// kernel killing one of them in the middle of a run.
Result<void> check_memory(const ComposePlan& plan) {
  std::uint64_t wanted = 0;
  for (const ComposeService& service : plan.services) wanted += plan.file.find(service.service.name)->memory;
  const auto available = available_memory();
  if (!available || wanted <= *available) return {};
  return core::make_error(ErrorKind::unavailable,
                          fmt::format("the services of {} may take {} MiB, and {} MiB are free", plan.name,
                                      wanted >> 20U, *available >> 20U),
                          "end something else, leave a service out with --without, or lower its mem_limit");
}

bool is_here(const ComposePlan& plan, const std::string& image, const std::stop_token& stop) {
  return run_tool({plan.tools.engine.string(), "image", "inspect", "--format", "{{.Id}}", image},
                  kLookTimeout, {}, stop)
      .has_value();
}

Result<void> build(const ComposePlan& plan, const ComposeFileService& service, const fs::path& log,
                   const std::stop_token& stop) {
  // In the stack's own folder: the build's context is beside it, not beside the copy.
  const auto output = core::run_command({.argv = plan.command({"build", service.name}),
                                         .environment = plan.environment,
                                         .working_directory = plan.source.parent_path(),
                                         .log_file = log},
                                        kBuildTimeout, stop);
  if (!output) return output.error();
  // podman-compose 1.0 exits with 0 when a build has failed.
  if (output->status.ok() && is_here(plan, service.image, stop)) return {};
  const std::string text =
      output->text.substr(output->text.size() - std::min<std::size_t>(output->text.size(), 2000));
  return core::make_error(ErrorKind::unavailable,
                          fmt::format("the image {} of {} could not be built:{}", service.image, service.name,
                                      indented(core::trimmed(text))),
                          "build it by itself from a checkout (see Containerfile), or name another image");
}

Result<void> fetch(const ComposePlan& plan, const ComposeFileService& service, const fs::path& log,
                   const std::stop_token& stop) {
  const auto done = run_tool({plan.tools.engine.string(), "pull", service.image}, kFetchTimeout, log, stop);
  if (done) return {};
  if (done.error().kind != ErrorKind::unavailable) return done.error();
  return core::make_error(
      ErrorKind::unavailable,
      fmt::format("the image {} of {} is not here and could not be fetched; {}", service.image, service.name,
                  done.error().message),
      fmt::format(
          "name another image by its variable in the compose file, or leave the service out: --without {}",
          service.name));
}

}  // namespace

Result<void> prepare_images(const ComposePlan& plan, const ProgressCallback& progress,
                            const std::stop_token& stop) {
  if (const auto enough = check_memory(plan); !enough) return enough.error();
  const core::SteadyTime begin = std::chrono::steady_clock::now();
  const fs::path log = plan.directory.path() / "logs" / "compose.log";
  std::set<std::string> seen;
  for (const ComposeService& planned : plan.services) {
    const ComposeFileService& service = *plan.file.find(planned.service.name);
    if (!seen.insert(service.image).second || is_here(plan, service.image, stop)) continue;
    if (progress) {
      progress({Progress::Kind::image_wanted, service.name, 0, 0, std::chrono::steady_clock::now() - begin});
    }
    const Result<void> done =
        service.builds ? build(plan, service, log, stop) : fetch(plan, service, log, stop);
    if (!done) return done.error();
  }
  return {};
}

}  // namespace obsctl::stacks
