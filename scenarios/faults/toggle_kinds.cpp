// What the toggles of a service or of the fault proxy take, and what each does to requests. The keys in a
// scenario are the fields of the toggles API (docs/reference/service.md), so that what was read is what is
// sent.
#include <fmt/format.h>

#include "scenarios/faults/fault_kind.hpp"
#include "scenarios/faults/toggle_fault.hpp"
#include "scenarios/scenario_parts.hpp"

namespace obsctl::scenarios {

using core::TomlTable;

namespace {

/// `rate`: a share of requests.
double read_rate(TomlTable& table) {
  const double rate = table.number("rate").value_or(1.0);
  if (!(rate > 0 && rate <= 1)) {
    table.report_at("rate", fmt::format("{}.rate must be above 0 and at most 1", table.path()),
                    "30 % is 0.3");
  }
  return rate;
}

/// `rate` and `routes`: the share of the requests concerned, and which ones are.
double read_share(TomlTable& table, FaultSpec& fault) {
  const double rate = read_rate(table);
  const std::vector<std::string> routes = table.strings("routes");
  for (const std::string& route : routes) {
    if (!route.empty() && (route.front() == '/' || route.front() == '*')) continue;
    table.report_at("routes", fmt::format("{}.routes: \"{}\" must begin with / or *", table.path(), route));
  }
  fault.parameters["rate"] = rate;
  if (!routes.empty()) fault.parameters["routes"] = routes;
  fault.effect.everywhere = routes.empty();
  return rate;
}

void read_error_rate(TomlTable& table, FaultSpec& fault) {
  fault.effect.failing = read_share(table, fault);
  fault.effect.status = static_cast<int>(read_integer(table, "status", 400, 599).value_or(503));
  fault.parameters["status"] = fault.effect.status;
  fault.description = fmt::format("error-rate {:.4g}% → {}", fault.effect.failing * 100, fault.effect.status);
}

/// A duration that becomes a parameter as it is; missing ones are reported with an example.
std::optional<Nanoseconds> required_delay(TomlTable& table, FaultSpec& fault, const char* key,
                                          const char* example) {
  const auto value = read_duration(table, key, Least::above_zero);
  if (!table.has(key)) {
    table.report(fmt::format("{}.{} is missing", table.path(), key),
                 fmt::format("add {} = \"{}\"", key, example));
  }
  if (value) fault.parameters[key] = core::format_duration(*value);
  return value;
}

/// The delay that most of the requests concerned are held up for.
void read_distribution(TomlTable& table, FaultSpec& fault, const std::string& distribution) {
  if (distribution == "constant") {
    fault.effect.delay = required_delay(table, fault, "delay", "400ms").value_or(Nanoseconds::zero());
  } else if (distribution == "lognormal") {
    const auto p50 = required_delay(table, fault, "p50", "200ms");
    const auto p99 = required_delay(table, fault, "p99", "1s");
    if (p50 && p99 && *p99 <= *p50)
      table.report_at("p99", fmt::format("{}.p99 must be above p50", table.path()));
    // Half of them are held up longer.
    fault.effect.delayed /= 2;
    fault.effect.delay = p50.value_or(Nanoseconds::zero());
  } else {
    const auto mean = required_delay(table, fault, "mean", "400ms");
    if (distribution == "normal") required_delay(table, fault, "stddev", "50ms");
    // About half of them above the mean, or above the median of the exponential distribution, ln 2 of it.
    fault.effect.delayed /= 2;
    fault.effect.delay =
        core::scale(mean.value_or(Nanoseconds::zero()), distribution == "normal" ? 1.0 : 0.69);
  }
}

void read_spread(TomlTable& table, FaultSpec& fault) {
  const auto delay = required_delay(table, fault, "delay", "400ms");
  const Nanoseconds jitter = read_duration(table, "jitter", Least::zero).value_or(Nanoseconds::zero());
  if (!delay) return;
  if (jitter > *delay) {
    table.report_at(
        "jitter",
        fmt::format("{}.jitter must not be above delay ({})", table.path(), core::format_duration(*delay)),
        "requests are held up for delay ± jitter");
  } else if (jitter == *delay && !fault.confirm) {
    table.report_at(
        "jitter", fmt::format("{}.jitter is as long as delay, so no delay is sure to be seen", table.path()),
        "use a shorter jitter, or say how to confirm the fault: confirm = { response_p95 = { at_least = "
        "\"…\" } }");
  }
  fault.parameters["jitter"] = core::format_duration(jitter);
  fault.effect.delay = *delay - jitter;
  fault.description = fmt::format("latency +{}{} for {:.4g}%", core::format_duration(*delay),
                                  jitter.count() == 0 ? "" : " ± " + core::format_duration(jitter),
                                  fault.effect.delayed * 100);
}

void read_latency(TomlTable& table, FaultSpec& fault) {
  fault.effect.delayed = read_share(table, fault);
  const auto distribution =
      table.one_of("distribution", {"uniform", "constant", "normal", "exponential", "lognormal"});
  if (distribution && *distribution != "uniform") {
    fault.parameters["distribution"] = *distribution;
    read_distribution(table, fault, *distribution);
  } else {
    read_spread(table, fault);
  }
  if (const auto longest = read_duration(table, "max", Least::above_zero))
    fault.parameters["max"] = core::format_duration(*longest);
}

/// hang, reset, abort, blackhole: nothing is answered.
void read_no_answer(TomlTable& table, FaultSpec& fault) {
  fault.effect.failing = read_share(table, fault);
}

/// A whole number above 0 that has to be there.
void read_amount(TomlTable& table, FaultSpec& fault, const char* key, std::int64_t most) {
  const auto amount = read_integer(table, key, 1, most);
  if (!table.has(key))
    table.report(fmt::format("{}.{} is missing", table.path(), key), fmt::format("add {} = 1000", key));
  if (amount) fault.parameters[key] = *amount;
}

constexpr std::int64_t kGibibyte = 1 << 30;

void read_bandwidth(TomlTable& table, FaultSpec& fault) {
  read_amount(table, fault, "bytes_per_second", kGibibyte);
  read_share(table, fault);
}

void read_truncate(TomlTable& table, FaultSpec& fault) {
  const auto after = read_integer(table, "after_bytes", 0, kGibibyte);
  if (!table.has("after_bytes"))
    table.report(fmt::format("{}.after_bytes is missing", table.path()), "add after_bytes = 100");
  if (after) fault.parameters["after_bytes"] = *after;
  read_share(table, fault);
}

void read_rate_limit(TomlTable& table, FaultSpec& fault) {
  const auto rate = table.rate("rate");
  if (!table.has("rate"))
    table.report(fmt::format("{}.rate is missing", table.path()), "add rate = \"100/s\"");
  if (rate) fault.parameters["rate"] = core::format_rate(*rate);
  if (const auto burst = read_integer(table, "burst", 1, kGibibyte)) fault.parameters["burst"] = *burst;
  if (const auto routes = table.strings("routes"); !routes.empty()) fault.parameters["routes"] = routes;
}

void read_dependency(TomlTable& table, FaultSpec& fault) {
  const auto dependencies = table.strings("dependencies");
  if (dependencies.empty())
    table.report(fmt::format("{}.dependencies is missing", table.path()),
                 "add dependencies = [\"database\"]");
  fault.parameters["dependencies"] = dependencies;
  const std::string mode = table.one_of("mode", {"error", "hang", "slow"}).value_or("error");
  fault.parameters["mode"] = mode;
  if (mode == "slow") required_delay(table, fault, "delay", "500ms");
  fault.parameters["rate"] = read_rate(table);
  fault.description = fmt::format("{} of {}", mode, fmt::join(dependencies, ", "));
}

void read_memory_leak(TomlTable& table, FaultSpec& fault) {
  read_amount(table, fault, "bytes_per_second", kGibibyte);
  if (const auto ceiling = read_integer(table, "ceiling_bytes", 1, kGibibyte))
    fault.parameters["ceiling_bytes"] = *ceiling;
}

void read_cpu_burn(TomlTable& table, FaultSpec& fault) {
  const auto cores = table.number("cores");
  if (!table.has("cores")) table.report(fmt::format("{}.cores is missing", table.path()), "add cores = 0.5");
  if (cores && !(*cores >= 0.01 && *cores <= 1))
    table.report_at("cores", fmt::format("{}.cores must be from 0.01 to 1", table.path()));
  if (cores) fault.parameters["cores"] = *cores;
}

void read_log_burst(TomlTable& table, FaultSpec& fault) {
  read_amount(table, fault, "lines_per_second", 100'000);
  if (const auto level = table.one_of("level", {"info", "warn", "error"})) fault.parameters["level"] = *level;
}

void read_readiness(TomlTable& /*table*/, FaultSpec& fault) {
  fault.parameters["ready"] = false;
  fault.effect.probe = "/readyz";
  fault.effect.probe_status = 503;
}

// What chance chooses is bad enough to be seen, and no worse than what services meet.

std::string draw_error_rate(stacks::SplitMix64& random) {
  constexpr int kStatuses[] = {500, 502, 503, 504};
  return fmt::format("rate = {:.2f}\nstatus = {}\n", 0.05 + 0.95 * random.unit(), kStatuses[random.below(4)]);
}

std::string draw_latency(stacks::SplitMix64& random) {
  const std::uint64_t delay = 50 + random.below(1951);
  return fmt::format("delay = \"{}ms\"\njitter = \"{}ms\"\n", delay, random.below(delay / 2));
}

std::string draw_share(stacks::SplitMix64& random) {
  return fmt::format("rate = {:.2f}\n", 0.05 + 0.95 * random.unit());
}

std::string draw_nothing(stacks::SplitMix64& /*random*/) {
  return {};
}

}  // namespace

std::vector<FaultKind> toggle_kinds() {
  const auto kind = [](std::string name, std::string summary, std::vector<std::string> keys,
                       void (*read)(TomlTable&, FaultSpec&), std::string (*draw)(stacks::SplitMix64&)) {
    return FaultKind{std::move(name),
                     std::move(summary),
                     std::move(keys),
                     FaultKind::Place::url,
                     read,
                     &make_toggle_fault,
                     draw};
  };
  const std::vector<std::string> share{"rate", "routes"};
  return {
      kind("error-rate", "a share of the answers becomes an error", {"rate", "status", "routes"},
           read_error_rate, draw_error_rate),
      kind("latency", "a share of the requests is held up",
           {"rate", "delay", "jitter", "distribution", "mean", "stddev", "p50", "p99", "max", "routes"},
           read_latency, draw_latency),
      kind("hang", "a share of the requests gets no answer", share, read_no_answer, draw_share),
      kind("reset", "connections are reset instead of an answer", share, read_no_answer, draw_share),
      kind("abort", "connections are closed instead of an answer", share, read_no_answer, draw_share),
      kind("blackhole", "what is sent is swallowed", share, read_no_answer, nullptr),
      kind("bandwidth", "the bodies of answers come slowly", {"bytes_per_second", "rate", "routes"},
           read_bandwidth, nullptr),
      kind("truncate", "the bodies of answers are cut off", {"after_bytes", "rate", "routes"}, read_truncate,
           nullptr),
      kind("rate-limit", "requests beyond a rate are answered with 429", {"rate", "burst", "routes"},
           read_rate_limit, nullptr),
      kind("readiness", "the service says that it is not ready", {}, read_readiness, draw_nothing),
      kind("dependency", "calls of the service to what it depends on fail",
           {"dependencies", "mode", "delay", "rate"}, read_dependency, nullptr),
      kind("memory-leak", "the service holds more and more memory", {"bytes_per_second", "ceiling_bytes"},
           read_memory_leak, nullptr),
      kind("cpu-burn", "the service uses a share of a core for nothing", {"cores"}, read_cpu_burn, nullptr),
      kind("log-burst", "the service writes many lines of log", {"lines_per_second", "level"}, read_log_burst,
           nullptr),
  };
}

}  // namespace obsctl::scenarios
