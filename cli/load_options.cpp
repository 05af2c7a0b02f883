// Declares the options and turns them into a plan.
#include "cli/load_options.hpp"

#include <charconv>

#include <fmt/format.h>

#include "core/file.hpp"
#include "core/text.hpp"
#include "loadgen/input_files.hpp"

namespace obsctl::cli {

namespace {

using core::ErrorKind;
using core::make_error;
using core::Result;

Result<core::Nanoseconds> duration_of(std::string_view flag, const std::string& text) {
  auto duration = core::parse_duration(text);
  if (!duration)
    return make_error(ErrorKind::usage, fmt::format("{}: {}", flag, duration.error().message),
                      duration.error().hint);
  return *duration;
}

Result<core::Rate> rate_of(std::string_view flag, std::string_view text) {
  auto rate = core::parse_rate(text);
  if (!rate)
    return make_error(ErrorKind::usage, fmt::format("{}: {}", flag, rate.error().message), rate.error().hint);
  return *rate;
}

/// "500/s:30s" ramps, "=500/s:30s" steps.
Result<loadgen::Stage> stage_of(std::string_view text) {
  loadgen::Stage stage;
  stage.hold = !text.empty() && text.front() == '=';
  const std::string_view rest = stage.hold ? text.substr(1) : text;
  const std::size_t colon = rest.find(':');
  if (colon == std::string_view::npos) {
    return make_error(
        ErrorKind::usage, fmt::format("--stage: \"{}\" has no duration", text),
        "write 500/s:30s for a ramp to 500/s within 30s, =500/s:30s for a step to 500/s held for 30s");
  }
  const auto rate = rate_of("--stage", rest.substr(0, colon));
  if (!rate) return rate.error();
  const auto duration = duration_of("--stage", std::string(rest.substr(colon + 1)));
  if (!duration) return duration.error();
  stage.rate = *rate;
  stage.duration = *duration;
  return stage;
}

Result<void> read_arrivals(const LoadOptions& options, loadgen::LoadPlan& plan) {
  const bool closed = options.concurrency > 0;
  if (closed && (!options.rate.empty() || !options.stages.empty() || !options.sine.empty())) {
    return make_error(ErrorKind::usage,
                      "--concurrency is a closed loop and excludes --rate, --stage and --sine",
                      "leave out --concurrency for a constant rate");
  }
  plan.arrivals.concurrency = options.concurrency;
  if (!closed && options.rate.empty() && options.stages.empty() && options.find_max.empty()) {
    return make_error(ErrorKind::usage, "there is no --rate",
                      "add --rate 200/s, --stage 500/s:30s or --concurrency 64");
  }
  if (!options.rate.empty()) {
    const auto rate = rate_of("--rate", options.rate);
    if (!rate) return rate.error();
    plan.arrivals.rate = *rate;
  } else if (!options.find_max.empty()) {
    plan.arrivals.rate = core::Rate{100, std::chrono::seconds(1)};
  }
  for (const std::string& text : options.stages) {
    const auto stage = stage_of(text);
    if (!stage) return stage.error();
    plan.arrivals.stages.push_back(*stage);
  }
  if (!options.sine.empty()) {
    const std::size_t colon = options.sine.find(':');
    const auto amplitude = rate_of("--sine", std::string_view(options.sine).substr(0, colon));
    if (!amplitude) return amplitude.error();
    const auto period =
        duration_of("--sine", colon == std::string::npos ? "" : options.sine.substr(colon + 1));
    if (!period) return period.error();
    plan.arrivals.sine_amplitude = *amplitude;
    plan.arrivals.sine_period = *period;
  }
  plan.arrivals.poisson = options.poisson;
  return {};
}

Result<core::HttpHeader> header_of(const std::string& text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string::npos || colon == 0) {
    return make_error(ErrorKind::usage, fmt::format("--header: \"{}\" is not a header", text),
                      "write it as 'Name: value'");
  }
  return core::HttpHeader{std::string(core::trimmed(std::string_view(text).substr(0, colon))),
                          std::string(core::trimmed(std::string_view(text).substr(colon + 1)))};
}

Result<loadgen::Checks> checks_of(const LoadOptions& options) {
  loadgen::Checks checks;
  checks.statuses = options.expect_status;
  for (const std::string& text : options.expect_header) {
    const std::size_t colon = text.find(':');
    checks.headers.push_back(
        {std::string(core::trimmed(std::string_view(text).substr(0, colon))),
         colon == std::string::npos ? "" : std::string(core::trimmed(text.substr(colon + 1)))});
  }
  checks.body_contains = options.expect_body;
  for (const std::string& text : options.expect_json) {
    const std::size_t equals = text.find('=');
    loadgen::Checks::JsonValue value{text.substr(0, equals), std::nullopt};
    if (equals != std::string::npos) value.equals = text.substr(equals + 1);
    checks.json.push_back(std::move(value));
  }
  if (!options.expect_size.empty()) {
    const std::string_view text = options.expect_size;
    const std::size_t dots = text.find("..");
    const auto number = [](std::string_view digits, std::int64_t& out) {
      if (digits.empty()) return true;
      const auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), out);
      return failure == std::errc() && end == digits.data() + digits.size() && out >= 0;
    };
    const bool range = dots != std::string_view::npos;
    if (!number(text.substr(0, dots), checks.min_body) ||
        (range && !number(text.substr(dots + 2), checks.max_body))) {
      return make_error(ErrorKind::usage, fmt::format("--expect-size: \"{}\" is not a size", text),
                        "write 100, 100.. or 100..2000 (bytes)");
    }
    if (!range) checks.max_body = checks.min_body;
  }
  if (!options.expect_time.empty()) {
    const auto limit = duration_of("--expect-time", options.expect_time);
    if (!limit) return limit.error();
    checks.max_service_time = *limit;
  }
  return checks;
}

/// "[WEIGHT ]METHOD PATH".
Result<loadgen::RequestSpec> mix_entry_of(std::string_view text) {
  loadgen::RequestSpec spec;
  std::string_view rest = core::trimmed(text);
  std::int64_t weight = 1;
  const auto [end, failure] = std::from_chars(rest.data(), rest.data() + rest.size(), weight);
  if (failure == std::errc() && end != rest.data() + rest.size() && *end == ' ') {
    spec.weight = weight;
    rest = core::trimmed(rest.substr(static_cast<std::size_t>(end - rest.data())));
  }
  const std::size_t blank = rest.find(' ');
  if (blank == std::string_view::npos) {
    spec.path = rest;
  } else {
    spec.method = rest.substr(0, blank);
    spec.path = core::trimmed(rest.substr(blank));
  }
  if (spec.path.empty() || spec.path.find("/") == std::string::npos) {
    return make_error(ErrorKind::usage, fmt::format("--request: \"{}\" is not a request", text),
                      "write it as '8 GET /api/v1/ping': weight, method, path");
  }
  return spec;
}

Result<void> read_requests(const LoadOptions& options, loadgen::LoadPlan& plan) {
  for (const std::string& text : options.headers) {
    auto header = header_of(text);
    if (!header) return header.error();
    plan.headers.push_back(std::move(*header));
  }
  loadgen::RequestSpec base;
  base.body = options.body;
  if (!options.body_file.empty()) {
    auto body = core::read_file(options.body_file);
    if (!body) return body.error();
    base.body = std::move(*body);
  }
  base.method = !options.method.empty() ? options.method : base.body.empty() ? "GET" : "POST";
  auto checks = checks_of(options);
  if (!checks) return checks.error();
  if (!options.targets.empty()) {
    auto specs = loadgen::read_vegeta_targets(options.targets);
    if (!specs) return specs.error();
    plan.mix = std::move(*specs);
    plan.mix_in_order = true;
  }
  for (const std::string& text : options.mix) {
    auto spec = mix_entry_of(text);
    if (!spec) return spec.error();
    if (spec->method == base.method) spec->body = base.body;
    plan.mix.push_back(std::move(*spec));
  }
  if (plan.mix.empty()) {
    base.path = plan.target.target;
    plan.mix.push_back(base);
  }
  for (loadgen::RequestSpec& spec : plan.mix) spec.checks = *checks;
  if (!options.feed.empty()) {
    const auto order = options.feed_order == "shuffled" ? loadgen::Feeder::Order::shuffled
                       : options.feed_order == "unique" ? loadgen::Feeder::Order::unique
                                                        : loadgen::Feeder::Order::sequential;
    auto feeder = loadgen::read_feeder(options.feed, order);
    if (!feeder) return feeder.error();
    plan.feeder = std::move(*feeder);
  }
  return {};
}

Result<void> read_limits(const LoadOptions& options, loadgen::LoadPlan& plan) {
  const std::tuple<const char*, const std::string*, core::Nanoseconds*> durations[] = {
      {"--duration", &options.duration, &plan.duration},
      {"--warm-up", &options.warm_up, &plan.warm_up},
      {"--timeout", &options.timeout, &plan.request_timeout},
      {"--connect-timeout", &options.connect_timeout, &plan.connect_timeout},
      {"--lag-limit", &options.lag_limit, &plan.lag_limit}};
  for (const auto& [flag, text, value] : durations) {
    if (text->empty()) continue;
    const auto duration = duration_of(flag, *text);
    if (!duration) return duration.error();
    *value = *duration;
  }
  plan.drain_timeout = plan.request_timeout;
  if (options.overload == "drop") {
    plan.overload = loadgen::Overload::drop;
  } else if (options.overload.rfind("shed-after=", 0) == 0) {
    const auto after = duration_of("--overload shed-after", options.overload.substr(11));
    if (!after) return after.error();
    plan.overload = loadgen::Overload::shed_after;
    plan.shed_after = *after;
  } else if (options.overload != "queue") {
    return make_error(ErrorKind::usage, fmt::format("--overload: \"{}\" is not a policy", options.overload),
                      "write queue, drop or shed-after=500ms");
  }
  if (!options.stripe.empty()) {
    const std::size_t slash = options.stripe.find('/');
    plan.stripe_index = std::atoll(options.stripe.c_str()) - 1;
    plan.stripe_count = slash == std::string::npos ? 0 : std::atoll(options.stripe.c_str() + slash + 1);
    if (plan.stripe_index < 0 || plan.stripe_count < 1 || plan.stripe_index >= plan.stripe_count) {
      return make_error(ErrorKind::usage, fmt::format("--stripe: \"{}\" is not a share", options.stripe),
                        "the first of three generators is 1/3");
    }
  }
  return {};
}

}  // namespace

void add_load_options(CLI::App& command, LoadOptions& o) {
  command.add_option("url", o.url, "what to load: http://host:port/path (https for TLS)");
  const char* when = "When requests are due";
  command
      .add_option("-r,--rate", o.rate,
                  "arrivals: 200/s, 90/m, 1.5/s; with --stage where the first ramp starts")
      ->group(when);
  command.add_option("-d,--duration", o.duration, "length of the measured part: 30s, 5m; default 10s")
      ->group(when);
  command.add_option("-n,--requests", o.requests, "stop after so many requests")
      ->check(CLI::NonNegativeNumber)
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
      ->check(CLI::NonNegativeNumber)
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

  const char* what = "What is sent";
  command.add_option("-X,--method", o.method, "default GET, or POST with a body")->group(what);
  command.add_option("-H,--header", o.headers, "'Name: value'; repeat for more")->group(what);
  command.add_option("-b,--body", o.body, "with placeholders: {{i}} {{uuid}} {{random 1 100}} {{column}}")
      ->group(what);
  command.add_option("--body-file", o.body_file, "the body from a file")->group(what);
  command
      .add_option("--request", o.mix,
                  "'[WEIGHT] METHOD PATH', repeat for a mix: --request '8 GET /a' --request '2 GET /b'")
      ->group(what);
  command.add_option("--targets", o.targets, "a vegeta targets file, sent in order")->group(what);
  command.add_option("--feed", o.feed, "rows for {{column}} placeholders: .csv or .jsonl")->group(what);
  command
      .add_option("--feed-order", o.feed_order, "sequential, shuffled, or unique: each row once, then stop")
      ->check(CLI::IsMember({"sequential", "shuffled", "unique"}))
      ->capture_default_str()
      ->group(what);

  const char* check = "What is a good answer";
  command.add_option("--expect-status", o.expect_status, "200,204; default: below 400")
      ->delimiter(',')
      ->group(check);
  command.add_option("--expect-header", o.expect_header, "'Name' or 'Name: part of the value'")->group(check);
  command.add_option("--expect-body", o.expect_body, "text that the body contains")->group(check);
  command.add_option("--expect-json", o.expect_json, "/json/pointer or /json/pointer=value")->group(check);
  command.add_option("--expect-size", o.expect_size, "bytes: 100, 100.. or 100..2000")->group(check);
  command.add_option("--expect-time", o.expect_time, "longest service time")->group(check);

  const char* connections = "Connections";
  command.add_option("--timeout", o.timeout, "from sent to the last byte")
      ->capture_default_str()
      ->group(connections);
  command.add_option("--connect-timeout", o.connect_timeout, "TCP and TLS")
      ->capture_default_str()
      ->group(connections);
  command.add_option("--max-connections", o.max_connections, "never more open at once")
      ->check(CLI::PositiveNumber)
      ->capture_default_str()
      ->group(connections);
  command
      .add_option("--connections", o.connections, "opened before the start; default: chosen from the rate")
      ->group(connections);
  command
      .add_option("--max-in-flight", o.max_in_flight,
                  "never more requests unanswered; 0: as many as connections")
      ->check(CLI::NonNegativeNumber)
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
      ->group(connections);
  command.add_flag("-4,--ipv4", o.ipv4, "IPv4 only")->group(connections);
  command.add_flag("-6,--ipv6", o.ipv6, "IPv6 only")->excludes("--ipv4")->group(connections);
  command.add_flag("--http2", o.http2, "HTTP/2 (over TLS, or with prior knowledge)")->group(connections);
  command.add_option("--cacert", o.tls.ca_file, "CA certificates (PEM) instead of the system's")
      ->group(connections);
  command.add_option("--cert", o.tls.cert_file, "client certificate (PEM)")->group(connections);
  command.add_option("--key", o.tls.key_file, "its private key (PEM)")->group(connections);
  command.add_option("--sni", o.tls.server_name, "server name to ask for and verify")->group(connections);
  command.add_flag("-k,--insecure", o.tls.insecure, "take any certificate")->group(connections);

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
          " tried for --duration, from --rate (100/s) up")
      ->group(judgement);
  command.add_option("--max-rate", o.max_rate, "where --find-max stops")
      ->capture_default_str()
      ->group(judgement);
  command
      .add_option("--lag-limit", o.lag_limit,
                  "p99 schedule lag above this makes the run inconclusive (exit 3)")
      ->capture_default_str()
      ->group(judgement);

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

Result<loadgen::LoadPlan> plan_from(const LoadOptions& options) {
  loadgen::LoadPlan plan;
  std::string url = options.url;
  if (url.empty() && !options.targets.empty()) {
    const auto specs = loadgen::read_vegeta_targets(options.targets);
    if (!specs) return specs.error();
    url = specs->front().path;
  }
  if (url.empty()) {
    return make_error(ErrorKind::usage, "there is no URL",
                      "obsctl load run http://127.0.0.1:8080/ --rate 200/s");
  }
  auto target = core::parse_url(url);
  if (!target) return target.error();
  plan.target = std::move(*target);
  for (const auto read : {read_arrivals, read_requests, read_limits}) {
    const auto result = read(options, plan);
    if (!result) return result.error();
  }
  plan.max_requests = options.requests;
  const bool endless =
      plan.arrivals.stages.empty() && options.requests == 0 && options.feed_order != "unique";
  if (options.duration.empty() && endless) plan.duration = std::chrono::seconds(10);
  plan.pacing = options.pacing == "precise"    ? loadgen::Pacing::precise
                : options.pacing == "coalesce" ? loadgen::Pacing::coalesce
                                               : loadgen::Pacing::timer;
  plan.threads = options.threads;
  plan.seed = options.seed;
  plan.max_connections = options.max_connections;
  plan.initial_connections = options.connections;
  plan.max_in_flight = options.max_in_flight;
  plan.keep_alive = !options.no_keep_alive;
  plan.unix_socket = options.unix_socket;
  plan.connect_to = options.connect_to;
  plan.address_family = options.ipv4 ? 4 : options.ipv6 ? 6 : 0;
  plan.version = options.http2 ? loadgen::HttpVersion::http2 : loadgen::HttpVersion::http1;
  plan.tls = options.tls;
  return plan;
}

Result<std::vector<loadgen::Condition>> conditions_from(const std::vector<std::string>& texts) {
  std::vector<loadgen::Condition> conditions;
  for (const std::string& text : texts) {
    auto condition = loadgen::Condition::parse(text);
    if (!condition) return condition.error();
    conditions.push_back(std::move(*condition));
  }
  return conditions;
}

}  // namespace obsctl::cli
