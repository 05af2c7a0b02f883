#include "stacks/services/toggles_api.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/text.hpp"
#include "stacks/services/problem.hpp"
#include "stacks/services/routes.hpp"

namespace obsctl::stacks {

namespace {

using Json = nlohmann::ordered_json;

std::string written(const Json& document) {
  return document.dump(-1, ' ', false, Json::error_handler_t::replace) + '\n';
}

}  // namespace

TogglesApi::TogglesApi(ToggleBoard& board, const TogglesApiOptions& options, const core::Clock& clock,
                       core::Logger& log)
    : board_(board),
      gate_({.token = options.token,
             .locked = fmt::format("the toggles are locked: the service was started without a token ({})",
                                   options.token_variable),
             .realm = "toggles"},
            clock),
      log_(log) {}

bool TogglesApi::serves(std::string_view path) {
  const RouteId route = route_of(path).id;
  return route == RouteId::toggles || route == RouteId::toggle;
}

core::HttpResponse TogglesApi::answer(const core::HttpExchange& exchange) {
  const Route& route = route_of(exchange.path());
  const Method method = method_of(exchange.method());
  if (!route.knows(method)) return unknown_method(route, exchange.method());
  if (auto refused = gate_.refusal(exchange)) return std::move(*refused);
  if (route.id == RouteId::toggles) return method == Method::del ? clear_all() : all();
  const std::string_view name = exchange.path().substr(exchange.path().rfind('/') + 1);
  const std::optional<std::size_t> kind = board_.find(name);
  if (!kind) return no_such_toggle(name);
  if (method == Method::put || method == Method::post) return set(exchange, *kind);
  if (method == Method::del) clear(*kind);
  return one(*kind);
}

void TogglesApi::expire() {
  for (const std::string_view name : board_.expire())
    log_.info("toggle expired", {{"toggle", std::string(name)}});
}

core::HttpResponse TogglesApi::no_such_toggle(std::string_view name) const {
  std::vector<std::string> names;
  for (const ToggleKind& kind : board_.kinds()) names.emplace_back(kind.name);
  return problem(404, fmt::format("there is no toggle \"{}\"{}; there are: {}", name,
                                  core::did_you_mean(name, names), fmt::join(names, ", ")));
}

core::HttpResponse TogglesApi::all() const {
  Json body{{"toggles", Json::array()}};
  for (std::size_t kind = 0; kind < board_.kinds().size(); ++kind)
    body["toggles"].push_back(board_.state(kind));
  return json_answer(200, written(body));
}

core::HttpResponse TogglesApi::one(std::size_t kind) const {
  return json_answer(200, written(board_.state(kind)));
}

core::HttpResponse TogglesApi::clear_all() {
  for (std::size_t kind = 0; kind < board_.kinds().size(); ++kind) clear(kind);
  return all();
}

core::HttpResponse TogglesApi::set(const core::HttpExchange& exchange, std::size_t kind) {
  const auto body = nlohmann::json::parse(exchange.body(), nullptr, false);
  if (body.is_discarded()) return problem(400, "the body is not JSON");
  if (!body.is_object()) return problem(422, "the body must be a JSON object");
  if (board_.on(kind) && exchange.header("If-None-Match") == "*")
    return problem(
        412, fmt::format("the toggle \"{}\" is on already, for another {}", board_.kinds()[kind].name,
                         core::format_duration(std::chrono::ceil<std::chrono::seconds>(board_.left(kind)))));
  const std::vector<FieldError> errors = board_.set(kind, body);
  if (!errors.empty())
    return problem(422, fmt::format("the toggle \"{}\" was left as it was", board_.kinds()[kind].name),
                   errors);
  log_.info("toggle set", {{"toggle", board_.state(kind).dump(), true}});
  return one(kind);
}

void TogglesApi::clear(std::size_t kind) {
  if (board_.clear(kind)) log_.info("toggle cleared", {{"toggle", std::string(board_.kinds()[kind].name)}});
}

}  // namespace obsctl::stacks
