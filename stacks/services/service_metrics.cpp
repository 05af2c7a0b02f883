#include "stacks/services/service_metrics.hpp"

#include <algorithm>
#include <map>

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include "stacks/services/process_stats.hpp"

namespace obsctl::stacks {

namespace {

/// 0.25 is the threshold of the rule HighLatencyP95, and so has to be a bucket's edge.
const prometheus::Histogram::BucketBoundaries kBuckets{0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
                                                       0.1,    0.25,  0.5,    1,     2.5,  5,     10};
/// What every route may come to: without faults, and with those that alerts are tried with.
constexpr std::array<int, 3> kExpectedStatuses{200, 500, 503};

}  // namespace

struct ServiceMetrics::Series {
  /// The series of one route and method.
  struct Cell {
    prometheus::Histogram* duration = nullptr;
    /// A handful, most used first.
    std::vector<std::pair<int, prometheus::Counter*>> by_status;
  };

  Series(const std::vector<std::string>& dependency_names, const std::string& version);
  Cell& cell(RouteId route, Method method) {
    return cells[static_cast<std::size_t>(route)][static_cast<std::size_t>(method)];
  }
  prometheus::Counter& counter(RouteId route, Method method, int status);
  prometheus::Histogram& histogram(RouteId route, Method method);

  prometheus::Registry registry;
  prometheus::Family<prometheus::Counter>& requests;
  prometheus::Family<prometheus::Histogram>& durations;
  prometheus::Family<prometheus::Counter>& faults;
  prometheus::Family<prometheus::Gauge>& dependency_family;
  prometheus::Gauge& inflight;
  prometheus::Counter& work_failures;
  prometheus::Gauge& ready;
  prometheus::Counter& dropped;
  std::array<std::array<Cell, kMethods>, kRoutes> cells;
  std::vector<std::array<prometheus::Counter*, kRoutes>> faults_by_kind;
  std::map<std::string, prometheus::Gauge*, std::less<>> dependencies;
};

ServiceMetrics::Series::Series(const std::vector<std::string>& dependency_names, const std::string& version)
    : requests(prometheus::BuildCounter()
                   .Name("http_requests_total")
                   .Help("Requests; status 499: the client left before its answer, 444: a toggle closed its "
                         "connection.")
                   .Register(registry)),
      durations(prometheus::BuildHistogram()
                    .Name("http_request_duration_seconds")
                    .Help("From the request's last byte to its answer.")
                    .Register(registry)),
      faults(prometheus::BuildCounter()
                 .Name("faults_injected_total")
                 .Help("Requests that a toggle has affected.")
                 .Register(registry)),
      dependency_family(prometheus::BuildGauge()
                            .Name("app_dependency_up")
                            .Help("Whether a dependency is reported as healthy by /readyz.")
                            .Register(registry)),
      inflight(prometheus::BuildGauge()
                   .Name("work_jobs_inflight")
                   .Help("Jobs of /api/v1/work that are being worked on.")
                   .Register(registry)
                   .Add({})),
      work_failures(prometheus::BuildCounter()
                        .Name("work_failures_total")
                        .Help("Jobs of /api/v1/work that were given up because the client left.")
                        .Register(registry)
                        .Add({})),
      ready(prometheus::BuildGauge()
                .Name("app_ready")
                .Help("Whether /readyz answers 200.")
                .Register(registry)
                .Add({})),
      dropped(prometheus::BuildCounter()
                  .Name("access_log_lines_dropped_total")
                  .Help("Lines of the access log that were lost because nobody took them in time.")
                  .Register(registry)
                  .Add({})) {
  prometheus::BuildGauge()
      .Name("app_build_info")
      .Help("The running version; always 1.")
      .Register(registry)
      .Add({{"version", version}})
      .Set(1);
  for (const std::string& name : dependency_names)
    dependencies[name] = &dependency_family.Add({{"dependency", name}});
  for (const Route& route : routes()) {
    for (const Method method : route.methods) {
      if (method == Method::head) continue;  // rare, and every route has it: exposed with its first event
      histogram(route.id, method);
      for (const int status : kExpectedStatuses) counter(route.id, method, status);
    }
  }
  counter(RouteId::other, Method::get, 404);
  histogram(RouteId::other, Method::get);
  for (const ToggleKind& kind : service_toggle_kinds()) {
    auto& counters = faults_by_kind.emplace_back();
    for (const Route& route : routes()) {
      using enum ToggleKind::Affects;
      const bool affected = (kind.affects == readiness && route.id == RouteId::ready) ||
                            (kind.affects == requests && route.may_be_faulted);
      if (!affected) continue;
      counters[static_cast<std::size_t>(route.id)] =
          &faults.Add({{"fault", std::string(kind.name)}, {"route", std::string(route.label)}});
    }
  }
}

prometheus::Counter& ServiceMetrics::Series::counter(RouteId route, Method method, int status) {
  Cell& one = cell(route, method);
  for (const auto& [known, counter] : one.by_status) {
    if (known == status) return *counter;
  }
  auto& counter = requests.Add({{"route", std::string(routes()[static_cast<std::size_t>(route)].label)},
                                {"method", std::string(to_string(method))},
                                {"status", std::to_string(status)}});
  one.by_status.emplace_back(status, &counter);
  return counter;
}

prometheus::Histogram& ServiceMetrics::Series::histogram(RouteId route, Method method) {
  Cell& one = cell(route, method);
  if (one.duration == nullptr)
    one.duration = &durations.Add({{"route", std::string(routes()[static_cast<std::size_t>(route)].label)},
                                   {"method", std::string(to_string(method))}},
                                  kBuckets);
  return *one.duration;
}

ServiceMetrics::ServiceMetrics(const std::vector<std::string>& dependencies, const std::string& version)
    : series_(std::make_unique<Series>(dependencies, version)) {}
ServiceMetrics::~ServiceMetrics() = default;

void ServiceMetrics::count_request(RouteId route, Method method, int status, core::Nanoseconds duration) {
  series_->counter(route, method, status).Increment();
  series_->histogram(route, method).Observe(core::to_seconds(duration));
}

void ServiceMetrics::count_refused(int status) {
  series_->counter(RouteId::other, Method::other, status).Increment();
}

void ServiceMetrics::expose(RouteId route, int status) {
  for (const Method method : routes()[static_cast<std::size_t>(route)].methods)
    series_->counter(route, method, status);
}

void ServiceMetrics::count_faults(std::uint32_t kinds, RouteId route) {
  for (std::size_t kind = 0; kinds != 0; ++kind, kinds >>= 1) {
    prometheus::Counter* counter = series_->faults_by_kind[kind][static_cast<std::size_t>(route)];
    if ((kinds & 1) != 0 && counter != nullptr) counter->Increment();
  }
}

void ServiceMetrics::work_started() {
  series_->inflight.Increment();
}
void ServiceMetrics::work_ended() {
  series_->inflight.Decrement();
}
void ServiceMetrics::work_failed() {
  series_->work_failures.Increment();
}

void ServiceMetrics::log_lines_dropped(std::uint64_t total) {
  series_->dropped.Increment(static_cast<double>(total) - series_->dropped.Value());
}

std::string ServiceMetrics::exposition(const Readiness& readiness,
                                       std::vector<prometheus::MetricFamily> more) {
  series_->ready.Set(readiness.all() ? 1 : 0);
  for (const Readiness::Dependency& dependency : readiness.dependencies) {
    const auto found = series_->dependencies.find(dependency.name);
    if (found != series_->dependencies.end()) found->second->Set(dependency.up ? 1 : 0);
  }
  std::vector<prometheus::MetricFamily> families = series_->registry.Collect();
  for (prometheus::MetricFamily& family : process_metrics()) families.push_back(std::move(family));
  std::move(more.begin(), more.end(), std::back_inserter(families));
  // The registry keeps its series in hash tables; people read this too.
  std::sort(families.begin(), families.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  for (prometheus::MetricFamily& family : families)
    std::sort(family.metric.begin(), family.metric.end(),
              [](const auto& a, const auto& b) { return a.label < b.label; });
  return prometheus::TextSerializer().Serialize(families);
}

}  // namespace obsctl::stacks
