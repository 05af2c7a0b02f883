// The control API of misbehaviours: GET and DELETE /api/v1/misbehaviour, GET, PUT and DELETE
// /api/v1/misbehaviour/{receiver}; bearer token and TTL as with the sample service's toggles. Internal to
// verifiers/.
#pragma once

#include <string>

#include "core/http_server.hpp"
#include "core/log.hpp"
#include "verifiers/receiver_misbehaviour.hpp"

namespace obsctl::verifiers {

class MisbehaviourApi {
 public:
  /// Without a token every call is refused with 403.
  MisbehaviourApi(MisbehaviourBoard& board, std::string token, core::Logger& log)
      : board_(board), token_(std::move(token)), log_(log) {}

  core::HttpResponse answer_all(const core::HttpExchange& exchange);
  core::HttpResponse answer_one(const core::HttpExchange& exchange, const std::string& receiver);

 private:
  std::optional<core::HttpResponse> refusal(const core::HttpExchange& exchange) const;
  core::HttpResponse all() const;
  core::HttpResponse one(const std::string& receiver) const;
  core::HttpResponse set(const core::HttpExchange& exchange, const std::string& receiver);
  void clear(const std::string& receiver);

  MisbehaviourBoard& board_;
  const std::string token_;
  core::Logger& log_;
};

}  // namespace obsctl::verifiers
