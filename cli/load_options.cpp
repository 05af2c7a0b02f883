// Declares the options of `obsctl load run`, group by group as --help shows them, and the names that other
// load tools have for some of them.
#include "cli/load_options.hpp"

#include <charconv>

#include <fmt/format.h>

namespace obsctl::cli {

namespace {

/// CLI11's own says "not in range 1 to 179769313486231570814527423731704356798…".
CLI::Validator at_least(std::int64_t least) {
  return CLI::Validator(
      [least](const std::string& text) {
        std::int64_t value = 0;
        const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
        const bool whole = failure == std::errc() && end == text.data() + text.size();
        return whole && value >= least ? std::string()
                                       : fmt::format("\"{}\" is not a number from {} on", text, least);
      },
      "");
}

void add_arrivals(CLI::App& command, LoadOptions& o) {
  const char* when = "When requests are due";
  command
      .add_option(
          "-r,--rate", o.rate,
          "arrivals: 200/s, 90/m, 1.5/s; default 50/s; with --stage where the first ramp starts, default 0")
      ->group(when);
  command.add_option("-d,--duration", o.duration, "length of the measured part: 30s, 5m; default 10s")
      ->group(when);
  command.add_option("-n,--requests", o.requests, "stop after so many requests")
      ->check(at_least(0))
      ->group(when);
  command
      .add_option(
          "--stage", o.stages,
          "500/s:30s ramps to 500/s within 30s; =500/s:30s steps to 500/s and holds it; repeat for more")
      ->group(when);
  command.add_option("--sine", o.sine, "AMPLITUDE:PERIOD around --rate, such as 50/s:1m")->group(when);
  command.add_flag("--poisson", o.poisson, "random gaps (exponential, from --seed) instead of equal ones")
      ->group(when);
  command
      .add_option(
          "-c,--concurrency", o.concurrency,
          "closed loop instead of a rate: so many connections, each sends when it has its answer. For finding"
          " the ceiling; its latencies hide what a stall does to users")
      ->check(at_least(0))
      ->group(when);
  command
      .add_option("--warm-up", o.warm_up, "before the measured part, on the same schedule, reported apart")
      ->group(when);
  command
      .add_option("--pacing", o.pacing,
                  "timer; precise: spins before each arrival; coalesce: 1ms grid, least CPU")
      ->check(CLI::IsMember({"timer", "precise", "coalesce"}))
      ->capture_default_str()
      ->group(when);
  command.add_option("-t,--threads", o.threads, "sending threads; they share one schedule")
      ->check(CLI::Range(1, 256))
      ->capture_default_str()
      ->group(when);
  command
      .add_option("--stripe", o.stripe,
                  "K/N: this generator takes every N-th arrival; add results with load merge")
      ->group(when);
  command.add_option("--seed", o.seed, "of everything random")->capture_default_str()->group(when);
}

void add_requests(CLI::App& command, LoadOptions& o) {
  const char* what = "What is sent";
  command.add_option("-X,--method", o.method, "default GET, or POST with a body")->group(what);
  command.add_option("-H,--header", o.headers, "'Name: value'; repeat for more")->group(what);
  command.add_option("-b,--body", o.body, "with placeholders: {{i}} {{uuid}} {{random 1 100}} {{column}}")
      ->group(what);
  command.add_option("--body-file", o.body_file, "the body from a file")->excludes("--body")->group(what);
  command
      .add_option("--request", o.mix,
                  "'[WEIGHT] METHOD PATH', repeat for a mix: --request '8 GET /a' --request '2 GET /b'")
      ->group(what);
  command.add_option("--targets", o.targets, "a vegeta targets file (text or JSON), sent in order")
      ->excludes("--request")
      ->excludes("--method")
      ->excludes("--body")
      ->excludes("--body-file")
      ->group(what);
  command.add_option("--feed", o.feed, "rows for {{column}} placeholders: .csv or .jsonl")->group(what);
  command
      .add_option("--feed-order", o.feed_order, "sequential, shuffled, or unique: each row once, then stop")
      ->check(CLI::IsMember({"sequential", "shuffled", "unique"}))
      ->capture_default_str()
      ->group(what);
}

void add_checks(CLI::App& command, LoadOptions& o) {
  const char* check = "What is a good answer";
  command.add_option("--expect-status", o.expect_status, "200,204; default: below 400")
      ->delimiter(',')
      ->check(CLI::Range(100, 999))
      ->group(check);
  command.add_option("--expect-header", o.expect_header, "'Name' or 'Name: part of the value'")->group(check);
  command.add_option("--expect-body", o.expect_body, "text that the body contains")->group(check);
  command.add_option("--expect-json", o.expect_json, "/json/pointer or /json/pointer=value")->group(check);
  command.add_option("--expect-size", o.expect_size, "bytes: 100, 100.. or 100..2000")->group(check);
  command.add_option("--expect-time", o.expect_time, "longest service time")->group(check);
}

void add_connections(CLI::App& command, LoadOptions& o) {
  const char* connections = "Connections";
  command.add_option("--timeout", o.timeout, "from sent to the last byte")
      ->capture_default_str()
      ->group(connections);
  command.add_option("--connect-timeout", o.connect_timeout, "TCP and TLS")
      ->capture_default_str()
      ->group(connections);
  command.add_option("--max-connections", o.max_connections, "never more open at once")
      ->check(at_least(1))
      ->capture_default_str()
      ->group(connections);
  command
      .add_option("--connections", o.connections, "opened before the start; default: chosen from the rate")
      ->check(at_least(0))
      ->group(connections);
  command
      .add_option("--max-in-flight", o.max_in_flight,
                  "never more requests unanswered; 0: as many as connections")
      ->check(at_least(0))
      ->group(connections);
  command.add_flag("--no-keep-alive", o.no_keep_alive, "a new connection for each request")
      ->group(connections);
  command
      .add_option("--overload", o.overload,
                  "an arrival without a free connection: queue, drop, shed-after=500ms")
      ->capture_default_str()
      ->group(connections);
  command.add_option("--unix", o.unix_socket, "connect to this Unix socket")->group(connections);
  command.add_option("--connect-to", o.connect_to, "HOST:PORT to connect to; Host and SNI stay the URL's")
      ->excludes("--unix")
      ->group(connections);
  command.add_flag("-4,--ipv4", o.ipv4, "IPv4 only")->group(connections);
  command.add_flag("-6,--ipv6", o.ipv6, "IPv6 only")->excludes("--ipv4")->group(connections);
  command.add_flag("--http2", o.http2, "HTTP/2 (over TLS, or with prior knowledge)")->group(connections);
  command.add_option("--cacert", o.tls.ca_file, "CA certificates (PEM) instead of the system's")
      ->group(connections);
  command.add_option("--cert", o.tls.cert_file, "client certificate (PEM)")->group(connections);
  command.add_option("--key", o.tls.key_file, "its private key (PEM)")->needs("--cert")->group(connections);
  command.add_option("--sni", o.tls.server_name, "server name to ask for and verify")->group(connections);
  command.add_flag("-k,--insecure", o.tls.insecure, "take any certificate")->group(connections);
}

void add_judgement(CLI::App& command, LoadOptions& o) {
  const char* judgement = "Judgement";
  command
      .add_option(
          "--fail-if", o.fail_if,
          "exit 1 if it holds at the end: 'response_p99>300ms', 'error_ratio>1%', 'achieved_rate<990/s',"
          " 'response_p99>1s for 5s', 'response_p99{GET /a}>1s'; repeat for more")
      ->group(judgement);
  command
      .add_option("--abort-if", o.abort_if, "stop and exit 4 as soon as it holds: 'error_ratio>50% for 3s'")
      ->group(judgement);
  command
      .add_option(
          "--find-max", o.find_max,
          "search the highest rate at which the condition holds, such as 'response_p99<100ms'; each rate is"
          " tried for --duration (10s), from --rate (100/s) up")
      ->group(judgement);
  command.add_option("--max-rate", o.max_rate, "where --find-max stops")
      ->capture_default_str()
      ->group(judgement);
  command
      .add_option("--lag-limit", o.lag_limit,
                  "p99 schedule lag above this makes the run inconclusive (exit 3)")
      ->capture_default_str()
      ->group(judgement);
}

void add_output(CLI::App& command, LoadOptions& o) {
  const char* output = "Output";
  command.add_flag("--json", o.json, "one JSON document on standard output instead of the summary")
      ->group(output);
  command
      .add_option("-o,--output", o.output,
                  "the JSON document to a file as well, for load compare and load merge")
      ->group(output);
  command.add_option("--csv", o.csv, "one-second windows to a file")->group(output);
  command.add_option("--prometheus", o.prometheus, "figures to a .prom file for the textfile collector")
      ->group(output);
  command.add_option("--metrics", o.metrics, "serve live /metrics at ADDRESS:PORT")->group(output);
  command.add_flag("-q,--quiet", o.quiet, "nothing on standard error while it runs")->group(output);
}

/// What k6, vegeta and curl call the same thing. Not in --help, which has one name for each.
void add_names_of_others(CLI::App& command, LoadOptions& o) {
  const char* hidden = "";
  command.add_option("--vus", o.concurrency)->check(at_least(0))->group(hidden);
  command.add_option("--iterations", o.requests)->check(at_least(0))->group(hidden);
  command.add_option("--rps", o.rate)->group(hidden);
  command.add_option("--unix-socket", o.unix_socket)->group(hidden);
  command.add_option("--root-certs", o.tls.ca_file)->group(hidden);
  command.add_option("--request-timeout", o.timeout)->group(hidden);
}

}  // namespace

void add_load_options(CLI::App& command, LoadOptions& o) {
  command.add_option("url", o.url, "what to load: http://host:port/path (https for TLS)");
  add_arrivals(command, o);
  add_requests(command, o);
  add_checks(command, o);
  add_connections(command, o);
  add_judgement(command, o);
  add_output(command, o);
  add_names_of_others(command, o);
}

}  // namespace obsctl::cli
