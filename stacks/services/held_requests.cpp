#include "stacks/services/held_requests.hpp"

#include <vector>

namespace obsctl::stacks {

void HeldRequests::hold(const std::shared_ptr<core::HttpExchange>& exchange, std::size_t kind,
                        std::function<void()> go_on, std::function<void()> left) {
  const std::uint64_t id = next_++;
  held_.emplace(id, Held{kind, std::move(go_on)});
  // Once it goes on it is no longer here, and whoever works on it then listens for the client itself.
  exchange->on_gone([this, id, left = std::move(left)] {
    if (held_.erase(id) > 0) left();
  });
}

void HeldRequests::release(std::size_t kind) {
  std::vector<std::function<void()>> released;
  for (auto it = held_.begin(); it != held_.end();) {
    if (it->second.kind == kind) {
      released.push_back(std::move(it->second.go_on));
      it = held_.erase(it);
    } else {
      ++it;
    }
  }
  for (const auto& go_on : released) go_on();
}

}  // namespace obsctl::stacks
