// From options to a plan: every text is read once, here, and every mistake names its flag.
#include <charconv>

#include <fmt/format.h>

#include "cli/load_options.hpp"
#include "core/file.hpp"
#include "core/rate.hpp"
#include "core/text.hpp"
#include "loadgen/input_files.hpp"
#include "loadgen/plan_text.hpp"

namespace obsctl::cli {

namespace {

using core::ErrorKind;
using core::make_error;
using core::Result;

/// A text's mistake, said of the flag that held it.
core::Error at_flag(std::string_view flag, const core::Error& error) {
  return make_error(ErrorKind::usage, fmt::format("{}: {}", flag, error.message), error.hint);
}

/// Each text of a repeated flag, read by `parse`.
template <class Value>
Result<void> read_each(std::string_view flag, const std::vector<std::string>& texts,
                       Result<Value> (*parse)(std::string_view), std::vector<Value>& values) {
  for (const std::string& text : texts) {
    auto value = parse(text);
    if (!value) return at_flag(flag, value.error());
    values.push_back(std::move(*value));
  }
  return {};
}

Result<void> read_arrivals(const LoadOptions& options, loadgen::LoadPlan& plan) {
  const bool closed = options.concurrency > 0;
  if (closed && (!options.rate.empty() || !options.stages.empty() || !options.sine.empty())) {
    return make_error(ErrorKind::usage,
                      "--concurrency is a closed loop and excludes --rate, --stage and --sine",
                      "leave out --concurrency for a constant rate");
  }
  plan.arrivals.concurrency = options.concurrency;
  if (!options.rate.empty()) {
    const auto rate = rate_of("--rate", options.rate);
    if (!rate) return rate.error();
    plan.arrivals.rate = *rate;
  } else if (!options.find_max.empty()) {
    plan.arrivals.rate = core::Rate{100, std::chrono::seconds(1)};
  } else if (options.stages.empty() && options.sine.empty()) {
    plan.arrivals.rate = core::Rate{50, std::chrono::seconds(1)};
  }
  const auto stages = read_each("--stage", options.stages, loadgen::parse_stage, plan.arrivals.stages);
  if (!stages) return stages.error();
  if (!options.sine.empty()) {
    const auto sine = loadgen::parse_sine(options.sine);
    if (!sine) return at_flag("--sine", sine.error());
    plan.arrivals.sine_amplitude = sine->amplitude;
    plan.arrivals.sine_period = sine->period;
  }
  plan.arrivals.poisson = options.poisson;
  return {};
}

Result<loadgen::Checks> checks_of(const LoadOptions& options) {
  loadgen::Checks checks;
  checks.statuses = options.expect_status;
  checks.body_contains = options.expect_body;
  const auto headers =
      read_each("--expect-header", options.expect_header, loadgen::parse_expected_header, checks.headers);
  if (!headers) return headers.error();
  const auto json =
      read_each("--expect-json", options.expect_json, loadgen::parse_expected_json, checks.json);
  if (!json) return json.error();
  if (!options.expect_size.empty()) {
    const auto size = loadgen::parse_expected_size(options.expect_size, checks);
    if (!size) return at_flag("--expect-size", size.error());
  }
  if (!options.expect_time.empty()) {
    const auto limit = core::parse_duration(options.expect_time);
    if (!limit) return at_flag("--expect-time", limit.error());
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
  const auto headers = read_each("--header", options.headers, loadgen::parse_header, plan.headers);
  if (!headers) return headers.error();
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
    const auto duration = core::parse_duration(*text);
    if (!duration) return at_flag(flag, duration.error());
    *value = *duration;
  }
  plan.drain_timeout = plan.request_timeout;
  const auto overload = loadgen::parse_overload(options.overload, plan);
  if (!overload) return at_flag("--overload", overload.error());
  if (!options.stripe.empty()) {
    const std::size_t slash = options.stripe.find('/');
    std::int64_t part = 0;
    const std::string_view text = options.stripe;
    if (slash == std::string::npos || !loadgen::parse_whole_number(text.substr(0, slash), part) ||
        !loadgen::parse_whole_number(text.substr(slash + 1), plan.stripe_count) || part < 1 ||
        part > plan.stripe_count) {
      return make_error(ErrorKind::usage, fmt::format("--stripe: \"{}\" is not a share", options.stripe),
                        "the first of three generators is 1/3");
    }
    plan.stripe_index = part - 1;
  }
  return {};
}

}  // namespace

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

Result<core::Rate> rate_of(std::string_view flag, std::string_view text) {
  auto rate = core::parse_rate(text);
  if (!rate) return at_flag(flag, rate.error());
  return *rate;
}

Result<std::vector<loadgen::Condition>> conditions_from(std::string_view flag,
                                                        const std::vector<std::string>& texts) {
  std::vector<loadgen::Condition> conditions;
  const auto read = read_each(flag, texts, loadgen::Condition::parse, conditions);
  if (!read) return read.error();
  return conditions;
}

}  // namespace obsctl::cli
