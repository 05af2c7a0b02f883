// From options to a plan: every text is read once, here, and every mistake names its flag.
#include <charconv>

#include <fmt/format.h>

#include "cli/load_options.hpp"
#include "core/file.hpp"
#include "core/rate.hpp"
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

/// Digits only.
bool whole_number(std::string_view digits, std::int64_t& out) {
  const auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), out);
  return failure == std::errc() && end == digits.data() + digits.size() && out >= 0;
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
  if (!rate && core::parse_duration(rest.substr(0, colon))) {
    return make_error(ErrorKind::usage, fmt::format("--stage: \"{}\" has its duration first", text),
                      "write the rate first: 500/s:30s");
  }
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
    if (colon == std::string::npos) {
      return make_error(ErrorKind::usage, fmt::format("--sine: \"{}\" has no period", options.sine),
                        "write 50/s:1m for 50/s above and below --rate, once a minute");
    }
    const auto amplitude = rate_of("--sine", std::string_view(options.sine).substr(0, colon));
    if (!amplitude) return amplitude.error();
    const auto period = duration_of("--sine", options.sine.substr(colon + 1));
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
      return digits.empty() || whole_number(digits, out);
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
    std::int64_t part = 0;
    const std::string_view text = options.stripe;
    if (slash == std::string::npos || !whole_number(text.substr(0, slash), part) ||
        !whole_number(text.substr(slash + 1), plan.stripe_count) || part < 1 || part > plan.stripe_count) {
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
  if (!rate)
    return make_error(ErrorKind::usage, fmt::format("{}: {}", flag, rate.error().message), rate.error().hint);
  return *rate;
}

Result<std::vector<loadgen::Condition>> conditions_from(std::string_view flag,
                                                        const std::vector<std::string>& texts) {
  std::vector<loadgen::Condition> conditions;
  for (const std::string& text : texts) {
    auto condition = loadgen::Condition::parse(text);
    if (!condition)
      return make_error(ErrorKind::usage, fmt::format("{}: {}", flag, condition.error().message),
                        condition.error().hint);
    conditions.push_back(std::move(*condition));
  }
  return conditions;
}

}  // namespace obsctl::cli
