#include "stacks/services/sample_service.hpp"

#include <atomic>
#include <random>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/http_response_text.hpp"
#include "stacks/services/held_requests.hpp"
#include "stacks/services/problem.hpp"
#include "stacks/services/request_id.hpp"
#include "stacks/services/routes.hpp"
#include "stacks/services/service_metrics.hpp"
#include "stacks/services/toggle_board.hpp"
#include "stacks/services/toggles_api.hpp"
#include "stacks/services/work.hpp"

namespace obsctl::stacks {

namespace {

using Exchange = std::shared_ptr<core::HttpExchange>;

constexpr std::string_view kTextFormat = "text/plain; version=0.0.4; charset=utf-8";

/// One request on its way through the service.
struct Call {
  Exchange exchange;
  const Route* route;
  Method method;
  std::string request_id;
  FaultPlan plan = {};
};

std::uint64_t new_seed() {
  std::random_device device;
  return (std::uint64_t{device()} << 32) | device();
}

std::string in_milliseconds(core::Nanoseconds duration) {
  return fmt::format("{:.3f}", core::to_seconds(duration) * 1000);
}

class Service final : public SampleService {
 public:
  Service(const ServiceOptions& options, std::uint64_t seed, const core::Clock& clock, core::Logger& log)
      : options_(options),
        clock_(clock),
        random_(seed),
        request_ids_(new_seed()),  // seeded ones would repeat from one start to the next
        metrics_(options.dependencies, options.version),
        access_log_(options.access_log),
        board_(service_toggle_kinds(),
               {.ttl_default = options.toggle_ttl,
                .ttl_max = options.toggle_ttl_max,
                .longest_delay = options.delay_max,
                .routes = faultable_routes(),
                .dependencies = options.dependencies,
                .log_line = [this](std::string_view line) { access_log_.write_line(line); },
                .seed = seed,
                .changed = [this](std::size_t kind) { toggle_changed(kind); }},
               clock),
        toggles_(board_, {options.token, "OBSCTL_SERVICE_TOKEN"}, clock, log),
        dependencies_(options.calls, board_, clock) {}

  core::Result<void> listen() {
    core::HttpServerOptions http = options_.http;
    http.on_refused = [this](int status) { metrics_.count_refused(status); };
    auto server = core::HttpServer::start(http, [this](const Exchange& exchange) { handle(exchange); });
    if (!server) return server.error();
    server_ = std::move(*server);
    return {};
  }

  std::uint16_t port() const override { return server_->port(); }
  std::string url() const override { return server_->url(); }

  bool drain(core::Nanoseconds delay, core::Nanoseconds deadline, const std::stop_token& urgent) override {
    draining_ = true;
    core::SystemClock().sleep_for(delay, urgent);
    return server_->drain(urgent.stop_requested() ? core::Nanoseconds(0) : deadline, urgent);
  }

 private:
  void handle(const Exchange& exchange);
  void meet_faults(Call&& call);
  void conclude(const Call& call);
  void hold(const Call& call);
  void answer_with_status(const Call& call);
  void call_dependencies(const Call& call);
  void run_route(const Call& call);
  std::string probe_targets() const;
  void ready(const Call& call);
  void start_work(const Call& call);
  void finish(const Call& call, core::HttpResponse&& response);
  void note_client_left(const Call& call);
  void record(const Call& call, int status, std::size_t bytes);
  void toggle_changed(std::size_t kind);
  Readiness readiness(std::uint32_t& kinds) const;

  const ServiceOptions options_;
  const core::Clock& clock_;
  std::atomic<bool> draining_{false};
  // The rest belongs to the server's thread.
  SplitMix64 random_;
  RequestIds request_ids_;
  ServiceMetrics metrics_;
  AccessLog access_log_;  ///< before the board, whose faults write to it
  HeldRequests held_;
  ToggleBoard board_;
  TogglesApi toggles_;
  Dependencies dependencies_;
  std::unique_ptr<core::HttpServer> server_;  ///< last, so that its thread ends before what it uses
};

void Service::handle(const Exchange& exchange) {
  const std::string_view given = exchange->header("X-Request-ID");
  Call call{exchange, &route_of(exchange->path()), method_of(exchange->method()),
            is_sane_request_id(given) ? std::string(given) : request_ids_.next()};
  if (!board_.quiet()) toggles_.expire();
  if (call.route->id == RouteId::other)
    return finish(call, problem(404, fmt::format("there is nothing at {}", exchange->path())));
  if (!call.route->knows(call.method)) return finish(call, unknown_method(*call.route, exchange->method()));
  if (call.route->may_be_faulted && !board_.quiet()) return meet_faults(std::move(call));
  call_dependencies(call);
}

void Service::meet_faults(Call&& call) {
  call.plan = board_.plan(call.route->label);
  metrics_.count_faults(call.plan.kinds, call.route->id);
  if (call.plan.delay <= core::Nanoseconds(0)) return conclude(call);
  const Exchange exchange = call.exchange;
  const auto waiting = std::make_shared<bool>(true);
  exchange->on_gone([this, call, waiting] {
    if (*waiting) note_client_left(call);
  });
  exchange->after(call.plan.delay, [this, call, waiting] {
    *waiting = false;
    conclude(call);
  });
}

void Service::conclude(const Call& call) {
  switch (call.plan.ending) {
    case Ending::answer:
      return call_dependencies(call);
    case Ending::status:
      return answer_with_status(call);
    case Ending::abort:
      record(call, kClosedUnanswered, 0);
      return call.exchange->abort();
    case Ending::reset:
      record(call, kClosedUnanswered, 0);
      return call.exchange->reset();
    case Ending::hang:
    case Ending::blackhole:
      return hold(call);
  }
}

void Service::answer_with_status(const Call& call) {
  const FaultPlan& plan = call.plan;
  core::HttpResponse response =
      problem(plan.status, plan.reason.empty() ? fmt::format("this error was injected by the toggle {}",
                                                             board_.kinds()[plan.decided_by].name)
                                               : plan.reason);
  if (plan.retry_after > core::Nanoseconds(0))
    response.headers.push_back(core::retry_after(plan.retry_after));
  finish(call, std::move(response));
}

void Service::hold(const Call& call) {
  held_.hold(
      call.exchange, call.plan.decided_by, [this, call] { call_dependencies(call); },
      [this, call] { note_client_left(call); });
  // Usually the next request notices that the TTL has passed; there may be none.
  call.exchange->after(board_.left(call.plan.decided_by), [this] { toggles_.expire(); });
}

void Service::call_dependencies(const Call& call) {
  if (!dependencies_.needed_by(call.route->label)) return run_route(call);
  const auto affected = [this, call](std::uint32_t kinds) {
    Call one = call;
    one.plan.kinds |= kinds;
    metrics_.count_faults(kinds, call.route->id);
    return one;
  };
  dependencies_.call_all(
      call.exchange, call.route->label,
      [this, affected](std::uint32_t kinds, std::optional<core::HttpResponse> failure) {
        if (!failure) return run_route(affected(kinds));
        finish(affected(kinds), std::move(*failure));
      },
      [this, affected](std::uint32_t kinds) { note_client_left(affected(kinds)); });
}

void Service::run_route(const Call& call) {
  switch (call.route->id) {
    case RouteId::ping:
      return finish(call, json_answer(200, "{\"message\":\"pong\"}\n"));
    case RouteId::work:
      return start_work(call);
    case RouteId::health:
      return finish(call, json_answer(200, "{\"status\":\"ok\"}\n"));
    case RouteId::ready:
      return ready(call);
    case RouteId::metrics: {
      metrics_.log_lines_dropped(access_log_.dropped());
      std::uint32_t kinds = 0;
      return finish(call, {.body = metrics_.exposition(readiness(kinds), dependencies_.metrics()),
                           .content_type = std::string(kTextFormat)});
    }
    case RouteId::probe_targets:
      return finish(call, json_answer(200, probe_targets()));
    case RouteId::toggles:
    case RouteId::toggle:
      return finish(call, toggles_.answer(*call.exchange));
    case RouteId::other:
      break;
  }
}

/// As Prometheus' HTTP service discovery wants them (https://prometheus.io/docs/prometheus/latest/http_sd/).
/// `service` is the host, as the stack's own targets have the label for what is broken when the alert fires.
std::string Service::probe_targets() const {
  nlohmann::ordered_json groups = nlohmann::ordered_json::array();
  for (const std::string& target : options_.probe_targets) {
    const auto url = core::parse_url(target);
    groups.push_back({{"targets", nlohmann::ordered_json::array({target})},
                      {"labels", {{"service", url ? url->host : target}}}});
  }
  return groups.dump() + '\n';
}

void Service::ready(const Call& call) {
  Call faulted = call;
  const Readiness state = readiness(faulted.plan.kinds);
  metrics_.count_faults(faulted.plan.kinds, RouteId::ready);
  board_.note_affected(faulted.plan.kinds);
  nlohmann::ordered_json body{{"status", draining_     ? "draining"
                                         : state.all() ? "ready"
                                                       : "not ready"},
                              {"dependencies", nlohmann::ordered_json::array()}};
  for (const Readiness::Dependency& one : state.dependencies)
    body["dependencies"].push_back({{"name", one.name}, {"up", one.up}});
  finish(faulted, json_answer(state.all() ? 200 : 503, body.dump() + '\n'));
}

Readiness Service::readiness(std::uint32_t& kinds) const {
  Readiness state = board_.readiness(kinds);
  if (draining_) state.ready = false;
  return state;
}

void Service::start_work(const Call& call) {
  const WorkRequest work =
      read_work(call.exchange->query("ms"), call.exchange->query("jitter"), options_.work_max);
  if (!work.errors.empty()) return finish(call, problem(400, "the job cannot be read", work.errors));
  metrics_.work_started();
  const core::Nanoseconds duration = work.draw(random_);
  const auto started = std::chrono::steady_clock::now();
  call.exchange->on_gone([this, call] {
    metrics_.work_ended();
    metrics_.work_failed();
    note_client_left(call);
  });
  call.exchange->after(duration, [this, call, duration, started] {
    metrics_.work_ended();
    finish(call,
           json_answer(200, fmt::format("{{\"asked_ms\":{},\"worked_ms\":{}}}\n", in_milliseconds(duration),
                                        in_milliseconds(std::chrono::steady_clock::now() - started))));
  });
}

void Service::finish(const Call& call, core::HttpResponse&& response) {
  // First the figures, so that who has the answer finds it counted.
  record(call, response.status, response.body.size());
  response.bytes_per_second = call.plan.bytes_per_second;
  response.truncate_after = call.plan.truncate_after;
  response.headers.push_back({"X-Request-ID", call.request_id});
  if (call.plan.kinds != 0)
    response.headers.push_back({"X-Fault", names_of(board_.kinds(), call.plan.kinds)});
  call.exchange->respond(std::move(response));
}

void Service::note_client_left(const Call& call) {
  record(call, kClientLeft, 0);
}

void Service::record(const Call& call, int status, std::size_t bytes) {
  const core::Nanoseconds duration = std::chrono::steady_clock::now() - call.exchange->received_at();
  metrics_.count_request(call.route->id, call.method, status, duration);
  if (!access_log_.wants(status)) return;
  const std::string remote = call.exchange->remote_address();
  const std::string faults = call.plan.kinds == 0 ? std::string() : names_of(board_.kinds(), call.plan.kinds);
  access_log_.write(clock_.wall_now(), {.request_id = call.request_id,
                                        .method = call.exchange->method(),
                                        .path = call.exchange->path(),
                                        .route = call.route->label,
                                        .remote = remote,
                                        .user_agent = call.exchange->header("User-Agent"),
                                        .faults = faults,
                                        .status = status,
                                        .bytes = bytes,
                                        .duration = duration});
}

void Service::toggle_changed(std::size_t kind) {
  held_.release(kind);
  for (const Route& route : routes()) {
    for (const int status : board_.statuses(kind, route.label)) metrics_.expose(route.id, status);
  }
}

}  // namespace

core::Result<std::unique_ptr<SampleService>> SampleService::start(const ServiceOptions& options,
                                                                  const core::Clock& clock,
                                                                  core::Logger& log) {
  if (const auto error = contradiction(options)) return *error;
  const std::uint64_t seed = options.seed.value_or(new_seed());
  auto service = std::make_unique<Service>(options, seed, clock, log);
  if (auto listening = service->listen(); !listening) return listening.error();
  if (options.token.empty()) log.warn("no token: the toggles API is locked (set OBSCTL_SERVICE_TOKEN)");
  log.info("listening", {{"url", service->url()}, {"seed", std::to_string(seed)}});
  return std::unique_ptr<SampleService>(std::move(service));
}

}  // namespace obsctl::stacks
