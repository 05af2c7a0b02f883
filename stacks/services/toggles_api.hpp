// The control API of the toggles of any program that has a board of them: GET and DELETE /api/v1/toggles,
// GET, PUT, POST and DELETE /api/v1/toggles/{name}. With If-None-Match: * a toggle that is on is not set
// anew, so that two who break the same service cannot overwrite each other's faults.
#pragma once

#include <string>
#include <string_view>

#include "core/control_gate.hpp"
#include "core/http_server.hpp"
#include "core/log.hpp"
#include "stacks/services/toggle_board.hpp"

namespace obsctl::stacks {

struct TogglesApiOptions {
  /// That every call has to bring; empty: every call is refused with 403.
  std::string token = {};
  /// Where the token is set, as the refusal names it: "OBSCTL_SERVICE_TOKEN".
  std::string_view token_variable;
};

class TogglesApi {
 public:
  /// `board`, `clock` and `log` outlive it.
  TogglesApi(ToggleBoard& board, const TogglesApiOptions& options, const core::Clock& clock,
             core::Logger& log);

  /// True: a path that answer() is for.
  static bool serves(std::string_view path);
  /// Any method; 404, 405 and 429 are among the answers.
  core::HttpResponse answer(const core::HttpExchange& exchange);
  /// Switches off, and logs, what has outlived its TTL. To be called before each request is decided.
  void expire();

 private:
  core::HttpResponse no_such_toggle(std::string_view name) const;
  core::HttpResponse all() const;
  core::HttpResponse one(std::size_t kind) const;
  core::HttpResponse set(const core::HttpExchange& exchange, std::size_t kind);
  core::HttpResponse clear_all();
  void clear(std::size_t kind);

  ToggleBoard& board_;
  core::ControlGate gate_;
  core::Logger& log_;
};

}  // namespace obsctl::stacks
