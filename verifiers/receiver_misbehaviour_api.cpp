// See the header and docs/reference/receiver.md.
#include "verifiers/receiver_misbehaviour_api.hpp"

#include <fmt/format.h>

#include "core/http_response_text.hpp"
#include "core/text.hpp"
#include "verifiers/json_reader.hpp"

namespace obsctl::verifiers {

using Json = nlohmann::ordered_json;
using core::problem_response;

namespace {

constexpr core::Nanoseconds kDefaultTtl = std::chrono::minutes(5);
constexpr core::Nanoseconds kLongestTtl = std::chrono::hours(1);

Json state_of(const std::string& receiver, const MisbehaviourBoard::Plan* plan) {
  const Misbehaviour* next = plan == nullptr ? nullptr : plan->next();
  Json state{{"receiver", receiver}, {"active", next != nullptr}};
  if (plan == nullptr) return state;
  state["behaviours"] = Json::array();
  for (const Misbehaviour& step : plan->steps) state["behaviours"].push_back(to_string(step));
  if (next != nullptr) {
    Misbehaviour once = *next;
    once.times.reset();
    state["next"] = to_string(once);
  }
  state["affected"] = plan->affected;
  state["set_at"] = core::format_utc(plan->set_at);
  if (plan->ttl) {
    state["ttl"] = core::format_duration(*plan->ttl);
    state["expires_at"] = core::format_utc(plan->set_at + *plan->ttl);
  }
  return state;
}

core::HttpResponse json_answer(const Json& document) {
  return {.status = 200,
          .body = document.dump(-1, ' ', false, Json::error_handler_t::replace) + '\n',
          .content_type = "application/json",
          .headers = {{"Cache-Control", "no-store"}}};
}

core::HttpResponse wrong_method(std::string_view allowed) {
  core::HttpResponse response = problem_response(405, fmt::format("this path takes {} only", allowed));
  response.headers.push_back({"Allow", std::string(allowed)});
  return response;
}

struct Request {
  std::vector<Misbehaviour> steps;
  core::Nanoseconds ttl = kDefaultTtl;
};

/// The body of a PUT: {"behaviours": ["500x2", "slow:2s"], "ttl": "5m"}.
Request read_request(const JsonReader& root) {
  Request request;
  std::string text;
  for (const std::string& behaviour : root.texts("behaviours")) text += (text.empty() ? "" : ",") + behaviour;
  if (const auto steps = parse_misbehaviours(text)) {
    request.steps = *steps;
  } else {
    root.refuse("has behaviours that cannot be: " + steps.error().message);
  }
  const std::string ttl = root.text_or("ttl", "");
  const auto duration =
      ttl.empty() ? core::Result<core::Nanoseconds>(kDefaultTtl) : core::parse_duration(ttl);
  if (!duration) {
    root.refuse("has a ttl that cannot be: " + duration.error().message);
  } else if (*duration <= core::Nanoseconds::zero() || *duration > kLongestTtl) {
    root.refuse("has a ttl that is not above 0 and at most " + core::format_duration(kLongestTtl));
  } else {
    request.ttl = *duration;
  }
  for (const auto& [name, value] : root.value().items()) {
    if (name != "behaviours" && name != "ttl") {
      root.refuse(fmt::format("has the unknown member \"{}\"{}", name.substr(0, 40),
                              core::did_you_mean(name, {"behaviours", "ttl"})));
    }
  }
  return request;
}

}  // namespace

core::HttpResponse MisbehaviourApi::answer_all(const core::HttpExchange& exchange) {
  const bool reads = exchange.method() == "GET" || exchange.method() == "HEAD";
  if (!reads && exchange.method() != "DELETE") return wrong_method("GET, DELETE");
  if (auto refused = gate_.refusal(exchange)) return std::move(*refused);
  if (!reads) {
    for (const auto& [receiver, plan] : board_.plans()) clear(receiver);
  }
  return all();
}

core::HttpResponse MisbehaviourApi::answer_one(const core::HttpExchange& exchange,
                                               const std::string& receiver) {
  const std::string_view method = exchange.method();
  if (method != "GET" && method != "HEAD" && method != "PUT" && method != "DELETE") {
    return wrong_method("GET, PUT, DELETE");
  }
  if (auto refused = gate_.refusal(exchange)) return std::move(*refused);
  if (method == "PUT") return set(exchange, receiver);
  if (method == "DELETE") clear(receiver);
  return one(receiver);
}

core::HttpResponse MisbehaviourApi::all() const {
  Json body{{"misbehaviour", Json::array()}};
  for (const auto& [receiver, plan] : board_.plans())
    body["misbehaviour"].push_back(state_of(receiver, &plan));
  return json_answer(body);
}

core::HttpResponse MisbehaviourApi::one(const std::string& receiver) const {
  const auto plans = board_.plans();
  const auto plan = plans.find(receiver);
  return json_answer(state_of(receiver, plan == plans.end() ? nullptr : &plan->second));
}

core::HttpResponse MisbehaviourApi::set(const core::HttpExchange& exchange, const std::string& receiver) {
  JsonErrors errors(core::ErrorKind::invalid_input, "");
  const auto document = parse_json(exchange.body(), errors);
  if (!document) return problem_response(400, errors.first()->message);
  if (!document->is_object()) return problem_response(422, "the body must be a JSON object");
  Request request = read_request(JsonReader(*document, "", errors));
  if (errors.first()) return problem_response(422, errors.first()->message);
  const std::string told = fmt::format("{}", document->at("behaviours").dump());
  if (!board_.set(receiver, std::move(request.steps), request.ttl)) {
    return problem_response(409, "too many receivers misbehave already");
  }
  log_.info(
      "misbehaviour set",
      {{"receiver", receiver}, {"behaviours", told, true}, {"ttl", core::format_duration(request.ttl)}});
  return one(receiver);
}

void MisbehaviourApi::clear(const std::string& receiver) {
  if (board_.clear(receiver)) log_.info("misbehaviour cleared", {{"receiver", receiver}});
}

}  // namespace obsctl::verifiers
