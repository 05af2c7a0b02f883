// obsctl stack: the demo stacks, and a user's own, up and down on this machine. Here the command line of each
// command; what it does is in stack_actions.cpp.
#include <memory>
#include <string>
#include <utility>

#include "cli/command_line.hpp"
#include "cli/runtime_flags.hpp"
#include "cli/stack_actions.hpp"

namespace obsctl::cli {

namespace {

CLI::App* subcommand(CLI::App& parent, CommandLine& line, const std::string& name,
                     const std::string& description, std::shared_ptr<StackFlags> flags,
                     core::Result<int> (*run)(const StackFlags&, Context&)) {
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
  add_runtime_flags(command, flags.runtime, flags.without);
}

void add_up(CLI::App& stack, CommandLine& line) {
  const auto flags = std::make_shared<StackFlags>();
  CLI::App* command =
      subcommand(stack, line, "up", "start a stack and return once it is ready", flags, stack_up);
  add_up_options(*command, *flags);
  command->add_flag("--foreground", flags->foreground, "stay until Ctrl-C, then take the stack down");
  add_json(*command, *flags);
}

void add_supervise(CLI::App& stack, CommandLine& line) {
  const auto flags = std::make_shared<StackFlags>();
  CLI::App* command =
      subcommand(stack, line, "supervise", "the background half of up", flags, stack_supervise);
  command->group("");  // not for people
  add_up_options(*command, *flags);
  command->add_option("--report-fd", flags->report_fd)->required();
}

void add_others(CLI::App& stack, CommandLine& line) {
  auto flags = std::make_shared<StackFlags>();
  CLI::App* command =
      subcommand(stack, line, "list", "the bundled stacks, and which are up", flags, stack_list);
  add_json(*command, *flags);

  flags = std::make_shared<StackFlags>();
  command =
      subcommand(stack, line, "status", "the services of a running stack; exit code 1 when one has failed",
                 flags, stack_status);
  add_instance(*command, *flags);
  add_json(*command, *flags);

  flags = std::make_shared<StackFlags>();
  command =
      subcommand(stack, line, "down", "end a running stack and remove everything it left", flags, stack_down);
  add_instance(*command, *flags);
  command->add_flag("--all", flags->all, "every stack that is up");
  add_json(*command, *flags);

  flags = std::make_shared<StackFlags>();
  command =
      subcommand(stack, line, "logs", "what the services of a running stack have written", flags, stack_logs);
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
  command = subcommand(stack, line, "verify",
                       "whether a running stack's services, targets, rules and dashboards are well", flags,
                       stack_verify);
  add_instance(*command, *flags);
  command->add_option("--stack", flags->stack, "the folder of the stack, when it is one of your own")
      ->type_name("FOLDER");
  command->add_flag("--no-panels", flags->no_panels, "leave the dashboards' queries out, which want load");
  add_json(*command, *flags);

  flags = std::make_shared<StackFlags>();
  command = subcommand(stack, line, "new", "write a first stack.toml for a compose file of your own", flags,
                       stack_new);
  command->add_option("compose-file", flags->stack, "such as ./compose.yaml")->required()->type_name("FILE");
  command
      ->add_option(
          "--output", flags->output,
          "a folder for the stack, with copies of the compose file and what it mounts (default: beside it)")
      ->type_name("FOLDER");
  add_json(*command, *flags);

  flags = std::make_shared<StackFlags>();
  command = subcommand(stack, line, "render", "a stack's configuration with its durations scaled", flags,
                       stack_render);
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
  CLI::App* stack =
      line.app.add_subcommand("stack", "demo stacks (or your own): up, down, status, logs, verify, new");
  stack->require_subcommand(1);
  add_up(*stack, line);
  add_supervise(*stack, line);
  add_others(*stack, line);
}

}  // namespace obsctl::cli
