// See compose_project.hpp.
#include "stacks/compose_project.hpp"

#include <charconv>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/file.hpp"
#include "core/text.hpp"
#include "stacks/compose_tools.hpp"

namespace obsctl::stacks {

namespace fs = std::filesystem;
using core::ErrorKind;
using core::Nanoseconds;
using core::Result;
using nlohmann::json;
using namespace std::chrono_literals;

namespace {

constexpr const char* kNote = "compose.json";
/// An engine that is busy with something large, such as storing an image, lets every other command wait.
constexpr Nanoseconds kQueryTimeout = 60s;
constexpr Nanoseconds kRemoveTimeout = 60s;

/// One line a container, the parts between tabs; docker and podman agree on these names.
constexpr const char* kFormat =
    "{{.Id}}\t{{index .Config.Labels \"com.docker.compose.service\"}}\t{{.State.Status}}\t{{.State.Pid}}\t"
    "{{.State.ExitCode}}\t{{.Config.Image}}\t{{json .NetworkSettings.Ports}}";
constexpr std::size_t kParts = 7;

int number_in(std::string_view text) {
  int number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

/// {"9090/tcp":[{"HostIp":"127.0.0.1","HostPort":"21234"}]}
std::map<std::uint16_t, std::uint16_t> ports_in(std::string_view text) {
  std::map<std::uint16_t, std::uint16_t> ports;
  const json document = json::parse(text, nullptr, false);
  if (!document.is_object()) return ports;
  for (const auto& [inside, places] : document.items()) {
    if (!places.is_array() || places.empty() || !places.front().is_object()) continue;
    const json outside = places.front().value("HostPort", json());
    if (!outside.is_string()) continue;
    ports[static_cast<std::uint16_t>(number_in(inside))] =
        static_cast<std::uint16_t>(number_in(outside.get<std::string>()));
  }
  return ports;
}

}  // namespace

Result<std::string> ComposeProject::ask(std::vector<std::string> words, Nanoseconds timeout,
                                        const std::stop_token& stop) const {
  words.insert(words.begin(), engine_.string());
  return run_tool(words, timeout, log_, stop);
}

Result<std::vector<std::string>> ComposeProject::ids_of(const std::vector<std::string>& list,
                                                        const std::stop_token& stop) const {
  std::vector<std::string> words = list;
  words.emplace_back("--quiet");
  words.emplace_back("--filter");
  words.push_back("label=com.docker.compose.project=" + name_);
  const Result<std::string> text = ask(words, kQueryTimeout, stop);
  if (!text) return text.error();
  std::vector<std::string> ids;
  for (const std::string_view line : core::split(*text, '\n')) {
    if (!core::trimmed(line).empty()) ids.emplace_back(core::trimmed(line));
  }
  return ids;
}

Result<std::vector<Container>> ComposeProject::containers(const std::stop_token& stop) const {
  const auto ids = ids_of({"ps", "--all"}, stop);
  if (!ids) return ids.error();
  std::vector<Container> found;
  if (ids->empty()) return found;
  std::vector<std::string> words{"inspect", "--type", "container", "--format", kFormat};
  words.insert(words.end(), ids->begin(), ids->end());
  const Result<std::string> text = ask(words, kQueryTimeout, stop);
  if (!text) return text.error();
  for (const std::string_view line : core::split(*text, '\n')) {
    const std::vector<std::string_view> parts = core::split(line, '\t');
    if (parts.size() != kParts) continue;
    found.push_back({std::string(parts[0]), std::string(parts[1]), std::string(parts[2]), number_in(parts[3]),
                     number_in(parts[4]), std::string(parts[5]), ports_in(parts[6])});
  }
  return found;
}

Result<void> ComposeProject::act(const std::vector<std::string>& words, const std::string& container,
                                 Nanoseconds timeout) const {
  return on_all(words, {container}, timeout);
}

Result<void> ComposeProject::on_all(std::vector<std::string> words, const std::vector<std::string>& ids,
                                    Nanoseconds timeout) const {
  if (ids.empty()) return {};
  words.insert(words.end(), ids.begin(), ids.end());
  const Result<std::string> done = ask(std::move(words), timeout, {});
  if (!done) return done.error();
  return {};
}

Result<void> ComposeProject::remove(std::chrono::seconds grace) const {
  const auto all = ids_of({"ps", "--all"}, {});
  if (!all) return all.error();
  const auto paused = ids_of({"ps", "--filter", "status=paused"}, {});
  if (!paused) return paused.error();
  // Whatever one step cannot do is tried by the next, and looked for at the end.
  static_cast<void>(on_all({"unpause"}, *paused, kQueryTimeout));
  static_cast<void>(on_all({"stop", "-t", std::to_string(grace.count())}, *all, grace + kRemoveTimeout));
  static_cast<void>(on_all({"rm", "--force", "--volumes"}, *all, kRemoveTimeout));
  for (const char* kind : {"volume", "network"}) {
    const auto ids = ids_of({kind, "ls"}, {});
    if (!ids) return ids.error();
    if (const auto removed = on_all({kind, "rm"}, *ids, kRemoveTimeout); !removed) return removed.error();
  }
  const auto left = ids_of({"ps", "--all"}, {});
  if (!left) return left.error();
  if (left->empty()) return {};
  return core::make_error(ErrorKind::unavailable,
                          fmt::format("{} containers of {} could not be removed: {}", left->size(), name_,
                                      fmt::join(*left, ", ")),
                          fmt::format("{} rm --force removes them", engine_.filename().string()));
}

Result<void> write_project_note(const fs::path& folder, const ComposeProject& project) {
  const json document{{"engine", project.engine().string()}, {"project", project.name()}};
  return core::write_file(folder / kNote, document.dump() + "\n", 0600);
}

Result<void> remove_noted_project(const fs::path& folder) {
  const Result<std::string> text = core::read_file(folder / kNote);
  if (!text) return {};
  const json document = json::parse(*text, nullptr, false);
  if (!document.is_object()) return {};
  const json engine = document.value("engine", json());
  const json name = document.value("project", json());
  if (!engine.is_string() || !name.is_string()) return {};
  return ComposeProject(engine.get<std::string>(), name.get<std::string>(), {}).remove(0s);
}

}  // namespace obsctl::stacks
