// [load.NAME] of a scenario: the plan of `obsctl load run`, with its options as keys and in the same
// notation. Left out is what would end a load, which a run does itself, and a closed loop, which sends the
// less the worse its target is.
#include <filesystem>

#include <fmt/format.h>

#include "core/file.hpp"
#include "loadgen/input_files.hpp"
#include "loadgen/plan_text.hpp"
#include "loadgen/request_mix.hpp"
#include "scenarios/scenario_parts.hpp"

namespace obsctl::scenarios {

using core::TomlTable;
using loadgen::LoadPlan;

namespace {

constexpr std::int64_t kMostWeight = 1'000'000;
constexpr std::int64_t kMostConnections = 1'000'000;
constexpr Nanoseconds kLongestTimeout = std::chrono::hours(1);  // loadgen/plan_check.cpp

/// What is wrong with one text of a key, said where it stands.
void report_text(TomlTable& table, std::string_view key, std::size_t index, const core::Error& error) {
  table.report_in(key, index, fmt::format("{}.{}: {}", table.path(), key, error.message), error.hint);
}

/// The key's texts, each read by `parse`. Mistakes are reported, and then nothing comes back.
template <class Value>
std::optional<std::vector<Value>> read_texts(TomlTable& table, std::string_view key,
                                             core::Result<Value> (*parse)(std::string_view)) {
  const std::vector<std::string> texts = table.strings(key);
  std::vector<Value> values;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    auto value = parse(texts[i]);
    if (value) {
      values.push_back(std::move(*value));
    } else {
      report_text(table, key, i, value.error());
    }
  }
  return values.size() == texts.size() ? std::optional(std::move(values)) : std::nullopt;
}

std::vector<core::HttpHeader> read_headers(TomlTable& table) {
  std::vector<core::HttpHeader> headers;
  for (const auto& [name, value] : table.string_map("headers")) headers.push_back({name, value});
  return headers;
}

/// A file that the scenario names, beside it unless the path is absolute.
std::string beside(const TomlTable& table, const std::string& path) {
  return std::filesystem::path(table.position().file).parent_path() / path;
}

std::string read_path(TomlTable& table, std::string_view key) {
  const std::string path = read_name(table, key, "");
  return path.empty() ? path : beside(table, path);
}

/// False when there is a mistake in them.
bool read_stages(TomlTable& table, loadgen::Arrivals& arrivals) {
  auto stages = read_texts(table, "stages", loadgen::parse_stage);
  if (!stages) return false;
  for (const loadgen::Stage& stage : *stages) {
    if (!is_possible(table, "stages", stage.duration, Least::zero)) return false;
  }
  if (!stages->empty() && stages->back().rate.count == 0) {
    table.report_at("stages", fmt::format("{}.stages must not end at 0", table.path()),
                    "the last rate goes on until the run is over");
    return false;
  }
  arrivals.endless = !stages->empty();
  arrivals.stages = std::move(*stages);
  return true;
}

/// False when there is a mistake in it.
bool read_sine(TomlTable& table, loadgen::Arrivals& arrivals) {
  const auto text = table.string("sine");
  if (!text) return true;
  const auto sine = loadgen::parse_sine(*text);
  if (!sine) {
    report_text(table, "sine", 0, sine.error());
    return false;
  }
  arrivals.sine_amplitude = sine->amplitude;
  arrivals.sine_period = sine->period;
  return is_possible(table, "sine", sine->period, Least::above_zero);
}

void read_arrivals(TomlTable& table, loadgen::Arrivals& arrivals) {
  const auto rate = table.rate("rate");
  arrivals.rate = rate.value_or(arrivals.rate);
  arrivals.poisson = table.boolean("poisson").value_or(false);
  const bool stages_read = read_stages(table, arrivals);
  const bool sine_read = read_sine(table, arrivals);
  if (!table.has("rate") && !table.has("stages")) {
    table.report(fmt::format("{}.rate is missing", table.path()), "add rate = \"200/s\"");
  } else if (rate && rate->count == 0 && !table.has("stages")) {
    table.report_at("rate", fmt::format("{}.rate must be above 0", table.path()));
  } else if (stages_read && sine_read && (rate || !table.has("rate"))) {
    const auto schedule = loadgen::Schedule::compile(arrivals);
    if (!schedule) report_text(table, table.has("sine") ? "sine" : "stages", 0, schedule.error());
  }
}

loadgen::Checks read_checks(TomlTable& table) {
  loadgen::Checks checks;
  for (const std::int64_t status : table.integers("status")) {
    if (status < 100 || status > 999)
      table.report_in("status", checks.statuses.size(),
                      fmt::format("{}.status must be from 100 to 999", table.path()));
    checks.statuses.push_back(static_cast<int>(status));
  }
  checks.headers = read_texts(table, "header", loadgen::parse_expected_header).value_or(checks.headers);
  checks.body_contains = table.strings("body");
  checks.json = read_texts(table, "json", loadgen::parse_expected_json).value_or(checks.json);
  if (const auto size = table.string("size")) {
    const auto parsed = loadgen::parse_expected_size(*size, checks);
    if (!parsed) report_text(table, "size", 0, parsed.error());
  }
  checks.max_service_time = read_duration(table, "time", Least::above_zero).value_or(checks.max_service_time);
  table.finish();
  return checks;
}

/// What the load generator would refuse at the start, said now: methods, headers, placeholders.
void check_with_generator(TomlTable& table, const LoadPlan& load, const loadgen::RequestSpec& request) {
  LoadPlan plan;
  plan.target.scheme = "http";
  plan.target.host = "localhost";
  plan.headers = load.headers;
  plan.feeder = load.feeder;
  plan.mix.push_back(request);
  const auto compiled = loadgen::RequestMix::compile(plan);
  if (!compiled) table.report(compiled.error().message, compiled.error().hint);
}

bool is_path(std::string_view text) {
  return text.substr(0, 1) == "/";
}

/// `checks` are those of a request without its own.
loadgen::RequestSpec read_request(TomlTable& table, const loadgen::Checks& checks) {
  loadgen::RequestSpec request;
  request.path = table.required_string("path");
  request.headers = read_headers(table);
  request.body = table.string("body").value_or("");
  if (const auto file = table.string("body_file")) {
    auto body = core::read_file(beside(table, *file));
    if (table.has("body")) {
      table.report_at("body_file", fmt::format("{}.body and body_file exclude each other", table.path()));
    } else if (!body) {
      report_text(table, "body_file", 0, body.error());
    } else {
      request.body = std::move(*body);
    }
  }
  request.method = table.string("method").value_or(request.method);
  request.name = read_name(table, "name", fmt::format("{} {}", request.method, request.path));
  request.weight = read_integer(table, "weight", 1, kMostWeight).value_or(1);
  auto expect = table.table("expect");
  request.checks = expect ? read_checks(*expect) : checks;
  if (table.has("path") && !is_path(request.path))
    table.report_at("path", fmt::format("{}.path must begin with /", table.path()));
  table.finish();
  return request;
}

/// False when there should be a feeder, and is none.
bool read_feed(TomlTable& table, LoadPlan& plan) {
  const auto path = table.string("feed");
  const bool shuffled = table.one_of("feed_order", {"sequential", "shuffled"}) == "shuffled";
  if (!path) return !table.has("feed");
  auto feeder = loadgen::read_feeder(
      beside(table, *path), shuffled ? loadgen::Feeder::Order::shuffled : loadgen::Feeder::Order::sequential);
  if (feeder) {
    plan.feeder = std::move(*feeder);
    return true;
  }
  const auto& where = feeder.error().where;
  table.report_at("feed",
                  fmt::format("{}.feed: {}{}", table.path(),
                              where ? fmt::format("{}:{}: ", where->file, where->line) : std::string(),
                              feeder.error().message),
                  feeder.error().hint);
  return false;
}

void read_requests(TomlTable& table, LoadPlan& plan) {
  plan.headers = read_headers(table);
  const bool columns_known = read_feed(table, plan);
  loadgen::Checks checks;
  if (auto expect = table.table("expect")) checks = read_checks(*expect);
  for (TomlTable& request : table.tables("requests")) {
    plan.mix.push_back(read_request(request, checks));
    if (columns_known && is_path(plan.mix.back().path)) check_with_generator(request, plan, plan.mix.back());
  }
  if (!plan.mix.empty()) return;
  plan.mix.push_back({"GET /", "GET", "/", {}, {}, 1, checks});
  if (columns_known) check_with_generator(table, plan, plan.mix.back());
}

Nanoseconds read_timeout(TomlTable& table, std::string_view key, Nanoseconds by_default) {
  const Nanoseconds timeout = read_duration(table, key, Least::above_zero).value_or(by_default);
  if (timeout > kLongestTimeout) {
    table.report_at(key, fmt::format("{}.{} must be at most {}", table.path(), key,
                                     core::format_duration(kLongestTimeout)));
  }
  return timeout;
}

void read_connections(TomlTable& table, LoadPlan& plan) {
  const auto count = [&](std::string_view key, std::int64_t from, int by_default) {
    return static_cast<int>(read_integer(table, key, from, kMostConnections).value_or(by_default));
  };
  plan.request_timeout = read_timeout(table, "timeout", plan.request_timeout);
  plan.connect_timeout = read_timeout(table, "connect_timeout", plan.connect_timeout);
  plan.max_in_flight = count("max_in_flight", 1, plan.max_in_flight);
  plan.max_connections = count("max_connections", 1, plan.max_connections);
  plan.initial_connections = count("connections", 0, plan.initial_connections);
  plan.keep_alive = table.boolean("keep_alive").value_or(plan.keep_alive);
  if (const auto overload = table.string("overload")) {
    const auto parsed = loadgen::parse_overload(*overload, plan);
    if (!parsed) report_text(table, "overload", 0, parsed.error());
  }
  plan.connect_to = read_name(table, "connect_to", "");
  plan.unix_socket = read_name(table, "unix", "");
  if (table.boolean("ipv4").value_or(false)) plan.address_family = 4;
  if (table.boolean("ipv6").value_or(false)) plan.address_family = 6;
  if (table.boolean("http2").value_or(false)) plan.version = loadgen::HttpVersion::http2;
  plan.tls.ca_file = read_path(table, "cacert");
  plan.tls.cert_file = read_path(table, "cert");
  plan.tls.key_file = read_path(table, "key");
  plan.tls.server_name = read_name(table, "sni", "");
  plan.tls.insecure = table.boolean("insecure").value_or(false);
}

void read_sending(TomlTable& table, LoadPlan& plan) {
  const auto pacing = table.one_of("pacing", {"timer", "precise", "coalesce"});
  if (pacing == "precise") plan.pacing = loadgen::Pacing::precise;
  if (pacing == "coalesce") plan.pacing = loadgen::Pacing::coalesce;
  plan.threads = static_cast<int>(read_integer(table, "threads", 1, 256).value_or(plan.threads));
  plan.seed = static_cast<std::uint64_t>(read_integer(table, "seed", 0, INT64_MAX).value_or(1));
}

}  // namespace

Load read_load(TomlTable& table, const std::string& name) {
  Load load;
  load.name = name;
  load.target = required_text(table, "target");
  read_arrivals(table, load.plan.arrivals);
  // The only order in which the budgets of alert-timing hold; see docs/explanation/alert-timing.md.
  table.one_of("until", {"cleared"});
  read_sending(table, load.plan);
  read_requests(table, load.plan);
  read_connections(table, load.plan);
  table.finish();
  return load;
}

}  // namespace obsctl::scenarios
