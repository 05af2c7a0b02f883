#include "stacks/services/toggles_api.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/text.hpp"
#include "stacks/services/problem.hpp"

namespace obsctl::stacks {

namespace {

using Json = nlohmann::ordered_json;

std::string written(const Json& document) {
  return document.dump(-1, ' ', false, Json::error_handler_t::replace) + '\n';
}

/// The credentials of "Bearer xyz" (RFC 6750); the scheme's case does not matter.
std::string_view bearer_token(std::string_view authorization) {
  constexpr std::string_view scheme = "bearer ";
  if (authorization.size() <= scheme.size()) return {};
  for (std::size_t i = 0; i < scheme.size(); ++i) {
    if ((authorization[i] | 0x20) != scheme[i]) return {};
  }
  return core::trimmed(authorization.substr(scheme.size()));
}

std::vector<std::string> names_of_kinds() {
  std::vector<std::string> names;
  for (const ToggleKind& kind : toggle_kinds()) names.emplace_back(kind.name);
  return names;
}

core::HttpResponse no_such_toggle(std::string_view name) {
  const std::vector<std::string> names = names_of_kinds();
  return problem(404, fmt::format("there is no toggle \"{}\"{}; there are: {}", name,
                                  core::did_you_mean(name, names), fmt::join(names, ", ")));
}

}  // namespace

TogglesApi::TogglesApi(ToggleBoard& board, std::string token, core::Logger& log,
                       std::function<void(std::size_t kind)> was_set)
    : board_(board), token_(std::move(token)), log_(log), was_set_(std::move(was_set)) {}

core::HttpResponse TogglesApi::answer(const core::HttpExchange& exchange, RouteId route, Method method) {
  if (auto refused = refusal(exchange)) return std::move(*refused);
  if (route == RouteId::toggles) {
    for (std::size_t kind = 0; method == Method::del && kind < toggle_kinds().size(); ++kind) clear(kind);
    return all();
  }
  const std::string_view name = exchange.path().substr(exchange.path().rfind('/') + 1);
  const std::optional<std::size_t> kind = ToggleBoard::find(name);
  if (!kind) return no_such_toggle(name);
  if (method == Method::put || method == Method::post) return set(exchange, *kind);
  if (method == Method::del) clear(*kind);
  return one(*kind);
}

std::optional<core::HttpResponse> TogglesApi::refusal(const core::HttpExchange& exchange) const {
  if (token_.empty())
    return problem(403,
                   "the toggles are locked: the service was started without a token (OBSCTL_SERVICE_TOKEN)");
  const std::string_view given = bearer_token(exchange.header("Authorization"));
  if (!given.empty() && core::equal_in_constant_time(given, token_)) return std::nullopt;
  core::HttpResponse response =
      problem(401, given.empty() ? "a bearer token is needed: Authorization: Bearer TOKEN"
                                 : "the bearer token is wrong");
  response.headers.push_back({"WWW-Authenticate", given.empty()
                                                      ? "Bearer realm=\"toggles\""
                                                      : "Bearer realm=\"toggles\", error=\"invalid_token\""});
  return response;
}

core::HttpResponse TogglesApi::all() const {
  Json body{{"toggles", Json::array()}};
  for (std::size_t kind = 0; kind < toggle_kinds().size(); ++kind)
    body["toggles"].push_back(board_.state(kind));
  return json_answer(200, written(body));
}

core::HttpResponse TogglesApi::one(std::size_t kind) const {
  return json_answer(200, written(board_.state(kind)));
}

core::HttpResponse TogglesApi::set(const core::HttpExchange& exchange, std::size_t kind) {
  const auto body = nlohmann::json::parse(exchange.body(), nullptr, false);
  if (body.is_discarded()) return problem(400, "the body is not JSON");
  if (!body.is_object()) return problem(422, "the body must be a JSON object");
  const std::vector<FieldError> errors = board_.set(kind, body);
  if (!errors.empty())
    return problem(422, fmt::format("the toggle \"{}\" was left as it was", toggle_kinds()[kind].name),
                   errors);
  was_set_(kind);
  log_.info("toggle set", {{"toggle", board_.state(kind).dump(), true}});
  return one(kind);
}

void TogglesApi::clear(std::size_t kind) {
  if (board_.clear(kind)) log_.info("toggle cleared", {{"toggle", std::string(toggle_kinds()[kind].name)}});
}

}  // namespace obsctl::stacks
