// See stack_actions.hpp.
#include "cli/stack_actions.hpp"

#include <algorithm>
#include <filesystem>
#include <memory>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "cli/runtime_flags.hpp"
#include "cli/stack_display.hpp"
#include "core/file.hpp"
#include "stacks/manifest.hpp"
#include "stacks/rendering.hpp"
#include "stacks/supervisor.hpp"

namespace obsctl::cli {

namespace fs = std::filesystem;
using core::ErrorKind;
using core::Result;

namespace {

void print_json(const nlohmann::json& document) {
  fmt::print("{}\n", document.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
}

void print_progress(const stacks::Progress& progress) {
  const std::string line = progress_line(progress);
  if (!line.empty()) tell("{}\n", line);
}

Result<void> print_up(stacks::Stack& stack, const StackFlags& flags) {
  if (flags.json) {
    const auto document = stack_document(stack);
    if (!document) return document.error();
    print_json(*document);
  } else {
    const auto services = stack.status();
    if (!services) return services.error();
    fmt::print("{}", urls_table(*services));
  }
  std::fflush(stdout);
  for (const std::string& note : stack.notes()) tell("note: {}\n", note);
  if (flags.json) return {};
  tell("\n{0} is up; the token of its toggles is in {1}\nobsctl stack status {0} | logs | down {0}\n",
       stack.instance(), (stack.run_directory() / "token").string());
  return {};
}

Result<stacks::UpOptions> up_options(const StackFlags& flags) {
  stacks::UpOptions options{.time_scale = flags.time_scale, .instance = flags.instance, .parent = flags.runs};
  const auto timeout = core::parse_duration(flags.timeout);
  if (!timeout || *timeout <= core::Nanoseconds(0)) {
    return core::make_error(ErrorKind::usage,
                            fmt::format("--timeout: \"{}\" is not a time to wait", flags.timeout),
                            "write 60s or 2m");
  }
  options.ready_within = *timeout;
  options.runtime = runtime_named(flags.runtime);
  options.without = flags.without;
  return options;
}

/// The instance that is meant when none is named: the only one there is.
Result<std::string> chosen_instance(const StackFlags& flags) {
  if (!flags.instance.empty()) return flags.instance;
  const std::vector<stacks::RunningStack> running = stacks::running_stacks(flags.runs);
  if (running.size() == 1) return running.front().instance;
  if (running.empty()) {
    return core::make_error(ErrorKind::not_found, "no stack is up", "obsctl stack up http-api starts one");
  }
  std::vector<std::string> names;
  for (const stacks::RunningStack& stack : running) names.push_back(stack.instance);
  return core::make_error(ErrorKind::usage, "several stacks are up: say which one is meant",
                          fmt::format("there is {}", fmt::join(names, ", ")));
}

}  // namespace

Result<std::unique_ptr<stacks::Stack>> chosen_stack(const StackFlags& flags) {
  const Result<std::string> instance = chosen_instance(flags);
  if (!instance) return instance.error();
  return stacks::attach(*instance, flags.runs);
}

Result<int> stack_list(const StackFlags& flags, Context& /*context*/) {
  const std::vector<std::string> bundled = stacks::bundled_stacks();
  const std::vector<stacks::RunningStack> running = stacks::running_stacks(flags.runs);
  if (flags.json) {
    print_json(list_document(bundled, running));
    return kPassed;
  }
  std::vector<std::vector<std::string>> rows{{"STACK", "UP", "WHAT IT IS"}};
  for (const std::string& name : bundled) {
    const Result<stacks::Manifest> manifest = stacks::load_stack(name);
    std::vector<std::string> up;
    for (const stacks::RunningStack& stack : running) {
      if (stack.stack == name) up.push_back(stack.instance);
    }
    rows.push_back({name, up.empty() ? "-" : fmt::format("{}", fmt::join(up, ",")),
                    manifest ? manifest->title : to_line(manifest.error())});
  }
  for (const stacks::RunningStack& stack : running) {
    if (std::find(bundled.begin(), bundled.end(), stack.stack) != bundled.end()) continue;
    rows.push_back({stack.stack, stack.instance, "a stack of your own"});
  }
  fmt::print("{}", table(rows));
  return kPassed;
}

Result<int> stack_up(const StackFlags& flags, Context& context) {
  const Result<stacks::UpOptions> options = up_options(flags);
  if (!options) return options.error();
  const Result<stacks::Manifest> manifest = stacks::load_stack(flags.stack);
  if (!manifest) return manifest.error();
  tell("starting {} ({}{})\n", manifest->name, flags.runtime,
       flags.time_scale == 1.0 ? std::string() : fmt::format(", time scale {}", flags.time_scale));
  if (!flags.foreground) {
    const auto stack = stacks::up_detached(*manifest, *options, print_progress, context.stop);
    if (!stack) return stack.error();
    if (const auto printed = print_up(**stack, flags); !printed) return printed.error();
    return kPassed;
  }
  const stacks::SupervisorCallbacks callbacks{
      .progress = print_progress,
      .ready =
          [&](stacks::Stack& stack) {
            static_cast<void>(print_up(stack, flags));
            tell("Ctrl-C takes it down\n");
          },
      .failed = [](const stacks::ServiceFailure& failure) { tell("{}\n", to_string(to_error(failure))); }};
  const Result<void> done = stacks::supervise(*manifest, *options, callbacks, context.stop);
  if (!done) return done.error();
  tell("{} is down\n", flags.instance.empty() ? manifest->name : flags.instance);
  return kPassed;
}

Result<int> stack_supervise(const StackFlags& flags, Context& context) {
  stacks::SupervisorReport report(flags.report_fd);
  const auto run = [&]() -> Result<void> {
    const Result<stacks::UpOptions> options = up_options(flags);
    if (!options) return options.error();
    const Result<stacks::Manifest> manifest = stacks::load_stack(flags.stack);
    if (!manifest) return manifest.error();
    const stacks::SupervisorCallbacks callbacks{
        .progress = [&](const stacks::Progress& progress) { report.progress(progress); },
        .ready =
            [&](stacks::Stack& stack) {
              const fs::path log = stack.run_directory() / "logs" / "supervisor.log";
              const int fd = ::open(log.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
              if (fd >= 0) {
                ::dup2(fd, 2);
                ::close(fd);
              }
              report.ready();
              ::close(flags.report_fd);
            },
        .failed =
            [&](const stacks::ServiceFailure& failure) { context.log.error(to_line(to_error(failure))); }};
    return stacks::supervise(*manifest, *options, callbacks, context.stop);
  };
  const Result<void> done = run();
  if (done) return kPassed;
  report.error(done.error());
  return done.error();
}

Result<int> stack_status(const StackFlags& flags, Context& /*context*/) {
  const auto stack = chosen_stack(flags);
  if (!stack) return stack.error();
  if (flags.json) {
    const auto document = stack_document(**stack);
    if (!document) return document.error();
    print_json(*document);
    return (*document)["failed"].is_null() ? kPassed : kFailed;
  }
  const auto services = (*stack)->status();
  if (!services) return services.error();
  fmt::print("{}", status_table(*services));
  const auto failure = (*stack)->failed();
  if (!failure) return kPassed;
  tell("{}\n", to_string(to_error(*failure)));
  return kFailed;
}

Result<int> stack_down(const StackFlags& flags, Context& /*context*/) {
  std::vector<std::string> instances;
  if (flags.all) {
    for (const stacks::RunningStack& stack : stacks::running_stacks(flags.runs))
      instances.push_back(stack.instance);
  } else {
    const Result<std::string> instance = chosen_instance(flags);
    if (!instance && instance.error().kind != ErrorKind::not_found) return instance.error();
    if (instance) instances.push_back(*instance);
  }
  nlohmann::json document{{"schema", 1}, {"down", nlohmann::json::array()}};
  for (const std::string& instance : instances) {
    const auto stack = stacks::attach(instance, flags.runs);
    if (!stack && stack.error().kind == ErrorKind::not_found) {
      tell("{}: nothing to do\n", stack.error().message);
      continue;
    }
    if (!stack) return stack.error();
    if (const auto done = (*stack)->down(); !done) return done.error();
    document["down"].push_back(instance);
    tell("{} is down\n", instance);
  }
  if (instances.empty()) tell("no stack is up: nothing to do\n");
  if (flags.json) print_json(document);
  return kPassed;
}

Result<int> stack_logs(const StackFlags& flags, Context& context) {
  const auto stack = chosen_stack(flags);
  if (!stack) return stack.error();
  LogOptions options = flags.logs;
  options.json = flags.json;
  return show_logs(**stack, options, context);
}

Result<int> stack_render(const StackFlags& flags, Context& /*context*/) {
  const Result<stacks::Manifest> manifest = stacks::load_stack(flags.stack);
  if (!manifest) return manifest.error();
  const auto rendering = stacks::render(*manifest, {}, flags.time_scale);
  if (!rendering) return rendering.error();
  for (const std::string& note : rendering->notes) tell("note: {}\n", note);
  nlohmann::json document{{"schema", 1}, {"stack", manifest->name}, {"files", nlohmann::json::array()}};
  for (const stacks::RenderedFile& file : rendering->files) {
    if (!flags.output.empty()) {
      const auto written = core::write_file(fs::path(flags.output) / file.file.path, file.text);
      if (!written) return written.error();
      tell("wrote {}\n", (fs::path(flags.output) / file.file.path).string());
    } else if (flags.json) {
      document["files"].push_back(
          {{"path", file.file.path}, {"kind", to_string(file.file.kind)}, {"text", file.text}});
    } else {
      fmt::print("# {}\n{}\n", file.file.path, file.text);
    }
  }
  if (flags.json) print_json(document);
  return kPassed;
}

}  // namespace obsctl::cli
