// See stack_logs.hpp.
#include "cli/stack_logs.hpp"

#include <algorithm>
#include <deque>
#include <fstream>
#include <optional>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace obsctl::cli {

namespace fs = std::filesystem;
using core::Result;
using namespace std::chrono_literals;

namespace {

constexpr auto kLookInterval = 100ms;

/// One log file, read line by line; a line that is still being written is kept for later.
class LogReader {
 public:
  LogReader(std::string service, const fs::path& file)
      : service_(std::move(service)), in_(file, std::ios::binary) {}

  const std::string& service() const { return service_; }

  std::optional<std::string> next() {
    in_.clear();
    std::string part;
    std::getline(in_, part);
    pending_ += part;
    if (in_.eof()) return std::nullopt;
    return std::exchange(pending_, {});
  }

 private:
  std::string service_;
  std::ifstream in_;
  std::string pending_;
};

class LogPrinter {
 public:
  LogPrinter(bool names, std::size_t width, bool json) : names_(names), width_(width), json_(json) {}

  void print(const std::string& service, const std::string& line) const {
    if (json_) {
      const nlohmann::json document{{"service", service}, {"line", line}};
      fmt::print("{}\n", document.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
    } else if (names_) {
      fmt::print("{:<{}} | {}\n", service, width_, line);
    } else {
      fmt::print("{}\n", line);
    }
  }

 private:
  bool names_;
  std::size_t width_;
  bool json_;
};

void print_last(LogReader& log, const LogPrinter& printer, int lines) {
  std::deque<std::string> kept;
  while (auto line = log.next()) {
    kept.push_back(std::move(*line));
    if (lines > 0 && kept.size() > static_cast<std::size_t>(lines)) kept.pop_front();
  }
  for (const std::string& line : kept) printer.print(log.service(), line);
}

}  // namespace

Result<int> show_logs(stacks::Stack& stack, const LogOptions& options, Context& context) {
  if (!options.service.empty()) {
    if (const auto known = stack.endpoint(options.service); !known) return known.error();
  }
  const auto services = stack.status();
  if (!services) return services.error();
  std::vector<LogReader> logs;
  std::size_t width = 0;
  for (const stacks::ServiceStatus& service : *services) {
    if (!options.service.empty() && service.name != options.service) continue;
    logs.emplace_back(service.name, service.log_file);
    width = std::max(width, service.name.size());
  }
  const LogPrinter printer(options.service.empty(), width, options.json);
  for (LogReader& log : logs) print_last(log, printer, options.lines);
  std::fflush(stdout);
  std::error_code ignored;
  while (options.follow && fs::exists(stack.run_directory(), ignored) &&
         context.clock.sleep_for(kLookInterval, context.stop)) {
    for (LogReader& log : logs) {
      while (const auto line = log.next()) printer.print(log.service(), *line);
    }
    std::fflush(stdout);
  }
  return kPassed;
}

}  // namespace obsctl::cli
