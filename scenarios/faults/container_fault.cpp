// Faults of containers that somebody else runs: paused, stopped, killed, or cut off from a network, by the
// command line of Docker or Podman.
#include <algorithm>

#include <fmt/format.h>

#include "core/process.hpp"
#include "core/text.hpp"
#include "scenarios/faults/fault_calls.hpp"
#include "scenarios/faults/fault_kind.hpp"
#include "scenarios/scenario_parts.hpp"

namespace obsctl::scenarios {

using core::ErrorKind;
using core::Result;
using core::TomlTable;
using core::WallTime;

namespace {

constexpr Nanoseconds kPatience = std::chrono::seconds(30);

class ContainerFault final : public Fault {
 public:
  ContainerFault(FaultSpec spec, const FaultPlace& /*place*/, core::Clock& clock)
      : spec_(std::move(spec)),
        container_(spec_.parameters.value("container", "")),
        action_(spec_.parameters.value("action", "")),
        network_(spec_.parameters.value("network", "")),
        engine_(spec_.parameters.value("engine", "")),
        clock_(clock) {}

  bool has_ttl() const override { return false; }

  std::string undo() const override {
    std::string text = engine_.empty() ? "docker" : engine_;
    for (const std::string& word : mending()) text += " " + shell_quoted(word);
    return text;
  }

  /// The engine that has the container, and the names that others in the network know it by, which
  /// reconnecting has to give back.
  Json memory() const override { return {{"engine", engine_}, {"aliases", aliases_}}; }
  void recall(const Json& memory) override {
    if (!memory.is_object()) return;
    engine_ = memory.value("engine", engine_);
    aliases_ = memory.value("aliases", aliases_);
  }

  Result<WallTime> inject(const std::stop_token& stop) override {
    const WallTime at = clock_.wall_now();
    std::vector<std::string> words{action_, container_};
    if (action_ == "disconnect") words = {"network", "disconnect", network_, container_};
    if (const auto done = engine(words, stop); !done) return done.error();
    return at;
  }

  Result<FaultSight> look(const std::stop_token& stop) override {
    const auto text = engine({"inspect", "--type", "container", container_}, stop);
    if (!text) return text.error();
    const Json inspected = Json::parse(*text, nullptr, false);
    if (!inspected.is_array() || inspected.empty() || !inspected[0].is_object())
      return core::make_error(ErrorKind::protocol, fmt::format("cannot read what is said of {}", container_));
    const Json& one = inspected[0];
    if (action_ != "disconnect") {
      const std::string status = one.at("State").at("Status").get<std::string>();
      return FaultSight{status != "running", fmt::format("{} is {}", container_, status)};
    }
    const Json networks = one.value(Json::json_pointer("/NetworkSettings/Networks"), Json::object());
    const bool connected = networks.contains(network_);
    if (connected) remember(networks[network_].value("Aliases", Json()));
    return FaultSight{!connected, fmt::format("{} is {} {}", container_,
                                              connected ? "connected to" : "not connected to", network_)};
  }

  /// Mending what is whole is refused by the engines, so that it is looked at first.
  Result<WallTime> clear(const std::stop_token& stop) override {
    const auto sight = look(stop);
    if (!sight) return sight.error();
    const WallTime before = clock_.wall_now();
    if (!sight->present) return before;
    if (const auto done = engine(mending(), stop); !done) return done.error();
    return action_ == "stop" || action_ == "kill" ? clock_.wall_now() : before;
  }

 private:
  std::vector<std::string> mending() const {
    if (action_ == "pause") return {"unpause", container_};
    if (action_ != "disconnect") return {"start", container_};
    std::vector<std::string> words{"network", "connect"};
    for (const std::string& alias : aliases_) words.insert(words.end(), {"--alias", alias});
    words.insert(words.end(), {network_, container_});
    return words;
  }

  void remember(const Json& aliases) {
    if (!aliases.is_array()) return;
    aliases_.clear();
    for (const Json& alias : aliases) {
      if (alias.is_string()) aliases_.push_back(alias.get<std::string>());
    }
  }

  /// What the engine prints; where none is named, the first that does as it is told: one may be installed
  /// with nothing behind it, or know nothing of the container. Errors: not_found (no engine), unavailable
  /// with what they say.
  Result<std::string> engine(const std::vector<std::string>& words, const std::stop_token& stop) {
    if (!engine_.empty()) return ask(engine_, words, stop);
    std::string refusals;
    for (const char* name : {"docker", "podman"}) {
      if (!core::find_program({name})) continue;
      auto text = ask(name, words, stop);
      if (text) {
        engine_ = name;
        return text;
      }
      refusals += (refusals.empty() ? "" : "; ") + text.error().message;
    }
    if (refusals.empty()) return core::find_program({"docker", "podman"}).error();
    return core::make_error(ErrorKind::unavailable, refusals);
  }

  static Result<std::string> ask(const std::string& name, const std::vector<std::string>& words,
                                 const std::stop_token& stop) {
    const auto program = core::find_program({name});
    if (!program) return program.error();
    core::ProcessOptions options;
    options.argv = {program->string()};
    options.argv.insert(options.argv.end(), words.begin(), words.end());
    auto output = core::run_command(options, kPatience, stop);
    if (!output) return output.error();
    if (output->status.ok()) return std::move(output->text);
    constexpr std::size_t kExcerpt = 300;
    return core::make_error(
        ErrorKind::unavailable,
        fmt::format("{} {} {}: {}", name, fmt::join(words, " "), to_string(output->status),
                    core::trimmed(output->text).substr(0, kExcerpt)));
  }

  const FaultSpec spec_;
  const std::string container_;
  const std::string action_;
  const std::string network_;
  std::string engine_;  ///< empty: not known yet
  core::Clock& clock_;
  std::vector<std::string> aliases_;
};

void read_container(TomlTable& table, FaultSpec& fault) {
  fault.parameters["container"] = required_text(table, "container");
  if (!table.has("action"))
    table.report(fmt::format("{}.action is missing", table.path()),
                 "add action = one of pause, stop, kill, disconnect");
  const std::string action = table.one_of("action", {"pause", "stop", "kill", "disconnect"}).value_or("");
  fault.parameters["action"] = action;
  if (action == "disconnect") {
    fault.parameters["network"] = required_text(table, "network");
  } else if (table.string("network") && !action.empty()) {
    table.report_at("network", fmt::format("{}.network is not a key of action \"{}\"", table.path(), action),
                    "it belongs to disconnect");
  }
  if (const auto engine = table.one_of("engine", {"docker", "podman"})) fault.parameters["engine"] = *engine;
  fault.description = fmt::format("{} of container {}", action, fault.parameters.value("container", ""));
}

}  // namespace

std::vector<FaultKind> container_kinds() {
  return {{"container",
           "a container of Docker or Podman is paused, stopped, killed or disconnected",
           {"container", "action", "network", "engine"},
           FaultKind::Place::own_keys,
           read_container,
           make_kind<ContainerFault>,
           nullptr,
           [](const Json& one, const Json& other) {
             return same_in(one, other, {"container", "network"});
           }}};
}

}  // namespace obsctl::scenarios
