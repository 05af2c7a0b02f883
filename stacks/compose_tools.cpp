// See compose_tools.hpp.
#include "stacks/compose_tools.hpp"

#include <algorithm>
#include <cstdlib>
#include <optional>

#include <fmt/format.h>

#include "core/process.hpp"
#include "core/text.hpp"
#include "stacks/stack.hpp"

namespace obsctl::stacks {

namespace fs = std::filesystem;
using core::ErrorKind;
using core::Result;
using namespace std::chrono_literals;

namespace {

constexpr core::Nanoseconds kAnswerTimeout = 60s;
constexpr int kLastLines = 8;

/// A way to run a compose.yaml, as $OBSCTL_COMPOSE names it: the engine and the command, by their programs'
/// names.
struct Candidate {
  std::string name;
  std::string engine;
  std::vector<std::string> compose;
};

const std::vector<Candidate>& candidates() {
  static const std::vector<Candidate> all{{"docker compose", "docker", {"docker", "compose"}},
                                          {"docker-compose", "docker", {"docker-compose"}},
                                          {"podman-compose", "podman", {"podman-compose"}},
                                          {"podman compose", "podman", {"podman", "compose"}}};
  return all;
}

std::string first_line(std::string_view text) {
  const std::string_view trimmed = core::trimmed(text);
  return std::string(trimmed.substr(0, trimmed.find('\n')));
}

/// Why a program is of no use; nothing when it is.
std::optional<std::string> complaint_of(const std::vector<std::string>& command,
                                        const std::stop_token& stop) {
  const auto output = core::run_command({.argv = command}, kAnswerTimeout, stop);
  if (!output) return output.error().message;
  if (output->status.ok()) return std::nullopt;
  const std::string said = first_line(output->text);
  return said.empty() ? to_string(output->status) : said;
}

/// The tools of a candidate, or why they are of no use, as an error.
Result<ComposeTools> try_candidate(const Candidate& candidate, const std::stop_token& stop) {
  ComposeTools tools;
  tools.title = candidate.name.starts_with(candidate.engine) && candidate.compose.size() == 2
                    ? candidate.name
                    : fmt::format("{} with {}", candidate.engine, candidate.name);
  const auto useless = [&](std::string_view program, std::string_view why) {
    return core::make_error(ErrorKind::unavailable, fmt::format("{}: {}", program, why));
  };
  const Result<fs::path> engine = core::find_program({candidate.engine});
  if (!engine) return useless(candidate.engine, "not installed");
  tools.engine = *engine;
  const Result<fs::path> compose = core::find_program({candidate.compose.front()});
  if (!compose) return useless(candidate.compose.front(), "not installed");
  tools.compose = candidate.compose;
  tools.compose.front() = compose->string();
  // `ps` needs the engine's daemon, where there is one.
  if (const auto why = complaint_of({engine->string(), "ps", "--quiet"}, stop))
    return useless(candidate.engine, *why);
  std::vector<std::string> version = tools.compose;
  version.emplace_back("version");
  if (const auto why = complaint_of(version, stop)) return useless(candidate.name, *why);
  return tools;
}

}  // namespace

const std::vector<std::string>& compose_tool_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    for (const Candidate& candidate : candidates()) all.push_back(candidate.name);
    return all;
  }();
  return names;
}

Result<ComposeTools> find_compose_tools(const std::stop_token& stop) {
  const char* variable = std::getenv("OBSCTL_COMPOSE");
  const std::string wanted = variable == nullptr ? "" : variable;
  const auto& names = compose_tool_names();
  if (!wanted.empty() && std::find(names.begin(), names.end(), wanted) == names.end()) {
    return core::make_error(
        ErrorKind::usage,
        fmt::format("OBSCTL_COMPOSE: \"{}\" is not known{}", wanted, core::did_you_mean(wanted, names)),
        fmt::format("it is one of {}", fmt::join(names, ", ")));
  }
  std::vector<std::string> tried;
  for (const Candidate& candidate : candidates()) {
    if (!wanted.empty() && candidate.name != wanted) continue;
    Result<ComposeTools> tools = try_candidate(candidate, stop);
    if (tools) return tools;
    if (stop.stop_requested()) return core::make_error(ErrorKind::cancelled, "interrupted");
    const std::string& why = tools.error().message;
    if (std::find(tried.begin(), tried.end(), why) == tried.end()) tried.push_back(why);
  }
  std::string message = "nothing here runs a compose.yaml:";
  for (const std::string& why : tried) message += indented(why);
  return core::make_error(ErrorKind::unavailable, std::move(message),
                          "install Docker with its compose plugin, or on Debian and Ubuntu: "
                          "sudo apt-get install podman podman-compose; --runtime native needs neither");
}

Result<std::string> run_tool(const std::vector<std::string>& command, core::Nanoseconds timeout,
                             const fs::path& log, const std::stop_token& stop) {
  const fs::path errors = log.empty() ? fs::path("/dev/null") : log;
  const auto output = core::run_command({.argv = command, .error_file = errors}, timeout, stop);
  if (!output) return output.error();
  if (output->status.ok()) return output->text;
  const fs::path program = command.front();
  std::string lines = core::tail_of_file(errors, kLastLines);
  if (lines.empty()) lines = core::trimmed(output->text);
  std::string message = fmt::format("{} {} {}", program.filename().string(),
                                    command.size() > 1 ? command[1] : "", to_string(output->status));
  if (!lines.empty()) message += ":" + indented(lines);
  return core::make_error(ErrorKind::unavailable, std::move(message));
}

}  // namespace obsctl::stacks
