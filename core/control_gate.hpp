// Who may call a control API, and how often: the gate of the toggles and of the receiver's misbehaviour.
//
// A guessed token has to be slow, and that cannot be had without refusing right ones too: were they let in
// while guesses are not, every refusal would say that a guess was wrong. So it is the guesser's address that
// is refused, whatever it brings, and nobody else's.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/clock.hpp"
#include "core/http_server.hpp"
#include "core/token_bucket.hpp"

namespace obsctl::core {

struct ControlGateOptions {
  /// That every call has to bring; empty: every call is refused with 403.
  std::string token = {};
  /// What that 403 says.
  std::string locked = {};
  /// Of WWW-Authenticate: "toggles".
  std::string_view realm = {};
};

/// Used on one thread.
class ControlGate {
 public:
  /// Of all callers together. obsctl itself looks at a fault ten times a second at most.
  static constexpr Rate kCalls{100, std::chrono::seconds(1)};
  static constexpr int kCallsAtOnce = 200;
  /// Wrong tokens of one address.
  static constexpr Rate kGuesses{1, std::chrono::seconds(1)};
  static constexpr int kGuessesAtOnce = 10;

  /// `clock` outlives the gate.
  ControlGate(ControlGateOptions options, const Clock& clock);

  /// The answer to a call that may not go on (401, 403, 429); nothing: it may. Tokens are compared in
  /// constant time.
  std::optional<HttpResponse> refusal(const HttpExchange& exchange);
  /// The same for a call that needs no token: 429 or nothing.
  std::optional<HttpResponse> excess();

 private:
  HttpResponse unauthorized(bool without_token) const;
  TokenBucket& guesses_of(const std::string& address);

  const ControlGateOptions options_;
  const Clock& clock_;
  TokenBucket calls_{kCalls, kCallsAtOnce};
  std::vector<TokenBucket> guesses_;  ///< by the hash of the address; few, whoever comes from however many
};

}  // namespace obsctl::core
