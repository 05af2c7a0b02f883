// The supervisor's own life: up, ready, serving, down.
#include "stacks/supervisor.hpp"

#include <cerrno>
#include <map>
#include <random>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "core/file.hpp"
#include "stacks/control_protocol.hpp"
#include "stacks/control_server.hpp"

namespace obsctl::stacks {

using core::Result;
using nlohmann::json;
using namespace std::chrono_literals;

namespace {

/// How soon a service that ended by itself is noticed.
constexpr auto kLookInterval = 100ms;

std::string new_token() {
  std::random_device random;
  std::string token;
  for (int i = 0; i < 4; ++i) token += fmt::format("{:08x}", random());
  return token;
}

/// stack.json for obsctl, and the toggles' token alone for people with curl.
Result<void> publish(Stack& stack, const ControlServer& control, const std::string& control_token) {
  const auto services = stack.status();
  if (!services) return services.error();
  StackFile file{.instance = stack.instance(),
                 .stack = stack.name(),
                 .time_scale = stack.time_scale(),
                 .runtime = stack.runtime(),
                 .supervisor = ::getpid(),
                 .control_url = control.url(),
                 .control_token = control_token,
                 .token = stack.token(),
                 .urls = {},
                 .versions = stack.versions(),
                 .checksums = stack.checksums(),
                 .notes = stack.notes()};
  for (const ServiceStatus& service : *services) file.urls[service.name] = service.url;
  const auto token = core::write_file(stack.run_directory() / "token", stack.token() + "\n", 0600);
  if (!token) return token.error();
  return core::write_file(stack.run_directory() / "stack.json", write_stack_file(file), 0600);
}

/// Reports each end once: the same service that is started and ends again is a new end.
class FailureWatch {
 public:
  FailureWatch(Stack& stack, const SupervisorCallbacks& callbacks) : stack_(stack), callbacks_(callbacks) {}

  void look() {
    const std::optional<ServiceFailure> failure = stack_.failed();
    if (failure && failure->service != reported_ && callbacks_.failed) callbacks_.failed(*failure);
    reported_ = failure ? failure->service : std::string();
  }

 private:
  Stack& stack_;
  const SupervisorCallbacks& callbacks_;
  std::string reported_;
};

}  // namespace

Result<void> supervise(const Manifest& manifest, const UpOptions& options,
                       const SupervisorCallbacks& callbacks, const std::stop_token& stop) {
  UpOptions named = options;
  if (named.instance.empty()) named.instance = manifest.name;
  Result<std::unique_ptr<Stack>> stack = bring_up(manifest, named, callbacks.progress, stop);
  if (!stack) return stack.error();
  const std::string token = new_token();
  auto control = ControlServer::start(**stack, token);
  if (!control) return control.error();
  if (const auto published = publish(**stack, **control, token); !published) return published.error();
  if (callbacks.ready) callbacks.ready(**stack);

  FailureWatch watch(**stack, callbacks);
  while (!stop.stop_requested() && (*control)->serve_one(kLookInterval, stop)) watch.look();
  return (*stack)->down();
}

void SupervisorReport::write(const std::string& line) {
  std::string_view rest = line;
  while (!rest.empty()) {
    const ssize_t n = ::write(descriptor_, rest.data(), rest.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return;
    rest.remove_prefix(static_cast<std::size_t>(n));
  }
}

void SupervisorReport::progress(const Progress& progress) {
  write(json{{"progress", to_json(progress)}}.dump(-1, ' ', false, json::error_handler_t::replace) + "\n");
}

void SupervisorReport::ready() {
  write("{\"ready\":true}\n");
}

void SupervisorReport::error(const core::Error& error) {
  write(json{{"error", to_json(error)}}.dump(-1, ' ', false, json::error_handler_t::replace) + "\n");
}

}  // namespace obsctl::stacks
