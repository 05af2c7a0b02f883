#include "stacks/services/process_stats.hpp"

#include <charconv>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>

#include <sys/resource.h>
#include <unistd.h>

#include "core/text.hpp"

namespace obsctl::stacks {

namespace {

// Fields of /proc/self/stat (proc(5)), counted from the one after the command's name, which may hold
// anything.
constexpr std::size_t kUserTicks = 11;
constexpr std::size_t kSystemTicks = 12;
constexpr std::size_t kThreads = 17;
constexpr std::size_t kStartTicks = 19;
constexpr std::size_t kVirtualBytes = 20;
constexpr std::size_t kResidentPages = 21;

/// Files of /proc have no size, so they are read as streams.
std::string contents(const char* path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::optional<double> number(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc()) return std::nullopt;
  return value;
}

prometheus::MetricFamily family(std::string name, std::string help, prometheus::MetricType type,
                                double value) {
  prometheus::ClientMetric metric;
  metric.counter.value = metric.gauge.value = value;
  return {std::move(name), std::move(help), type, {metric}};
}

/// Seconds since the epoch at which the machine was started.
std::optional<double> boot_time() {
  static const std::optional<double> time = [] {
    const std::string stat = contents("/proc/stat");
    const std::size_t at = stat.find("\nbtime ");
    return at == std::string::npos ? std::nullopt : number(std::string_view(stat).substr(at + 7));
  }();
  return time;
}

std::size_t open_descriptors() {
  std::error_code ignored;
  std::size_t count = 0;
  for (auto entry = std::filesystem::directory_iterator("/proc/self/fd", ignored);
       entry != std::filesystem::directory_iterator(); entry.increment(ignored))
    ++count;
  return count > 0 ? count - 1 : 0;  // without the one that lists the others
}

}  // namespace

std::vector<prometheus::MetricFamily> process_metrics() {
  using enum prometheus::MetricType;
  std::vector<prometheus::MetricFamily> families;
  const std::string stat = contents("/proc/self/stat");
  const std::size_t name_end = stat.rfind(") ");
  if (name_end == std::string::npos) return families;
  const std::vector<std::string_view> fields = core::split(std::string_view(stat).substr(name_end + 2), ' ');
  if (fields.size() <= kResidentPages) return families;
  const auto field = [&](std::size_t index) { return number(fields[index]).value_or(0); };
  const auto ticks = static_cast<double>(sysconf(_SC_CLK_TCK));
  const auto page = static_cast<double>(sysconf(_SC_PAGESIZE));

  families.push_back(family("process_cpu_seconds_total", "Total user and system CPU time spent in seconds.",
                            Counter, (field(kUserTicks) + field(kSystemTicks)) / ticks));
  families.push_back(family("process_resident_memory_bytes", "Resident memory size in bytes.", Gauge,
                            field(kResidentPages) * page));
  families.push_back(
      family("process_virtual_memory_bytes", "Virtual memory size in bytes.", Gauge, field(kVirtualBytes)));
  families.push_back(
      family("process_threads", "Number of OS threads in the process.", Gauge, field(kThreads)));
  families.push_back(family("process_open_fds", "Number of open file descriptors.", Gauge,
                            static_cast<double>(open_descriptors())));
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
    families.push_back(family("process_max_fds", "Maximum number of open file descriptors.", Gauge,
                              static_cast<double>(limit.rlim_cur)));
  if (const auto boot = boot_time())
    families.push_back(family("process_start_time_seconds",
                              "Start time of the process since unix epoch in seconds.", Gauge,
                              *boot + field(kStartTicks) / ticks));
  return families;
}

}  // namespace obsctl::stacks
