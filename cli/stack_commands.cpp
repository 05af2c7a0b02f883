// obsctl stack: the demo stacks, and a user's own, up and down on this machine.
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "cli/command_line.hpp"
#include "cli/stack_display.hpp"
#include "cli/stack_logs.hpp"
#include "core/file.hpp"
#include "stacks/manifest.hpp"
#include "stacks/rendering.hpp"
#include "stacks/supervisor.hpp"

namespace obsctl::cli {

namespace fs = std::filesystem;
using core::ErrorKind;
using core::Result;

namespace {

struct StackFlags {
  std::string stack;     // of up, render
  std::string instance;  // of the others, and --name
  double time_scale = 1.0;
  std::string timeout = "60s";
  std::string runtime = "native";
  std::string output;
  std::string runs;
  bool foreground = false;
  bool all = false;
  bool json = false;
  int report_fd = -1;
  LogOptions logs;
};

void print_json(const nlohmann::json& document) {
  fmt::print("{}\n", document.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
}

void print_progress(const stacks::Progress& progress) {
  const std::string line = progress_line(progress);
  if (!line.empty()) fmt::print(stderr, "{}\n", line);
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
  for (const std::string& note : stack.notes()) fmt::print(stderr, "note: {}\n", note);
  if (flags.json) return {};
  fmt::print(stderr,
             "\n{0} is up; the token of its toggles is in {1}\nobsctl stack status {0} | logs | down {0}\n",
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
  return options;
}

Result<int> up(const StackFlags& flags, Context& context) {
  const Result<stacks::UpOptions> options = up_options(flags);
  if (!options) return options.error();
  const Result<stacks::Manifest> manifest = stacks::load_stack(flags.stack);
  if (!manifest) return manifest.error();
  fmt::print(stderr, "starting {} (native{})\n", manifest->name,
             flags.time_scale == 1.0 ? std::string() : fmt::format(", time scale {}", flags.time_scale));
  if (!flags.foreground) {
    const auto stack = stacks::up_detached(*manifest, *options, print_progress, context.stop);
    if (!stack) return stack.error();
    if (const auto printed = print_up(**stack, flags); !printed) return printed.error();
    return kPassed;
  }
  const stacks::SupervisorCallbacks callbacks{.progress = print_progress,
                                              .ready =
                                                  [&](stacks::Stack& stack) {
                                                    static_cast<void>(print_up(stack, flags));
                                                    fmt::print(stderr, "Ctrl-C takes it down\n");
                                                  },
                                              .failed =
                                                  [](const stacks::ServiceFailure& failure) {
                                                    fmt::print(stderr, "{}\n", to_string(to_error(failure)));
                                                  }};
  const Result<void> done = stacks::supervise(*manifest, *options, callbacks, context.stop);
  if (!done) return done.error();
  fmt::print(stderr, "{} is down\n", manifest->name);
  return kPassed;
}

/// The background half of `up`: reports to its starter, then keeps a log of its own beside the services'.
Result<int> supervise(const StackFlags& flags, Context& context) {
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

Result<std::unique_ptr<stacks::Stack>> chosen_stack(const StackFlags& flags) {
  const Result<std::string> instance = chosen_instance(flags);
  if (!instance) return instance.error();
  return stacks::attach(*instance, flags.runs);
}

Result<int> list(const StackFlags& flags) {
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

Result<int> status(const StackFlags& flags) {
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
  fmt::print(stderr, "{}\n", to_string(to_error(*failure)));
  return kFailed;
}

Result<int> down(const StackFlags& flags) {
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
      fmt::print(stderr, "{}: nothing to do\n", stack.error().message);
      continue;
    }
    if (!stack) return stack.error();
    if (const auto done = (*stack)->down(); !done) return done.error();
    document["down"].push_back(instance);
    fmt::print(stderr, "{} is down\n", instance);
  }
  if (instances.empty()) fmt::print(stderr, "no stack is up: nothing to do\n");
  if (flags.json) print_json(document);
  return kPassed;
}

Result<int> logs(const StackFlags& flags, Context& context) {
  const auto stack = chosen_stack(flags);
  if (!stack) return stack.error();
  LogOptions options = flags.logs;
  options.json = flags.json;
  return show_logs(**stack, options, context);
}

/// Addresses stay as Compose knows them: what comes out is a scaled copy of the stack's own files.
Result<int> render(const StackFlags& flags) {
  const Result<stacks::Manifest> manifest = stacks::load_stack(flags.stack);
  if (!manifest) return manifest.error();
  const auto rendering = stacks::render(*manifest, {}, flags.time_scale);
  if (!rendering) return rendering.error();
  for (const std::string& note : rendering->notes) fmt::print(stderr, "note: {}\n", note);
  nlohmann::json document{{"schema", 1}, {"stack", manifest->name}, {"files", nlohmann::json::array()}};
  for (const stacks::RenderedFile& file : rendering->files) {
    if (!flags.output.empty()) {
      const auto written = core::write_file(fs::path(flags.output) / file.file.path, file.text);
      if (!written) return written.error();
      fmt::print(stderr, "wrote {}\n", (fs::path(flags.output) / file.file.path).string());
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

CLI::App* subcommand(CLI::App& parent, CommandLine& line, const std::string& name,
                     const std::string& description, std::shared_ptr<StackFlags> flags,
                     Result<int> (*run)(const StackFlags&, Context&)) {
  CLI::App* command = parent.add_subcommand(name, description);
  command
      ->add_option("--runs", flags->runs, "where running stacks are kept (default: obsctl's state directory)")
      ->type_name("FOLDER");
  command->callback([&line, flags = std::move(flags), run] {
    line.action = [flags, run](Context& context) { return run(*flags, context); };
  });
  return command;
}

void add_instance(CLI::App& command, StackFlags& flags) {
  command.add_option("instance", flags.instance, "a running stack's name; not needed when only one is up")
      ->type_name("NAME");
}

void add_json(CLI::App& command, StackFlags& flags) {
  command.add_flag("--json", flags.json, "one document on standard output");
}

void add_time_scale(CLI::App& command, StackFlags& flags) {
  command
      .add_option("--time-scale", flags.time_scale,
                  "multiply every duration in rules, scrape intervals and group timers by this")
      ->type_name("FACTOR")
      ->capture_default_str();
}

void add_up_options(CLI::App& command, StackFlags& flags) {
  command
      .add_option("stack", flags.stack, "a bundled stack's name, or the path of a folder with a stack.toml")
      ->required()
      ->type_name("STACK");
  command.add_option("--name", flags.instance, "what to call this copy (default: the stack's name)")
      ->type_name("NAME");
  add_time_scale(command, flags);
  command.add_option("--timeout", flags.timeout, "how long it may take to become ready")
      ->type_name("DURATION")
      ->capture_default_str();
}

void add_up(CLI::App& stack, CommandLine& line) {
  const auto flags = std::make_shared<StackFlags>();
  CLI::App* command = subcommand(stack, line, "up", "start a stack and return once it is ready", flags, up);
  add_up_options(*command, *flags);
  command->add_option("--runtime", flags->runtime, "native: child processes, no containers")
      ->check(CLI::IsMember({"native"}))
      ->capture_default_str();
  command->add_flag("--foreground", flags->foreground, "stay until Ctrl-C, then take the stack down");
  add_json(*command, *flags);
}

void add_supervise(CLI::App& stack, CommandLine& line) {
  const auto flags = std::make_shared<StackFlags>();
  CLI::App* command = subcommand(stack, line, "supervise", "the background half of up", flags, supervise);
  command->group("");  // not for people
  add_up_options(*command, *flags);
  command->add_option("--report-fd", flags->report_fd)->required();
}

void add_others(CLI::App& stack, CommandLine& line) {
  auto flags = std::make_shared<StackFlags>();
  CLI::App* command = subcommand(stack, line, "list", "the bundled stacks, and which are up", flags,
                                 [](const StackFlags& f, Context&) { return list(f); });
  add_json(*command, *flags);

  flags = std::make_shared<StackFlags>();
  command =
      subcommand(stack, line, "status", "the services of a running stack; exit code 1 when one has failed",
                 flags, [](const StackFlags& f, Context&) { return status(f); });
  add_instance(*command, *flags);
  add_json(*command, *flags);

  flags = std::make_shared<StackFlags>();
  command = subcommand(stack, line, "down", "end a running stack and remove everything it left", flags,
                       [](const StackFlags& f, Context&) { return down(f); });
  add_instance(*command, *flags);
  command->add_flag("--all", flags->all, "every stack that is up");
  add_json(*command, *flags);

  flags = std::make_shared<StackFlags>();
  command = subcommand(stack, line, "logs", "what the services of a running stack have written", flags, logs);
  command->add_option("service", flags->logs.service, "only this service")->type_name("SERVICE");
  command->add_option("--name", flags->instance, "a running stack's name; not needed when only one is up")
      ->type_name("NAME");
  command->add_option("--lines", flags->logs.lines, "the last so many of each service; 0: all")
      ->type_name("N")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command->add_flag("-f,--follow", flags->logs.follow, "and what they write from now on, until Ctrl-C");
  add_json(*command, *flags);

  flags = std::make_shared<StackFlags>();
  command = subcommand(stack, line, "render", "a stack's configuration with its durations scaled", flags,
                       [](const StackFlags& f, Context&) { return render(f); });
  command
      ->add_option("stack", flags->stack, "a bundled stack's name, or the path of a folder with a stack.toml")
      ->required()
      ->type_name("STACK");
  add_time_scale(*command, *flags);
  command->add_option("--output", flags->output, "write the files here instead of printing them")
      ->type_name("FOLDER");
  add_json(*command, *flags);
}

}  // namespace

void add_stack_commands(CommandLine& line) {
  CLI::App* stack = line.app.add_subcommand("stack", "demo stacks (or your own): up, down, status, logs");
  stack->require_subcommand(1);
  add_up(*stack, line);
  add_supervise(*stack, line);
  add_others(*stack, line);
}

}  // namespace obsctl::cli
