// A command of the user's own that breaks something, and the one that mends it, which is not optional.
#include <filesystem>

#include <fmt/format.h>

#include "core/process.hpp"
#include "core/text.hpp"
#include "scenarios/faults/fault_calls.hpp"
#include "scenarios/faults/fault_kind.hpp"
#include "scenarios/scenario_parts.hpp"

namespace obsctl::scenarios {

using core::Result;
using core::TomlTable;
using core::WallTime;

namespace {

std::string command_line(const Json& command) {
  std::string text;
  for (const Json& word : command) text += (text.empty() ? "" : " ") + shell_quoted(word.get<std::string>());
  return text;
}

class ExecFault final : public Fault {
 public:
  ExecFault(FaultSpec spec, const FaultPlace& /*place*/, core::Clock& clock)
      : spec_(std::move(spec)), clock_(clock) {}

  bool has_ttl() const override { return false; }
  std::string undo() const override { return command_line(spec_.parameters.at("undo")); }

  /// Where its words are paths from: another process may mend it from elsewhere.
  Json memory() const override { return {{"folder", folder_}}; }
  void recall(const Json& memory) override {
    if (memory.is_object()) folder_ = memory.value("folder", folder_);
  }

  Result<WallTime> inject(const std::stop_token& stop) override { return run("command", true, stop); }
  Result<WallTime> clear(const std::stop_token& stop) override { return run("undo", false, stop); }

  Result<FaultSight> look(const std::stop_token& stop) override {
    if (!spec_.parameters.contains("state"))
      return FaultSight{present_, present_ ? "its command has succeeded" : "its undo has succeeded"};
    const Json& command = spec_.parameters.at("state");
    const auto output = output_of(command, stop);
    if (!output) return output.error();
    return FaultSight{output->status.ok(),
                      fmt::format("{} {}", command_line(command), to_string(output->status))};
  }

 private:
  Result<core::CommandOutput> output_of(const Json& command, const std::stop_token& stop) {
    core::ProcessOptions options;
    options.argv = command.get<std::vector<std::string>>();
    if (options.argv.empty()) return core::make_error(core::ErrorKind::invalid_input, "the command is empty");
    const auto program = core::find_program({options.argv.front()});
    if (!program) return program.error();
    options.argv.front() = program->string();
    options.working_directory = folder_;
    return core::run_command(options, timeout(), stop);
  }

  Nanoseconds timeout() const {
    return core::parse_duration(spec_.parameters.value("timeout", "30s")).value();
  }

  Result<WallTime> run(const char* which, bool present, const std::stop_token& stop) {
    const Json& command = spec_.parameters.at(which);
    const WallTime at = clock_.wall_now();
    const auto output = output_of(command, stop);
    if (!output) return output.error();
    if (!output->status.ok()) {
      const std::string_view said = core::trimmed(output->text);
      constexpr std::size_t kExcerpt = 300;
      return core::make_error(core::ErrorKind::unavailable,
                              fmt::format("{} {}{}{}", command_line(command), to_string(output->status),
                                          said.empty() ? "" : ": ", said.substr(0, kExcerpt)));
    }
    present_ = present;
    return at;
  }

  const FaultSpec spec_;
  core::Clock& clock_;
  std::string folder_ = std::filesystem::current_path().string();
  bool present_ = false;
};

/// A command is a list of words; no shell reads it unless it names one.
void read_command(TomlTable& table, FaultSpec& fault, const char* key, bool required) {
  const std::vector<std::string> words = table.strings(key);
  if (!words.empty() && !words.front().empty()) {
    fault.parameters[key] = words;
  } else if (table.has(key)) {
    table.report_at(key, fmt::format("{}.{} must name a program", table.path(), key));
  } else if (required) {
    table.report(fmt::format("{}.{} is missing", table.path(), key),
                 fmt::format("add {} = [\"program\", \"argument\"]", key));
  }
}

void read_exec(TomlTable& table, FaultSpec& fault) {
  read_command(table, fault, "command", true);
  read_command(table, fault, "undo", true);
  read_command(table, fault, "state", false);
  const Nanoseconds timeout =
      read_duration(table, "timeout", Least::above_zero).value_or(std::chrono::seconds(30));
  fault.parameters["timeout"] = core::format_duration(timeout);
  if (fault.parameters.contains("command")) fault.description = command_line(fault.parameters["command"]);
  if (!fault.confirm && !table.has("state")) {
    table.report(fmt::format("{} says neither how its state is read nor how the fault is seen", table.path()),
                 "add state = [\"program\", …], which succeeds while the fault is there, or confirm = { … }");
  }
}

}  // namespace

std::vector<FaultKind> exec_kinds() {
  return {{"exec",
           "a command of your own breaks it, another one mends it",
           {"command", "undo", "state", "timeout"},
           FaultKind::Place::own_keys,
           read_exec,
           make_kind<ExecFault>,
           nullptr,
           [](const Json& one, const Json& other) { return same_in(one, other, {"undo"}); }}};
}

}  // namespace obsctl::scenarios
