// [load.NAME] of a scenario.
#include <fmt/format.h>

#include "loadgen/request_mix.hpp"
#include "scenarios/scenario_parts.hpp"

namespace obsctl::scenarios {

using core::TomlTable;

namespace {

constexpr std::int64_t kMostWeight = 1'000'000;
constexpr std::int64_t kMostInFlight = 1'000'000;
constexpr Nanoseconds kLongestTimeout = std::chrono::hours(1);  // loadgen/plan_check.cpp

/// What the load generator would refuse at the start, said now: methods, headers, placeholders.
void check_with_generator(TomlTable& table, const Request& request) {
  loadgen::LoadPlan plan;
  plan.target.scheme = "http";
  plan.target.host = "localhost";
  loadgen::RequestSpec spec;
  spec.name = request.name;
  spec.method = request.method;
  spec.path = request.path;
  for (const auto& [name, value] : request.headers) spec.headers.push_back({name, value});
  spec.body = request.body;
  plan.mix.push_back(std::move(spec));
  const auto compiled = loadgen::RequestMix::compile(plan);
  if (!compiled) table.report(compiled.error().message, compiled.error().hint);
}

Request read_request(TomlTable& table) {
  Request request;
  request.path = table.required_string("path");
  request.method = table.string("method").value_or(request.method);
  request.name = read_name(table, "name", fmt::format("{} {}", request.method, request.path));
  request.headers = table.string_map("headers");
  request.body = table.string("body").value_or("");
  request.weight = read_integer(table, "weight", 1, kMostWeight).value_or(1);
  if (table.has("path") && request.path.rfind('/', 0) != 0) {
    table.report_at("path", fmt::format("{}.path must begin with /", table.path()));
  } else {
    check_with_generator(table, request);
  }
  table.finish();
  return request;
}

}  // namespace

Load read_load(TomlTable& table, const std::string& name) {
  Load load;
  load.name = name;
  load.target = required_text(table, "target");
  const auto rate = table.rate("rate");
  if (!table.has("rate")) {
    table.report(fmt::format("{}.rate is missing", table.path()), "add rate = \"200/s\"");
  } else if (rate && rate->count == 0) {
    table.report_at("rate", fmt::format("{}.rate must be above 0", table.path()));
  }
  load.rate = rate.value_or(load.rate);
  // The only order in which the budgets of alert-timing hold; see docs/explanation/alert-timing.md.
  table.one_of("until", {"cleared"});
  load.timeout = read_duration(table, "timeout", Least::above_zero).value_or(load.timeout);
  if (load.timeout > kLongestTimeout) {
    table.report_at("timeout", fmt::format("{}.timeout must be at most {}", table.path(),
                                           core::format_duration(kLongestTimeout)));
  }
  load.max_in_flight = read_integer(table, "max_in_flight", 1, kMostInFlight).value_or(0);
  for (TomlTable& request : table.tables("requests")) load.requests.push_back(read_request(request));
  if (load.requests.empty()) load.requests.push_back({"GET /", "GET", "/", {}, "", 1});
  table.finish();
  return load;
}

}  // namespace obsctl::scenarios
