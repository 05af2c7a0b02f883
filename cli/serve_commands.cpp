// obsctl serve: the long-lived parts of a stack. Here the sample service: its flags, its environment
// variables, and what happens on SIGTERM. (The receiver is in serve_receiver.cpp,
// the fault proxy in serve_proxy.cpp.)
#include <memory>
#include <string>
#include <vector>

#include "cli/command_line.hpp"
#include "cli/serve_flags.hpp"
#include "cli/version.hpp"
#include "stacks/services/sample_service.hpp"

namespace obsctl::cli {

namespace {

constexpr ServeFlags kFlags("OBSCTL_SERVICE");

/// As given; durations and the like are read when the command runs, so that their errors say which flag they
/// are from.
struct ServiceFlags {
  std::string listen = "127.0.0.1:8080";
  std::string token_file;
  std::vector<std::string> dependencies{"database", "cache"};
  std::vector<std::string> depends;
  std::string dependency_timeout = "1s";
  int breaker_failures = 5;
  std::string breaker_open = "10s";
  std::string toggle_ttl = "5m";
  std::string toggle_ttl_max = "1h";
  std::string work_max = "10s";
  std::string delay_max = "30s";
  std::string access_log = "all";
  double access_log_sample = 1;
  std::string probe_targets;
  std::string log = "info";
  std::string drain_delay = "0s";
  std::string drain_timeout = "10s";
  std::string read_timeout = "10s";
  std::string idle_timeout = "60s";
  std::size_t max_connections = 10'000;
  std::size_t max_body = 64u << 10;
  std::uint64_t seed = 0;
  bool seeded = false;
};

struct ServiceSetup {
  stacks::ServiceOptions service;
  core::LogLevel log_level = core::LogLevel::info;
  core::Nanoseconds drain_delay{};
  core::Nanoseconds drain_timeout{};
};

void read_calls(FlagReader& reader, const ServiceFlags& flags, stacks::DependenciesOptions& calls) {
  for (const std::string& text : flags.depends)
    reader.take("--depends", stacks::parse_depends_on(text), calls.depends.emplace_back());
  reader.positive_duration("--dependency-timeout", flags.dependency_timeout, calls.timeout);
  reader.positive_duration("--breaker-open", flags.breaker_open, calls.breaker.open_for);
  calls.breaker.failures = flags.breaker_failures;
}

core::Result<ServiceSetup> read_setup(const ServiceFlags& flags) {
  ServiceSetup setup;
  stacks::ServiceOptions& service = setup.service;
  core::ListenAddress listen;
  FlagReader reader(kFlags);
  reader.take("--listen", core::parse_listen_address(flags.listen), listen);
  reader.take("--token-file", kFlags.read_token(flags.token_file), service.token);
  read_calls(reader, flags, service.calls);
  reader.duration("--toggle-ttl", flags.toggle_ttl, service.toggle_ttl);
  reader.duration("--toggle-ttl-max", flags.toggle_ttl_max, service.toggle_ttl_max);
  reader.duration("--work-max", flags.work_max, service.work_max);
  reader.duration("--delay-max", flags.delay_max, service.delay_max);
  reader.duration("--drain-delay", flags.drain_delay, setup.drain_delay);
  reader.duration("--drain-timeout", flags.drain_timeout, setup.drain_timeout);
  reader.positive_duration("--read-timeout", flags.read_timeout, service.http.read_timeout);
  reader.positive_duration("--idle-timeout", flags.idle_timeout, service.http.idle_timeout);
  reader.take("--probe-targets", stacks::parse_probe_targets(flags.probe_targets), service.probe_targets);
  reader.take("--access-log", stacks::parse_access_log_mode(flags.access_log), service.access_log.mode);
  reader.take("--log", core::parse_log_level(flags.log), setup.log_level);
  if (reader.error()) return *reader.error();
  service.http.address = listen.address;
  service.http.port = listen.port;
  service.http.max_connections = flags.max_connections;
  service.http.max_body = flags.max_body;
  service.dependencies = flags.dependencies;
  service.access_log.sample = flags.access_log_sample;
  if (flags.seeded) service.seed = flags.seed;
  service.version = version_number();
  return setup;
}

core::Result<int> run_service(const ServiceFlags& flags, Context& context) {
  const core::Result<ServiceSetup> setup = read_setup(flags);
  if (!setup) return setup.error();
  // The service's log is its output: JSON lines on standard output, like its access log.
  core::Logger log(setup->log_level, core::LogFormat::json, 1);
  auto service = stacks::SampleService::start(setup->service, context.clock, log);
  if (!service) return service.error();
  while (!context.stop.stop_requested()) context.clock.sleep_for(std::chrono::hours(1), context.stop);
  log.info("draining", {{"delay", core::format_duration(setup->drain_delay)},
                        {"timeout", core::format_duration(setup->drain_timeout)}});
  const bool clean = (*service)->drain(setup->drain_delay, setup->drain_timeout, context.urgent);
  service->reset();  // the access log's last lines come before what follows
  if (clean) {
    log.info("stopped");
    return kPassed;
  }
  log.warn("stopped; answers in flight were cut off");
  return context.urgent.stop_requested() ? kInterrupted : kError;
}

void add_service(CLI::App& serve, CommandLine& line) {
  const auto flags = std::make_shared<ServiceFlags>();
  CLI::App* command = serve.add_subcommand(
      "service", "the sample service: an HTTP API with metrics, and toggles that break it on request");
  command->footer(
      "The bearer token of the toggles comes from --token-file or $OBSCTL_SERVICE_TOKEN; without one they "
      "are locked.\n"
      "Every flag has an environment variable; see docs/reference/service.md and .env.example.");
  kFlags.add(*command, "--listen", flags->listen, "HOST:PORT", "where to listen; port 0 takes a free one");
  kFlags.add(*command, "--token-file", flags->token_file, "FILE",
             "its first line is the token of the toggles");
  kFlags
      .add(*command, "--dependency", flags->dependencies, "NAME",
           "what /readyz reports on; repeat, or use commas")
      ->delimiter(',');
  kFlags
      .add(*command, "--depends", flags->depends, "ROUTE=NAME",
           "a route that calls a dependency for each request; repeat, or use commas")
      ->delimiter(',')
      ->default_str("");
  kFlags.add(*command, "--dependency-timeout", flags->dependency_timeout, "DURATION",
             "after which a call of a dependency has failed");
  kFlags
      .add(*command, "--breaker-failures", flags->breaker_failures, "COUNT",
           "calls that fail in a row open the circuit breaker")
      ->check(CLI::Range(1, 1'000'000));
  kFlags.add(*command, "--breaker-open", flags->breaker_open, "DURATION",
             "how long it stays open before a call is tried");
  kFlags.add(*command, "--toggle-ttl", flags->toggle_ttl, "DURATION",
             "how long a toggle stays on unless told");
  kFlags.add(*command, "--toggle-ttl-max", flags->toggle_ttl_max, "DURATION", "the longest TTL of a toggle");
  kFlags.add(*command, "--work-max", flags->work_max, "DURATION", "the longest job of /api/v1/work");
  kFlags.add(*command, "--delay-max", flags->delay_max, "DURATION",
             "the longest delay of the toggle latency");
  kFlags
      .add(*command, "--probe-targets", flags->probe_targets, "URLS",
           "what /probe-targets names for a blackbox exporter to probe; blanks between them")
      ->default_str("");
  kFlags.add(*command, "--access-log", flags->access_log, "MODE",
             "requests on standard output: all, errors or off");
  kFlags.add(*command, "--access-log-sample", flags->access_log_sample, "FRACTION",
             "how many of the requests without error to log");
  kFlags.add(*command, "--log", flags->log, "LEVEL",
             "other lines on standard output: debug, info, warn, error or off");
  kFlags.add(*command, "--drain-delay", flags->drain_delay, "DURATION",
             "after SIGTERM: serve on with /readyz at 503 for so long");
  kFlags.add(*command, "--drain-timeout", flags->drain_timeout, "DURATION",
             "then: time for answers in flight");
  kFlags.add(*command, "--read-timeout", flags->read_timeout, "DURATION", "for a request to arrive");
  kFlags.add(*command, "--idle-timeout", flags->idle_timeout, "DURATION",
             "for a connection without a request");
  kFlags.add(*command, "--max-connections", flags->max_connections, "COUNT", "further ones are closed");
  kFlags.add(*command, "--max-body", flags->max_body, "BYTES", "larger bodies are refused");
  CLI::Option* seed =
      kFlags.add(*command, "--seed", flags->seed, "NUMBER", "of every random choice; default: a new one")
          ->default_str("");
  command->callback([flags, seed, &line] {
    flags->seeded = seed->count() > 0;
    line.action = [flags](Context& context) { return run_service(*flags, context); };
  });
}

}  // namespace

void add_serve_commands(CommandLine& line) {
  CLI::App* serve = line.app.add_subcommand(
      "serve", "run a long-lived part of a stack: the service, the receiver, the fault proxy");
  serve->require_subcommand(1);
  add_service(*serve, line);
  add_serve_receiver(*serve, line);
  add_serve_proxy(*serve, line);
}

}  // namespace obsctl::cli
