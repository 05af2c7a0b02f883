// What each stack command does once its flags have been read.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cli/command_line.hpp"
#include "cli/stack_logs.hpp"
#include "core/error.hpp"
#include "stacks/stack.hpp"

namespace obsctl::cli {

/// The flags of all stack commands; each uses some.
struct StackFlags {
  std::string stack;     // of up, render; of new: the compose file
  std::string instance;  // of the others, and --name
  double time_scale = 1.0;
  std::string timeout = "60s";
  std::string runtime = "native";
  std::vector<std::string> without;
  std::string output;
  std::string runs;
  bool foreground = false;
  bool all = false;
  bool no_panels = false;
  bool json = false;
  int report_fd = -1;
  LogOptions logs;
};

/// The running stack that the flags name, or the only one. Errors: not_found, usage (there are several);
/// those of stacks::attach.
core::Result<std::unique_ptr<stacks::Stack>> chosen_stack(const StackFlags& flags);

core::Result<int> stack_list(const StackFlags& flags, Context& context);
core::Result<int> stack_up(const StackFlags& flags, Context& context);
/// The background half of `up`: reports to its starter, then keeps a log of its own beside the services'.
core::Result<int> stack_supervise(const StackFlags& flags, Context& context);
core::Result<int> stack_status(const StackFlags& flags, Context& context);
core::Result<int> stack_down(const StackFlags& flags, Context& context);
core::Result<int> stack_logs(const StackFlags& flags, Context& context);
/// Services, targets, rules, dashboards and Grafana, each asked once; 1 when one of them is not as it should
/// be. In stack_verify.cpp.
core::Result<int> stack_verify(const StackFlags& flags, Context& context);
/// Writes a stack.toml for a compose file. In stack_new.cpp.
core::Result<int> stack_new(const StackFlags& flags, Context& context);
/// Addresses stay as Compose knows them: what comes out is a scaled copy of the stack's own files.
core::Result<int> stack_render(const StackFlags& flags, Context& context);

}  // namespace obsctl::cli
