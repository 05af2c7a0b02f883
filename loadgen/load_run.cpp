// Starts a run: everything that can be wrong with a plan is found here, before anything is sent.
#include "loadgen/load_run.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <sys/resource.h>

#include "loadgen/curl_transport.hpp"
#include "loadgen/plan_check.hpp"
#include "loadgen/threaded_run.hpp"

namespace obsctl::loadgen {

namespace {

/// What a process has open besides its connections.
constexpr int kOtherDescriptors = 128;

/// Each connection is a descriptor; the soft limit is raised as far as it must and may be. Where that is not
/// enough, the ceiling that nobody has asked for is lowered.
core::Result<void> allow_descriptors(LoadPlan& plan, core::Logger& log) {
  const int connections = std::max(plan.max_connections, plan.arrivals.concurrency);
  const rlim_t wanted = static_cast<rlim_t>(connections) + kOtherDescriptors;
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted) return {};
  limit.rlim_cur = std::min(wanted, limit.rlim_max);
  if (limit.rlim_cur < wanted) {
    const int allowed = static_cast<int>(limit.rlim_cur) - kOtherDescriptors;
    if (plan.max_connections != LoadPlan{}.max_connections ||
        allowed < std::max(1, plan.arrivals.concurrency)) {
      return core::make_error(core::ErrorKind::unavailable,
                              fmt::format("{} connections need more open files than the limit of {}",
                                          connections, limit.rlim_max),
                              "raise it with ulimit -n, or use fewer connections");
    }
    log.warn(fmt::format("at most {} connections are opened: the limit of open files is {}", allowed,
                         limit.rlim_max));
    plan.max_connections = allowed;
  }
  setrlimit(RLIMIT_NOFILE, &limit);
  return {};
}

/// The end of the measured part, where the plan has one.
RunTime planned_end(const RunShared& shared) {
  const LoadPlan& plan = shared.plan;
  RunTime end = kNever;
  if (plan.duration.count() > 0) end = (plan.warm_up + plan.duration).count();
  if (plan.arrivals.concurrency > 0) return end;
  if (shared.schedule.length().count() > 0) end = std::min<RunTime>(end, shared.schedule.length().count());
  if (shared.index_limit != INT64_MAX) {
    const ArrivalCursor after_last(shared.schedule, plan.seed, shared.index_limit, 1);
    end = std::min<RunTime>(end, after_last.due().count());
  }
  return end;
}

}  // namespace

core::Result<std::unique_ptr<LoadRun>> LoadRun::start(LoadPlan plan, core::Logger& log) {
  const auto checked = check_plan(plan);
  if (!checked) return checked.error();
  if (plan.version == HttpVersion::http2) {
    const auto curl = check_curl(plan);
    if (!curl) return curl.error();
  }
  const auto descriptors = allow_descriptors(plan, log);
  if (!descriptors) return descriptors.error();
  auto shared = std::make_unique<RunShared>();
  shared->plan = std::move(plan);
  const LoadPlan& kept = shared->plan;
  if (kept.arrivals.concurrency == 0) {
    auto schedule = Schedule::compile(kept.arrivals);
    if (!schedule) return schedule.error();
    shared->schedule = std::move(*schedule);
  }
  auto mix = RequestMix::compile(kept);
  if (!mix) return mix.error();
  shared->mix = std::move(*mix);
  auto endpoints = resolve_target(kept);
  if (!endpoints) return endpoints.error();
  shared->endpoints = std::move(*endpoints);
  std::optional<TlsContext> tls;
  if (kept.target.scheme == "https") {
    auto context = TlsContext::create(kept.tls, kept.target.host);
    if (!context) return context.error();
    tls = std::move(*context);
  }
  shared->first_measured = kept.warm_up.count();
  std::int64_t limit = kept.max_requests;
  if (shared->mix.limit() > 0) limit = limit > 0 ? std::min(limit, shared->mix.limit()) : shared->mix.limit();
  if (limit > 0 && kept.arrivals.concurrency == 0) {
    ArrivalCursor warm_up(shared->schedule, kept.seed, 0, 1);
    shared->index_limit = warm_up.count_before(kept.warm_up) + limit;
  }
  shared->planned_end = planned_end(*shared);
  shared->end.store(shared->planned_end);
  auto run = std::make_unique<ThreadedRun>(std::move(shared), std::move(tls), log);
  run->launch();
  return std::unique_ptr<LoadRun>(std::move(run));
}

}  // namespace obsctl::loadgen
