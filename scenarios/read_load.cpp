// [load.NAME] of a scenario.
#include <fmt/format.h>

#include "scenarios/scenario_parts.hpp"

namespace obsctl::scenarios {

using core::TomlTable;

namespace {

Request read_request(TomlTable& table) {
  Request request;
  request.path = table.required_string("path");
  request.method = table.string("method").value_or("GET");
  request.name = table.string("name").value_or(fmt::format("{} {}", request.method, request.path));
  request.headers = table.string_map("headers");
  request.body = table.string("body").value_or("");
  request.weight = table.integer("weight").value_or(1);
  if (request.weight < 1)
    table.report_at("weight", fmt::format("{}.weight must be at least 1", table.path()));
  if (!request.path.empty() && request.path.front() != '/') {
    table.report_at("path", fmt::format("{}.path must begin with /", table.path()));
  }
  table.finish();
  return request;
}

}  // namespace

Load read_load(TomlTable& table, const std::string& name) {
  Load load;
  load.name = name;
  load.target = table.required_string("target");
  if (!table.has("rate"))
    table.report(fmt::format("{}.rate is missing", table.path()), "add rate = \"200/s\"");
  load.rate = table.rate("rate").value_or(core::Rate{});
  if (table.has("rate") && load.rate.count == 0 && load.rate.per == std::chrono::seconds(1)) {
    const auto text = table.string("rate");
    if (text && core::parse_rate(*text))
      table.report_at("rate", fmt::format("{}.rate must be above 0", table.path()));
  }
  // The only order in which the budgets of alert-timing hold; see docs/explanation/alert-timing.md.
  table.one_of("until", {"cleared"});
  load.timeout = table.duration("timeout").value_or(load.timeout);
  load.max_in_flight = table.integer("max_in_flight").value_or(0);
  for (TomlTable& request : table.tables("requests")) load.requests.push_back(read_request(request));
  if (load.requests.empty() && !table.has("requests"))
    load.requests.push_back({"GET /", "GET", "/", {}, "", 1});
  table.finish();
  return load;
}

}  // namespace obsctl::scenarios
