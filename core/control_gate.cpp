// See the header.
#include "core/control_gate.hpp"

#include <functional>

#include "core/http_response_text.hpp"
#include "core/text.hpp"

namespace obsctl::core {

namespace {

constexpr std::size_t kAddresses = 64;

/// The credentials of "Bearer xyz" (RFC 6750); the scheme's case does not matter.
std::string_view bearer_token(std::string_view authorization) {
  constexpr std::string_view scheme = "bearer ";
  if (authorization.size() <= scheme.size()) return {};
  for (std::size_t i = 0; i < scheme.size(); ++i) {
    if ((authorization[i] | 0x20) != scheme[i]) return {};
  }
  return trimmed(authorization.substr(scheme.size()));
}

HttpResponse too_many(std::string_view what, Nanoseconds wait) {
  HttpResponse response = problem_response(429, what);
  response.headers.push_back(retry_after(wait));
  return response;
}

}  // namespace

ControlGate::ControlGate(ControlGateOptions options, const Clock& clock)
    : options_(std::move(options)),
      clock_(clock),
      guesses_(kAddresses, TokenBucket(kGuesses, kGuessesAtOnce)) {}

TokenBucket& ControlGate::guesses_of(const std::string& address) {
  return guesses_[std::hash<std::string>()(address) % guesses_.size()];
}

/// Refusing costs as much as answering 401 or 403 does, so only what is compared or goes on is counted.
std::optional<HttpResponse> ControlGate::refusal(const HttpExchange& exchange) {
  if (options_.token.empty()) return problem_response(403, options_.locked);
  const std::string_view given = bearer_token(exchange.header("Authorization"));
  if (given.empty()) return unauthorized(true);
  const SteadyTime now = clock_.steady_now();
  TokenBucket& guesses = guesses_of(exchange.remote_address());
  if (const Nanoseconds wait = guesses.wait(now); wait > Nanoseconds(0))
    return too_many("too many wrong bearer tokens have come from this address", wait);
  if (equal_in_constant_time(given, options_.token)) return excess();
  guesses.take(now);
  return unauthorized(false);
}

std::optional<HttpResponse> ControlGate::excess() {
  const Nanoseconds wait = calls_.take(clock_.steady_now());
  if (wait == Nanoseconds(0)) return std::nullopt;
  return too_many("there are too many calls of the control API", wait);
}

HttpResponse ControlGate::unauthorized(bool without_token) const {
  HttpResponse response =
      problem_response(401, without_token ? "a bearer token is needed: Authorization: Bearer TOKEN"
                                          : "the bearer token is wrong");
  std::string challenge = "Bearer realm=\"" + std::string(options_.realm) + "\"";
  if (!without_token) challenge += ", error=\"invalid_token\"";
  response.headers.push_back({"WWW-Authenticate", std::move(challenge)});
  return response;
}

}  // namespace obsctl::core
