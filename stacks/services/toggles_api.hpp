// The control API of the toggles: GET and DELETE /api/v1/toggles, GET, PUT, POST and DELETE
// /api/v1/toggles/{name}.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "core/http_server.hpp"
#include "core/log.hpp"
#include "stacks/services/routes.hpp"
#include "stacks/services/toggle_board.hpp"

namespace obsctl::stacks {

class TogglesApi {
 public:
  /// Without a token every call is refused with 403. `was_set` is told each kind that has been switched on.
  TogglesApi(ToggleBoard& board, std::string token, core::Logger& log,
             std::function<void(std::size_t kind)> was_set);

  /// `method` is one that `route` knows.
  core::HttpResponse answer(const core::HttpExchange& exchange, RouteId route, Method method);

 private:
  std::optional<core::HttpResponse> refusal(const core::HttpExchange& exchange) const;
  core::HttpResponse all() const;
  core::HttpResponse one(std::size_t kind) const;
  core::HttpResponse set(const core::HttpExchange& exchange, std::size_t kind);
  void clear(std::size_t kind);

  ToggleBoard& board_;
  const std::string token_;
  core::Logger& log_;
  const std::function<void(std::size_t kind)> was_set_;
};

}  // namespace obsctl::stacks
