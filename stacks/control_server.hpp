// The control API of a stack: loopback HTTP with a bearer token. Questions are answered on the server's
// thread; what starts processes is handed to the main thread, whose life theirs hangs on.
//
//   GET  /v1/status                       {"services": [...], "failed": null | {...}}
//   POST /v1/services/NAME/stop           {"mode": "terminate" | "kill"}
//   POST /v1/services/NAME/start
//   POST /v1/services/NAME/signal         {"signal": 19}
//   POST /v1/down
// An error is {"kind", "message", "hint"} with a status that is not 2xx.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>

#include "core/error.hpp"
#include "core/http_server.hpp"
#include "stacks/stack.hpp"

namespace obsctl::stacks {

class ControlServer {
 public:
  /// Listens on a free port of 127.0.0.1. `stack` outlives the server. Errors: unavailable.
  static core::Result<std::unique_ptr<ControlServer>> start(Stack& stack, std::string token);
  ~ControlServer();

  std::string url() const;
  /// Carries out one request that was handed over, or waits for one, at most `patience`. False once the stack
  /// has been taken down by request. Main thread only.
  bool serve_one(core::Nanoseconds patience, const std::stop_token& stop);

 private:
  using Exchange = std::shared_ptr<core::HttpExchange>;
  ControlServer(Stack& stack, std::string token) : stack_(stack), token_(std::move(token)) {}
  void handle(const Exchange& exchange);
  void answer_status(const Exchange& exchange);
  void hand_over(const Exchange& exchange, std::function<core::Result<void>()> action);
  void handle_service(const Exchange& exchange, const std::string& service, std::string_view verb);

  Stack& stack_;
  std::string token_;
  std::mutex mutex_;
  std::condition_variable_any arrived_;
  std::deque<std::function<void()>> jobs_;
  bool down_ = false;                         // main thread only
  std::unique_ptr<core::HttpServer> server_;  // last: ends before what its handlers use
};

}  // namespace obsctl::stacks
