// The control API of misbehaviours: GET and DELETE /api/v1/misbehaviour, GET, PUT and DELETE
// /api/v1/misbehaviour/{receiver}; bearer token and TTL as with the sample service's toggles. Internal to
// verifiers/.
#pragma once

#include <string>

#include "core/control_gate.hpp"
#include "core/http_server.hpp"
#include "core/log.hpp"
#include "verifiers/receiver_misbehaviour.hpp"

namespace obsctl::verifiers {

class MisbehaviourApi {
 public:
  MisbehaviourApi(MisbehaviourBoard& board, core::ControlGate& gate, core::Logger& log)
      : board_(board), gate_(gate), log_(log) {}

  core::HttpResponse answer_all(const core::HttpExchange& exchange);
  core::HttpResponse answer_one(const core::HttpExchange& exchange, const std::string& receiver);

 private:
  core::HttpResponse all() const;
  core::HttpResponse one(const std::string& receiver) const;
  core::HttpResponse set(const core::HttpExchange& exchange, const std::string& receiver);
  void clear(const std::string& receiver);

  MisbehaviourBoard& board_;
  core::ControlGate& gate_;
  core::Logger& log_;
};

}  // namespace obsctl::verifiers
