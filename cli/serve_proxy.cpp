// obsctl serve proxy: the fault proxy in front of a service that knows nothing of obsctl, until SIGTERM.
#include <memory>
#include <string>

#include "cli/command_line.hpp"
#include "cli/serve_flags.hpp"
#include "cli/version.hpp"
#include "stacks/proxy/fault_proxy.hpp"

namespace obsctl::cli {

namespace {

constexpr ServeFlags kFlags("OBSCTL_PROXY");

constexpr const char* kFooter =
    R"(Clients talk to --listen, the service is at --to: http://HOST:PORT for faults of requests (by path), or
tcp://HOST:PORT for faults of connections. The toggles that break what passes are at --admin, with /healthz,
/readyz and /metrics; their bearer token comes from --token-file or $OBSCTL_PROXY_TOKEN, without one they
are locked:

  curl -X PUT http://127.0.0.1:9901/api/v1/toggles/error-rate -H "Authorization: Bearer $OBSCTL_PROXY_TOKEN" \
       -d '{"rate": 0.3, "status": 503, "routes": ["/api/*"], "ttl": "2m"}'

Every flag has an environment variable; see docs/reference/proxy.md.)";

/// As given; durations and addresses are read when the command runs, so that their errors say which flag they
/// are from.
struct ProxyFlags {
  std::string listen = "127.0.0.1:8081";
  std::string to;
  std::string admin = "127.0.0.1:9901";
  std::string token_file;
  std::string toggle_ttl = "5m";
  std::string toggle_ttl_max = "1h";
  std::string delay_max = "30s";
  std::string connect_timeout = "5s";
  std::string answer_timeout = "60s";
  std::string read_timeout = "10s";
  std::string idle_timeout = "60s";
  std::string tunnel_timeout = "1h";
  std::string drain_timeout = "10s";
  std::string busy_poll = "0s";
  std::size_t max_header = 32u << 10;
  std::size_t max_connections = 10'000;
  std::string log = "info";
  std::uint64_t seed = 0;
  bool seeded = false;
};

struct ProxySetup {
  stacks::FaultProxyOptions proxy;
  core::Nanoseconds drain_timeout{};
  core::LogLevel log_level = core::LogLevel::info;
};

core::Result<ProxySetup> read_setup(const ProxyFlags& flags) {
  ProxySetup setup;
  stacks::FaultProxyOptions& proxy = setup.proxy;
  FlagReader reader(kFlags);
  reader.take("--listen", core::parse_listen_address(flags.listen), proxy.listen);
  reader.take("--to", stacks::parse_upstream(flags.to), proxy.upstream);
  reader.take("--admin", core::parse_listen_address(flags.admin), proxy.admin);
  reader.take("--token-file", kFlags.read_token(flags.token_file), proxy.token);
  reader.duration("--toggle-ttl", flags.toggle_ttl, proxy.toggle_ttl);
  reader.duration("--toggle-ttl-max", flags.toggle_ttl_max, proxy.toggle_ttl_max);
  reader.duration("--delay-max", flags.delay_max, proxy.delay_max);
  reader.positive_duration("--connect-timeout", flags.connect_timeout, proxy.connect_timeout);
  reader.positive_duration("--answer-timeout", flags.answer_timeout, proxy.answer_timeout);
  reader.positive_duration("--read-timeout", flags.read_timeout, proxy.read_timeout);
  reader.positive_duration("--idle-timeout", flags.idle_timeout, proxy.idle_timeout);
  reader.positive_duration("--tunnel-timeout", flags.tunnel_timeout, proxy.tunnel_timeout);
  reader.duration("--busy-poll", flags.busy_poll, proxy.busy_poll);
  reader.duration("--drain-timeout", flags.drain_timeout, setup.drain_timeout);
  reader.take("--log", core::parse_log_level(flags.log), setup.log_level);
  if (reader.error()) return *reader.error();
  proxy.max_header = flags.max_header;
  proxy.max_connections = flags.max_connections;
  if (flags.seeded) proxy.seed = flags.seed;
  proxy.version = version_number();
  return setup;
}

core::Result<int> run_proxy(const ProxyFlags& flags, Context& context) {
  const auto setup = read_setup(flags);
  if (!setup) return setup.error();
  // The proxy's log is its output: JSON lines on standard output.
  core::Logger log(setup->log_level, core::LogFormat::json, 1);
  const auto proxy = stacks::FaultProxy::start(setup->proxy, context.clock, log);
  if (!proxy) return proxy.error();
  while (!context.stop.stop_requested()) context.clock.sleep_for(std::chrono::hours(1), context.stop);
  log.info("draining", {{"timeout", core::format_duration(setup->drain_timeout)}});
  const bool clean = (*proxy)->drain(setup->drain_timeout, context.urgent);
  if (clean) {
    log.info("stopped");
    return kPassed;
  }
  log.warn("stopped; what was on its way was cut off");
  return context.urgent.stop_requested() ? kInterrupted : kError;
}

void add_timeouts(CLI::App& command, ProxyFlags& flags) {
  kFlags.add(command, "--connect-timeout", flags.connect_timeout, "DURATION",
             "for the service to take a connection");
  kFlags.add(command, "--answer-timeout", flags.answer_timeout, "DURATION",
             "for it to begin its answer to a request");
  kFlags.add(command, "--read-timeout", flags.read_timeout, "DURATION", "for a request's header to arrive");
  kFlags.add(command, "--idle-timeout", flags.idle_timeout, "DURATION",
             "for a connection without a request, and for a side that stalls");
  kFlags.add(command, "--tunnel-timeout", flags.tunnel_timeout, "DURATION",
             "for a TCP or upgraded connection without traffic");
  kFlags.add(command, "--drain-timeout", flags.drain_timeout, "DURATION",
             "after SIGTERM: time for answers in flight");
}

}  // namespace

void add_serve_proxy(CLI::App& serve, CommandLine& line) {
  const auto flags = std::make_shared<ProxyFlags>();
  CLI::App* command =
      serve.add_subcommand("proxy", "a fault proxy in front of any HTTP or TCP service, unchanged");
  command->footer(kFooter);
  kFlags.add(*command, "--listen", flags->listen, "HOST:PORT",
             "where clients connect; port 0 takes a free one");
  kFlags.add(*command, "--to", flags->to, "URL", "the service: http://HOST:PORT or tcp://HOST:PORT")
      ->required()
      ->default_str("");
  kFlags.add(*command, "--admin", flags->admin, "HOST:PORT", "the toggles, health and metrics");
  kFlags.add(*command, "--token-file", flags->token_file, "FILE",
             "its first line is the token of the toggles");
  kFlags.add(*command, "--toggle-ttl", flags->toggle_ttl, "DURATION",
             "how long a toggle stays on unless told");
  kFlags.add(*command, "--toggle-ttl-max", flags->toggle_ttl_max, "DURATION", "the longest TTL of a toggle");
  kFlags.add(*command, "--delay-max", flags->delay_max, "DURATION",
             "the longest delay of the toggle latency");
  add_timeouts(*command, *flags);
  kFlags.add(*command, "--busy-poll", flags->busy_poll, "DURATION",
             "wait awake for so long before sleeping; adds less time, uses more CPU");
  kFlags.add(*command, "--max-header", flags->max_header, "BYTES", "larger headers are refused");
  kFlags.add(*command, "--max-connections", flags->max_connections, "COUNT", "further ones are closed");
  kFlags.add(*command, "--log", flags->log, "LEVEL",
             "lines on standard output: debug, info, warn, error or off");
  CLI::Option* seed =
      kFlags.add(*command, "--seed", flags->seed, "NUMBER", "of every random choice; default: a new one")
          ->default_str("");
  command->callback([flags, seed, &line] {
    flags->seeded = seed->count() > 0;
    line.action = [flags](Context& context) { return run_proxy(*flags, context); };
  });
}

}  // namespace obsctl::cli
