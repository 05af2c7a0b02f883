// The requests that a toggle keeps without an answer. Each goes on when its toggle goes off, or is forgotten
// when its client leaves. Used on the server's thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>

#include "core/http_server.hpp"

namespace obsctl::stacks {

class HeldRequests {
 public:
  /// Keeps `exchange` until the toggle `kind` is released; then `go_on` runs, or `left` when the client left
  /// before that.
  void hold(const std::shared_ptr<core::HttpExchange>& exchange, std::size_t kind,
            std::function<void()> go_on, std::function<void()> left);
  /// The toggle went off, or was set anew.
  void release(std::size_t kind);

 private:
  struct Held {
    std::size_t kind;
    std::function<void()> go_on;
  };
  std::uint64_t next_ = 0;
  std::map<std::uint64_t, Held> held_;
};

}  // namespace obsctl::stacks
