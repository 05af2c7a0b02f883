// An HTTP API with fixed answers, for testing clients: path (or path and query) to answer, everything else is
// 404.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "core/http_server.hpp"
#include "tests/support/catch.hpp"

namespace obsctl::tests {

class FakeApi {
 public:
  FakeApi() {
    auto started = core::HttpServer::start({}, [this](const std::shared_ptr<core::HttpExchange>& exchange) {
      const std::lock_guard lock(mutex_);
      requests_.push_back(std::string(exchange->method()) + " " + std::string(exchange->target()));
      bodies_.emplace_back(exchange->body());
      auto found = answers_.find(std::string(exchange->target()));
      if (found == answers_.end()) found = answers_.find(std::string(exchange->path()));
      exchange->respond(found == answers_.end()
                            ? core::HttpResponse{.status = 404, .body = "404 page not found\n"}
                            : found->second);
    });
    REQUIRE(started);
    server_ = std::move(*started);
  }

  void answer(const std::string& path, std::string body, int status = 200) {
    const std::lock_guard lock(mutex_);
    answers_[path] = {.status = status, .body = std::move(body), .content_type = "application/json"};
  }
  std::string url() const { return server_->url(); }
  std::vector<std::string> requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
  }
  std::string last_body() const {
    const std::lock_guard lock(mutex_);
    return bodies_.empty() ? std::string() : bodies_.back();
  }

 private:
  mutable std::mutex mutex_;
  std::map<std::string, core::HttpResponse> answers_;
  std::vector<std::string> requests_;
  std::vector<std::string> bodies_;
  std::unique_ptr<core::HttpServer> server_;
};

}  // namespace obsctl::tests
