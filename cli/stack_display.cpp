// See stack_display.hpp.
#include "cli/stack_display.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/duration.hpp"
#include "stacks/control_protocol.hpp"

namespace obsctl::cli {

using nlohmann::json;

std::string table(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string text;
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      const bool last = i + 1 == row.size();
      text += last ? row[i] + "\n" : fmt::format("{:<{}}  ", row[i], widths[i]);
    }
  }
  return text;
}

std::string progress_line(const stacks::Progress& progress) {
  const std::string at = fmt::format("{:>7}  ", core::format_rounded(progress.elapsed));
  switch (progress.kind) {
    case stacks::Progress::Kind::started:
      return {};
    case stacks::Progress::Kind::image_wanted:
      return fmt::format("{}fetching or building the image of {}", at, progress.service);
    case stacks::Progress::Kind::service_ready:
      return fmt::format("{}{} is ready", at, progress.service);
    case stacks::Progress::Kind::targets_up:
      return fmt::format("{}{} of {} scrape targets are up", at, progress.done, progress.total);
    case stacks::Progress::Kind::alertmanager_found:
      return fmt::format("{}{} has discovered its Alertmanager", at, progress.service);
    case stacks::Progress::Kind::ready:
      return fmt::format("{}up", at);
  }
  return {};
}

std::string urls_table(const std::vector<stacks::ServiceStatus>& services) {
  std::vector<std::vector<std::string>> rows{{"SERVICE", "URL"}};
  for (const stacks::ServiceStatus& service : services) rows.push_back({service.name, service.url});
  return table(rows);
}

std::string status_table(const std::vector<stacks::ServiceStatus>& services) {
  std::vector<std::vector<std::string>> rows{{"SERVICE", "STATE", "PID", "URL"}};
  for (const stacks::ServiceStatus& service : services) {
    const std::string pid = service.pid == 0 ? "-" : std::to_string(service.pid);
    rows.push_back({service.name, std::string(to_string(service.state)), pid, service.url});
  }
  return table(rows);
}

core::Result<json> stack_document(stacks::Stack& stack) {
  const auto services = stack.status();
  if (!services) return services.error();
  json document{{"schema", 1},
                {"instance", stack.instance()},
                {"stack", stack.name()},
                {"runtime", to_string(stack.runtime())},
                {"time_scale", stack.time_scale()},
                {"run_directory", stack.run_directory().string()},
                {"versions", stack.versions()},
                {"notes", stack.notes()},
                {"services", json::array()},
                {"files", json::array()},
                {"failed", nullptr}};
  for (const stacks::ServiceStatus& service : *services)
    document["services"].push_back(stacks::to_json(service));
  for (const stacks::FileChecksum& sum : stack.checksums()) {
    document["files"].push_back(
        {{"path", sum.path}, {"kind", sum.kind}, {"sha256", sum.source}, {"rendered_sha256", sum.rendered}});
  }
  if (const auto failure = stack.failed()) document["failed"] = stacks::to_json(*failure);
  return {boost::system::in_place_value, std::move(document)};
}

json list_document(const std::vector<std::string>& bundled,
                   const std::vector<stacks::RunningStack>& running) {
  json document{{"schema", 1}, {"bundled", bundled}, {"running", json::array()}};
  for (const stacks::RunningStack& stack : running) {
    document["running"].push_back({{"instance", stack.instance},
                                   {"stack", stack.stack},
                                   {"time_scale", stack.time_scale},
                                   {"runtime", to_string(stack.runtime)},
                                   {"supervisor", stack.supervisor},
                                   {"run_directory", stack.run_directory.string()}});
  }
  return document;
}

}  // namespace obsctl::cli
