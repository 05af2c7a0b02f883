// The request that is being answered on a connection: what a handler holds on to. Its calls come from any
// thread and are brought to the connection's.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <netinet/in.h>

#include "core/event_loop.hpp"
#include "core/http_request.hpp"
#include "core/http_server.hpp"

namespace obsctl::core {

class HttpConnection;

class ConnectionExchange final : public HttpExchange,
                                 public std::enable_shared_from_this<ConnectionExchange> {
 public:
  ConnectionExchange(HttpConnection& connection, HttpRequest&& request, const sockaddr_in6& peer);

  std::string_view method() const override { return request_.method(); }
  std::string_view target() const override { return request_.target(); }
  std::string_view path() const override { return target().substr(0, target().find('?')); }
  std::optional<std::string> query(std::string_view name) const override;
  std::string_view header(std::string_view name) const override { return request_.header(name); }
  std::string_view body() const override { return request_.body(); }
  std::string remote_address() const override;
  std::chrono::steady_clock::time_point received_at() const override { return received_at_; }

  void respond(HttpResponse response) override;
  void reset() override;
  void abort() override;
  void after(Nanoseconds delay, std::function<void()> action) override;
  void on_gone(std::function<void()> action) override;

  const HttpRequest& request() const { return request_; }
  /// Somebody may still answer: apart from `holders` known references there are others, or a timer is
  /// running.
  bool has_other_holders(long holders) const {
    return weak_from_this().use_count() > holders || !timers_.empty();
  }
  /// Takes the exchange off its connection; `gone`: the client has left before it was answered.
  void end(bool gone);

 private:
  template <class Action>
  void on_loop(Action action);
  void start_timer(SteadyTime time, std::function<void()> action);
  void answer_if_abandoned();

  const HttpRequest request_;
  const sockaddr_in6 peer_;
  const SteadyTime received_at_;
  const std::shared_ptr<Mailbox> mailbox_;
  HttpConnection* connection_;  ///< null once the exchange has ended; used on the loop's thread only
  bool left_ = false;
  std::vector<EventLoop::TimerId> timers_;
  std::vector<std::function<void()>> gone_;
};

}  // namespace obsctl::core
